import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { saveRun } from "../../src/checkpoint/run-folder.ts";
import type { Examples, Series } from "../../src/data/examples.ts";
import { classificationScores } from "../../src/run/classification-scores.ts";
import { Classifier } from "../../src/run/classifier.ts";
import { evaluateClassifier, evaluateRegression } from "../../src/run/evaluate-classifier.ts";
import { loadClassifier } from "../../src/run/load-classifier.ts";
import { loadRun } from "../../src/run/load-run.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";
import { classWeightsOf } from "../../src/train/class-weights.ts";
import { type TrainClassifierOptions, trainClassifier } from "../../src/train/train-classifier.ts";
import { machineAndFolder } from "../support/machine-and-folder.ts";

/** The first word says the class; what follows does not. */
const texts: Examples<string> = (() => {
  const inputs = Array.from({ length: 120 }, (_, k) => `${["up", "down"][k % 2]} ${"and so on ".repeat(k % 5)}`);
  return { inputs, labels: inputs.map((text) => text.split(" ")[0]!), places: inputs.map((_, k) => `text ${k + 1}`) };
})();

/** Two channels of different length; what is asked for is 100 times the mean of the second one, plus 1000. */
const series: Examples<Series> = (() => {
  const inputs = Array.from({ length: 80 }, (_, k) => {
    const values = Float64Array.from(new RandomStream(2, "series", k).uniform(2 * (3 + (k % 4))));
    return { channels: 2, values: values.map((x, at) => (at % 2 === 1 ? x + (k % 10) : x)) };
  });
  const target = ({ values }: Series): number => {
    const second = values.filter((_, at) => at % 2 === 1);
    return 1000 + (100 * second.reduce((a, b) => a + b, 0)) / second.length;
  };
  return { inputs, labels: inputs.map((one) => String(target(one))), places: inputs.map((_, k) => `series ${k + 1}`) };
})();

const few = (inputs: readonly (string | Series)[], labels: readonly string[]): Examples => ({
  ...{ inputs, labels },
  places: inputs.map((_, k) => `row ${k + 1}`),
});

const { machine, folder } = await machineAndFolder("wasm");
const train = (options: Partial<TrainClassifierOptions>) =>
  trainClassifier({ machine, examples: texts, model: { hiddenSize: 8, embeddingSize: 8 }, ...options });

describe("trainClassifier", () => {
  test("learns classes of texts, and a run that was saved answers the same", async () => {
    const { trainer, classifier, validation } = await train({ epochs: 6, learningRate: 0.02 });
    const seen: unknown[] = [];
    await trainer.run({ epoch: ({ metrics }) => seen.push(metrics!.accuracy) });
    expect(seen.at(-1)).toBe(1);
    const scores = await evaluateClassifier(classifier, validation!);
    expect(scores).toMatchObject({ accuracy: 1, macroF1: 1, examples: 12 });
    const inputs = ["up up and away", "down, down, down", ""];
    const before = await classifier.predict(inputs);
    expect(before.map(({ label }) => label).slice(0, 2)).toEqual(["up", "down"]);
    for (const { probabilities } of before)
      expect(Object.values(probabilities).reduce((a, b) => a + b)).toBeCloseTo(1, 6);
    const { parameters, tokenizer, model } = classifier;
    await saveRun(join(folder, "texts"), { model, tokenizer, parameters });
    trainer.close();
    const loaded = await loadClassifier(join(folder, "texts"), { machine });
    expect(await loaded.predict(inputs)).toEqual(before);
    await expect(loadRun(join(folder, "texts"), { machine })).rejects.toMatchObject({ code: "other-task" });
  });

  test("a gap in a series is said with its place, before anything is measured of it", async () => {
    const inputs = series.inputs.map((one, k) =>
      k === 7 ? { ...one, values: one.values.map((x, at) => (at === 5 ? Number.NaN : x)) } : one,
    );
    await expect(train({ examples: { ...series, inputs }, regression: true, validation: 0 })).rejects.toMatchObject({
      code: "not-a-number",
      message: expect.stringMatching(/^series 8: step 2, channel 1 of the series is NaN: fill gaps first/),
    });
  });

  test("vectors of words that do not occur in what is learned from begin as zeros, all others as they are drawn", async () => {
    const tokenizer = await trainTokenizer("up down and so on never", { kind: "word" });
    const { trainer, parameters, model } = await train({ tokenizer, seed: 3 });
    const drawn = await createParameters({ machine, layout: layoutParameters(model), seed: 3 });
    const [table, usual] = [await parameters.read("embedding.weight"), await drawn.read("embedding.weight")];
    const width = table.length / tokenizer.vocabularySize;
    const unseen = ["<unk>", "<eos>", "never"].map((word) => tokenizer.vocabulary.indexOf(word));
    expect([...table]).toEqual(Array.from(usual, (v, k) => (unseen.includes(Math.floor(k / width)) ? 0 : v)));
    drawn.close();
    trainer.close();
  });

  test("the loss of training is the mean over weighted examples, however they are put into batches", async () => {
    const loss = async (batchSize: number): Promise<number> => {
      const model = { hiddenSize: 8, embeddingSize: 8, dropout: 0 };
      const options = { model, classWeights: { up: 7 }, validation: 0, epochs: 1, learningRate: 0 };
      const { trainer } = await train({ batchSize, ...options });
      const losses: number[] = [];
      await trainer.run({ epoch: ({ trainLoss }) => losses.push(trainLoss) });
      trainer.close();
      return losses[0]!;
    };
    // Batches of 7 hold "up" more or less often.
    expect(await loss(7)).toBeCloseTo(await loss(120), 6);
  });

  test("measures on the examples that are given for it, and learns from all others", async () => {
    const validation = few(["up a", "down b", "up c", "elsewhere"], ["up", "down", "up", "neither"]);
    const training = await train({ validation, epochs: 1, learningRate: 0 });
    const { trainer, classifier } = training;
    expect(training).toMatchObject({ train: texts, validation });
    const measured = await evaluateClassifier(classifier, validation);
    const { loss, accuracy, macroF1 } = measured;
    const seen: unknown[] = [];
    await trainer.run({ epoch: ({ metrics }) => seen.push(metrics) });
    expect(seen).toEqual([{ loss, accuracy, macroF1 }]);
    expect(measured.examples).toBe(4);
    trainer.close();
  });

  test("learns numbers from ragged series in the units of the labels, and is saved without a vocabulary", async () => {
    const options = { examples: series, regression: true, epochs: 40, learningRate: 0.02 } as const;
    const { trainer, classifier, validation } = await train({
      ...options,
      model: { hiddenSize: 8, dropout: 0, pooling: "mean" },
    });
    await trainer.run();
    const { rmse, r2, loss } = await evaluateRegression(classifier, validation!);
    expect(rmse).toBeLessThan(60);
    expect(r2).toBeGreaterThan(0.95);
    expect(loss).toBeLessThan(0.05);
    const before = await classifier.predictNumbers(series.inputs.slice(0, 5));
    const { parameters, tokenizer, model } = classifier;
    await saveRun(join(folder, "series"), { model, tokenizer, parameters });
    trainer.close();
    const loaded = await loadClassifier(join(folder, "series"), { machine });
    expect(await loaded.predictNumbers(series.inputs.slice(0, 5))).toEqual(before);
    await expect(loaded.predict(series.inputs)).rejects.toThrow(/call predictNumbers/);
    await expect(loaded.predictNumbers(["a text"])).rejects.toThrow(/series of 2 channels, got a text/);
    await expect(loaded.predictNumbers([{ channels: 1, values: Float64Array.of(1) }])).rejects.toThrow(/of 2 channels/);
  });

  test("the order in which inputs are asked for does not matter", async () => {
    const { trainer, classifier } = await train({ epochs: 1 });
    const ahead = await classifier.predict(texts.inputs);
    const back = (await classifier.predict([...texts.inputs].reverse())).reverse();
    for (const [k, { probabilities }] of ahead.entries())
      expect(back[k]!.probabilities.up).toBeCloseTo(probabilities.up!, 6);
    trainer.close();
  });

  test("a word that nothing to learn from has says nothing", async () => {
    const { trainer, classifier } = await train({ epochs: 2, model: { hiddenSize: 8, embeddingSize: 3 } });
    await trainer.run();
    const { tokenizer, parameters } = classifier;
    const table = (await parameters.toTensors()).get("embedding.weight")!.data;
    const vectorOf = (text: string): number[] => {
      const [token] = tokenizer!.encode(text);
      return Array.from(table).slice(3 * token!, 3 * token! + 3);
    };
    expect(vectorOf("never")).toEqual([0, 0, 0]);
    for (const word of ["up", "down", "so"]) expect(vectorOf(word)).not.toContain(0);
    trainer.close();
  });

  test("few examples are learned from more often", async () => {
    for (const [copies, batchSize, epochs] of [
      [1, 10, 59], // 108 examples, 11 batches
      [0.25, 8, 100], // 27, 4
      [12, 32, 16], // 1,296, 41
      [20, 32, 10], // 2,160, 68
    ] as const) {
      const inputs = Array.from({ length: 120 * copies }, (_, k) => texts.inputs[k % 120]!);
      const labels = inputs.map((text) => text.split(" ")[0]!);
      const { trainer } = await train({ examples: { inputs, labels, places: inputs.map(String) } });
      for await (const event of trainer) {
        if (event.type !== "start") continue;
        expect([event.batchSize, event.epochs]).toEqual([batchSize, epochs]);
        break;
      }
      trainer.close();
    }
  });

  test("series begin with open forget gates and a rate that falls, texts do not", async () => {
    const begun = async (options: Partial<TrainClassifierOptions>) => {
      const { trainer, model } = await train({ epochs: 3, logEvery: 1, ...options });
      const rates: number[] = [];
      for await (const event of trainer) if (event.type === "progress") rates.push(event.learningRate);
      trainer.close();
      return [model.config, rates.at(-1)! < 0.9 * rates[0]!];
    };
    expect(await begun({ examples: series, regression: true })).toMatchObject([{ initialize: "keras" }, true]);
    expect(await begun({})).toMatchObject([{ initialize: "pytorch" }, false]);
  });

  test("the epoch that is right most often is kept, of numbers that of the lowest loss, or what monitor names", async () => {
    const monitorOf = async (options: Partial<TrainClassifierOptions>) => {
      const { trainer } = await train({ epochs: 1, ...options });
      for await (const event of trainer) if (event.type === "start") return event.monitor;
    };
    const numbers = { examples: series, regression: true } as const;
    expect(await monitorOf({})).toEqual({ metric: "accuracy", mode: "max" });
    expect(await monitorOf({ monitor: "macroF1" })).toEqual({ metric: "macroF1", mode: "max" });
    expect(await monitorOf(numbers)).toEqual({ metric: "loss", mode: "min" });
    expect(await monitorOf({ ...numbers, monitor: "mae" })).toEqual({ metric: "mae", mode: "min" });
    expect(await monitorOf({ validation: 0 })).toBeUndefined();
    await expect(train({ monitor: "rmse" })).rejects.toThrow(
      /monitor: expected one of "loss", "accuracy", "macroF1", got/,
    );
    await expect(train({ ...numbers, monitor: "accuracy" })).rejects.toThrow(
      /monitor: expected one of "loss", "rmse", "mae", got/,
    );
    await expect(train({ validation: 0, monitor: "accuracy" })).rejects.toThrow(/measured on validation data/);
  });

  test("class weights change what is learned", async () => {
    const weightsAfter = async (classWeights: TrainClassifierOptions["classWeights"]) => {
      const { trainer, classifier } = await train({ epochs: 1, classWeights, validation: 0 });
      await trainer.run();
      const head = (await classifier.parameters.toTensors()).get("head.bias")!.data;
      trainer.close();
      return Array.from(head);
    };
    // Both classes are equally frequent, so balanced is no weighing.
    const none = await weightsAfter("none");
    for (const [k, value] of (await weightsAfter("balanced")).entries()) expect(value).toBeCloseTo(none[k]!, 5);
    expect(await weightsAfter({ up: 9 })).not.toEqual(none);
  });

  test("a label that training never saw counts as wrong, and not for the loss", async () => {
    const { trainer, classifier } = await train({ epochs: 1 });
    const scores = await evaluateClassifier(classifier, { inputs: ["up", "sideways"], labels: ["up", "sideways"] });
    expect(scores.confusion.labels).toEqual(["down", "up", "sideways"]);
    expect(scores.accuracy).toBeLessThanOrEqual(0.5);
    expect(scores.loss).toBeGreaterThan(0);
    trainer.close();
  });

  test("texts without a token are learned from and answered, also beside no other", async () => {
    const labels = ["up", "down", "down", "down", "up", "down"];
    const examples = { inputs: ["up", "", "", "", "up", ""], labels };
    const { trainer, classifier } = await train({ examples, validation: examples, batchSize: 2, epochs: 2 });
    await trainer.run();
    const together = await classifier.predict(["", "up"]);
    expect(await classifier.predict([""])).toEqual(together.slice(0, 1));
    trainer.close();
  });

  test("is measured on whole examples", async () => {
    const { trainer, classifier } = await train({ epochs: 1 });
    await expect(evaluateClassifier(classifier, { inputs: ["up"], labels: [] })).rejects.toThrow(
      "evaluateClassifier: 1 inputs, but 0 labels",
    );
    await expect(evaluateClassifier(classifier, { inputs: [], labels: [] })).rejects.toMatchObject({
      code: "no-examples",
    });
    trainer.close();
  });

  test("a classifier answers in whole batches of at least one", async () => {
    const { trainer, classifier } = await train({ epochs: 1 });
    const { model, parameters, tokenizer } = classifier;
    for (const batchSize of [0, -1, 1.5])
      expect(() => new Classifier({ model, machine, parameters, tokenizer, batchSize })).toThrow(
        /batchSize: expected a whole number of at least 1/,
      );
    trainer.close();
  });

  test("where examples come from need not be said", async () => {
    const { inputs, labels } = few(["up a", "down", "up b", "down c"], ["up", "down", "up", "down"]);
    const { trainer, train: learned } = await trainClassifier({
      ...{ machine, examples: { inputs, labels }, validation: 0.5, epochs: 1, model: { hiddenSize: 4 } },
    });
    expect([learned.inputs.length, learned.places]).toEqual([2, undefined]);
    trainer.close();
  });

  test.each<[string, Partial<TrainClassifierOptions>, RegExp]>([
    ["no examples", { examples: few([], []) }, /got none/],
    ["one class only", { examples: few(["a", "b"], ["x", "x"]) }, /one class "x"/],
    [
      "a text to predict as a number",
      { examples: few(["a", "b"], ["1", "x"]), regression: true },
      /row 2: expected a number/,
    ],
    [
      "the same without places",
      { examples: { inputs: ["a", "b"], labels: ["1", "x"] }, regression: true },
      /example 2: expected a number/,
    ],
    [
      "bare arrays",
      { examples: few([[1, 2], [3]] as never, ["1", "2"]) },
      /row 1: expected a text, or a series \{ channels, values \}, got an array of 2/,
    ],
    [
      "texts among series",
      { examples: few([...series.inputs.slice(0, 1), "b"], ["1", "2"]) },
      /row 2: expected a series/,
    ],
    [
      "series of other channels",
      { examples: few([...series.inputs.slice(0, 1), { channels: 1, values: Float64Array.of(1) }], ["1", "2"]) },
      /row 2: expected 2 channels/,
    ],
    [
      "NaN",
      {
        examples: few(
          [...series.inputs.slice(0, 1), { channels: 2, values: Float64Array.of(1, Number.NaN) }],
          ["1", "2"],
        ),
        scaling: "none",
      },
      /row 2: step 0, channel 1 of the series is NaN/,
    ],
    ["validation that is no examples", { validation: "abc" as never }, /validation: expected \{ inputs, labels \}/],
    [
      "validation without an example",
      { validation: few([], []) },
      /validation: expected texts or series with labels, got none/,
    ],
    [
      "validation of other inputs",
      { validation: few(series.inputs.slice(0, 1), ["up"]) },
      /expected texts .*, got series/,
    ],
    ["a weight for a class that is none", { classWeights: { left: 2 } }, /no class "left"; classes are down, up/],
    ["a weight of 0", { classWeights: { up: 0 } }, /above 0 for "up", got 0/],
    ["an unknown rule of weights", { classWeights: "fair" as "none" }, /"none", "balanced"/],
    [
      "weights of the classes of a regression",
      { examples: few(["a", "b"], ["1", "2"]), regression: true, classWeights: "balanced" },
      /classWeights: a regression predicts numbers/,
    ],
    ["a tokenizer of series", { examples: series, tokenizer: { kind: "byte" } }, /tokenizer: the examples are series/],
  ])("refuses %s", async (_, options, message) => {
    await expect(train({ validation: 0, ...options })).rejects.toThrow(message);
  });
});

test("balanced weights: all classes count the same together", () => {
  expect([...classWeightsOf("balanced", ["a", "b"], ["a", "a", "a", "b"])!]).toEqual([4 / 6, 2]);
  expect(classWeightsOf("none", ["a", "b"], ["a", "b"])).toBeUndefined();
});

test("scores, worked out by hand", () => {
  const { accuracy, macroF1, byClass, confusion } = classificationScores(
    ["a", "a", "a", "b", "new"],
    ["a", "a", "b", "b", "a"],
    ["a", "b", "never"],
  );
  expect(accuracy).toBe(3 / 5);
  // a: precision 2/3, recall 2/3; b: 1/2, 1; new: 0; "never" neither is nor is named.
  expect(macroF1).toBeCloseTo((2 / 3 + 2 / 3 + 0) / 3, 12);
  expect(byClass[1]).toMatchObject({ label: "b", precision: 0.5, recall: 1 });
  expect(confusion).toEqual({
    labels: ["a", "b", "never", "new"],
    counts: [
      [2, 1, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 0, 0],
      [1, 0, 0, 0],
    ],
  });
});

test("scores need a prediction for each label, of a class that there is", () => {
  expect(() => classificationScores(["a", "b"], ["a"], ["a", "b"])).toThrow("predicted: expected 2 labels, got 1");
  expect(() => classificationScores(["a"], ["c"], ["a", "b"])).toThrow('predicted: expected one of "a", "b"');
});
