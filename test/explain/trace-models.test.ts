import { beforeAll, expect, test } from "vitest";
import type { Series } from "../../src/data/examples.ts";
import { timeSeriesSet } from "../../src/data/time-series-set.ts";
import { type TraceClassifierOptions, traceClassifier } from "../../src/explain/trace-classifier.ts";
import { traceForecaster } from "../../src/explain/trace-forecaster.ts";
import { traceTagger } from "../../src/explain/trace-tagger.ts";
import { type SequenceClassifierOptions, sequenceClassifier } from "../../src/models/sequence-classifier.ts";
import { Classifier, type ClassPrediction } from "../../src/run/classifier.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters, type ParameterStore } from "../../src/tensor/parameter-store.ts";
import type { Tokenizer } from "../../src/text/tokenizer.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";
import { trainForecaster } from "../../src/train/train-forecaster.ts";
import { trainTagger } from "../../src/train/train-tagger.ts";
import { difference } from "../support/difference.ts";
import { describeOnMachines } from "../support/machines.ts";

let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await trainTokenizer("a b c d a b c a b", { kind: "word" });
});

/** weight [N, W] and bias [N] of a linear head, by hand in float64. */
async function headOf(parameters: ParameterStore): Promise<(x: ArrayLike<number>) => number[]> {
  const tensors = await parameters.toTensors();
  const [weight, bias] = ["head.weight", "head.bias"].map((name) => Float64Array.from(tensors.get(name)!.data)) as [
    Float64Array,
    Float64Array,
  ];
  return (x) => Array.from(bias, (b, n) => Array.from(x).reduce((sum, v, k) => sum + v * weight[n * x.length + k]!, b));
}

const softmax = (logits: readonly number[]): number[] => {
  const powers = logits.map((v) => Math.exp(v - Math.max(...logits)));
  return powers.map((v) => v / powers.reduce((a, b) => a + b));
};

describeOnMachines("traces of models of other tasks", (on) => {
  async function classifierOf(options: Partial<SequenceClassifierOptions>) {
    const { machine } = on;
    const model = sequenceClassifier({ classes: ["x", "y", "z"], hiddenSize: 4, ...options });
    const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 3 });
    const reads = model.config.vocabularySize === undefined ? {} : { tokenizer };
    return new Classifier({ model, machine, parameters, ...reads });
  }
  const words = () => ({ vocabularySize: tokenizer.vocabularySize, embeddingSize: 3, dropout: 0.4 });

  test("a classifier: the states are those that its head sees, after every step", async () => {
    const classifier = await classifierOf(words());
    const trace = await traceClassifier(classifier, "a c b d");
    expect(trace).toMatchObject({
      tokens: ["a", "c", "b", "d"],
      layers: ["l0"],
      names: ["i", "f", "g", "o", "c", "h"],
    });
    const head = await headOf(classifier.parameters);
    const { data, shape } = trace.values.h_l0!;
    expect(shape).toEqual([4, 1, 4]);
    const said = await classifier.predictEachStep("a c b d");
    expect(said).toHaveLength(4);
    for (const [t, { probabilities }] of said.entries())
      expect(difference(Object.values(probabilities), softmax(head(data.slice(4 * t, 4 * t + 4))))).toBeLessThan(
        on.outputs * 10,
      );
    expect(said[3]).toEqual((await classifier.predict(["a c b d"]))[0]);
    expect(said[1]).toEqual((await classifier.predict(["a c"]))[0]);
    classifier.parameters.close();
  });

  test("one of series in two directions and layers, with any pooling: its beginnings are read by themselves", async () => {
    const classifier = await classifierOf({ channels: 2, bidirectional: true, numLayers: 2, pooling: "attention" });
    const series: Series = { channels: 2, values: Float64Array.of(1, 2, 0.5, -1, 3, 0) };
    const trace = await traceClassifier(classifier, series);
    expect(trace.tokens).toEqual(["1", "2", "3"]);
    expect(trace.layers).toEqual(["l0", "l1"]);
    expect(Object.keys(trace.values)).toContain("f_l1_reverse");
    const said = await classifier.predictEachStep(series);
    const first = { channels: 2, values: series.values.slice(0, 4) };
    expect(said.slice(1)).toEqual(await classifier.predict([first, series]));
    // The output of the last layer is both directions beside each other.
    const last = Array.from(trace.output.data).slice(-8);
    const of = (key: string) => Array.from(trace.values[key]!.data).slice(-4);
    expect(last).toEqual([...of("h_l1"), ...of("h_l1_reverse")]);
    classifier.parameters.close();
  });

  test("a regression says numbers, and what cannot be read is refused", async () => {
    const numbers = await classifierOf({
      ...{ channels: 1, classes: undefined },
      targetScaling: { mean: [5], deviation: [2] },
    });
    const series = { channels: 1, values: Float64Array.of(1, -1) };
    const said = await numbers.predictNumbersEachStep(series);
    expect(said[1]).toBe((await numbers.predictNumbers([series]))[0]);
    await expect(numbers.predictEachStep(series)).rejects.toMatchObject({ code: "not-a-classifier" });
    const classifier = await classifierOf(words());
    await expect(classifier.predictNumbersEachStep("a")).rejects.toMatchObject({ code: "not-a-regression" });
    await expect(classifier.predictEachStep("")).rejects.toMatchObject({ code: "no-tokens" });
    await expect(traceClassifier(classifier, "")).rejects.toMatchObject({ code: "no-tokens" });
    await expect(traceClassifier(classifier, series)).rejects.toMatchObject({ code: "wrong-input" });
    await expect(traceClassifier(classifier, "a", { names: ["q"] })).rejects.toMatchObject({ code: "unknown-choice" });
    for (const one of [numbers, classifier]) one.parameters.close();
  });

  test("a classifier's gradients cost its values no bit, and come of what is named", async () => {
    const classifier = await classifierOf({ ...words(), bidirectional: true, pooling: "max" });
    const plain = await traceClassifier(classifier, "a c b d");
    const traced = await traceClassifier(classifier, "a c b d", { gradients: true });
    expect(plain.gradients).toEqual({});
    expect(traced.values).toEqual(plain.values);
    expect(Object.keys(traced.gradients)).toEqual(Object.keys(traced.values));
    const [{ label, logProbabilities }] = (await classifier.predict(["a c b d"])) as [ClassPrediction];
    expect(traced.loss).toBeCloseTo(-logProbabilities[label]!, 5);
    const other = label === "x" ? "y" : "x";
    const of = await traceClassifier(classifier, "a c b d", { gradients: true, label: other });
    expect(of.loss).toBeCloseTo(-logProbabilities[other]!, 5);
    expect(of.gradients).not.toEqual(traced.gradients);
    const asked = (options: TraceClassifierOptions) => traceClassifier(classifier, "a", options);
    await expect(asked({ gradients: true, label: "w" })).rejects.toMatchObject({ code: "unknown-choice" });
    await expect(asked({ label: "x" })).rejects.toThrow(/request `gradients` too/);
    classifier.parameters.close();
  });

  test("a tagger: words and their characters reach the layers, and its head says the tags of what they give", async () => {
    const sentences = {
      tokens: Array.from({ length: 6 }, (_, k) => (k % 2 ? ["in", "bag"] : ["a"])),
      tags: Array.from({ length: 6 }, (_, k) => (k % 2 ? ["P", "N"] : ["D"])),
      places: Array.from({ length: 6 }, (_, k) => `sentence ${k}`),
    };
    const { tagger, trainer } = await trainTagger({
      ...{ machine: on.machine, sentences, validation: 0 },
      model: { embeddingSize: 3, hiddenSize: 2, characterEmbeddingSize: 2, characterHiddenSize: 2, head: "softmax" },
    });
    expect(tagger.model.config.characters).toBeDefined();
    const sentence = ["bag", "in", "new"];
    const trace = await traceTagger(tagger, sentence);
    expect(trace.tokens).toEqual(sentence);
    expect(trace.values.c_l0_reverse!.shape).toEqual([3, 1, 2]);
    const head = await headOf(tagger.parameters);
    const [found] = await tagger.predict([sentence], { probabilities: true });
    for (const [t, row] of found!.probabilities!.entries())
      expect(difference(Object.values(row), softmax(head(trace.output.data.slice(4 * t, 4 * t + 4))))).toBeLessThan(
        on.outputs * 10,
      );
    trainer.close();
  });

  test.each([
    ["direct", false],
    ["autoregressive", false],
    ["direct", true],
  ] as const)(
    "a forecaster (%s, categories: %s): its head says the next step of the state after the last one",
    async (decoding, categories) => {
      const data = timeSeriesSet({
        targets: ["y"],
        ...(categories && { categories: ["kind"] }),
        series: [
          {
            values: { y: Array.from({ length: 60 }, (_, k) => 30 + 5 * Math.sin(k) + (k % 4)) },
            ...(categories && { categories: { kind: "a" } }),
          },
        ],
      });
      const { forecaster, trainer } = await trainForecaster({
        ...{
          machine: on.machine,
          data,
          horizon: 2,
          context: 5,
          head: "point",
          anchor: "none",
          linear: false,
          transform: "none",
        },
        ...{ decoding, model: { hiddenSize: 3 }, validation: 0.2, test: 0 },
      });
      const trace = await traceForecaster(forecaster, data.series[0]!);
      expect(trace.tokens).toEqual(["−5", "−4", "−3", "−2", "−1"]);
      const { series, origin } = forecaster.latestWindow(data.series[0]!);
      expect(origin).toBe(60);
      const [next] = (await headOf(forecaster.parameters))(Array.from(trace.output.data).slice(-3));
      const [forecast] = await forecaster.forecast(data);
      expect(difference([forecast!.targets.y!.point[0]!], [series.center[0]! + series.scale[0]! * next!])).toBeLessThan(
        on.outputs * 10,
      );
      trainer.close();
    },
  );

  test("a forecaster with a second stack: its head says each step to come of the states that follow those of the past", async () => {
    const y = Array.from({ length: 63 }, (_, k) => (k < 60 ? 30 + 5 * Math.sin(k) + (k % 4) : Number.NaN));
    const setOf = (length: number) =>
      timeSeriesSet({
        ...{ targets: ["y"], known: ["promotion"] },
        series: [
          { values: { y: y.slice(0, length), promotion: y.slice(0, length).map((_, k) => Number(k % 3 === 0)) } },
        ],
      });
    const { forecaster, trainer } = await trainForecaster({
      ...{ machine: on.machine, data: setOf(60), horizon: 3, context: 5, head: "point", anchor: "none", linear: false },
      ...{ transform: "none", model: { hiddenSize: 3, numLayers: 2 }, validation: 0.2, test: 0 },
    });
    expect(forecaster.model.parts.decoder).toBeDefined();
    const data = setOf(63);
    const trace = await traceForecaster(forecaster, data.series[0]!);
    expect(trace.tokens).toEqual(["−5", "−4", "−3", "−2", "−1", "0", "1", "2"]);
    expect(trace.values.f_l1).toMatchObject({ name: "f", layer: 1, shape: [8, 1, 3] });
    expect(trace.output.shape).toEqual([8, 1, 3]);
    const states = Array.from(trace.output.data);
    expect(Array.from(trace.values.h_l1!.data)).toEqual(states);
    expect(Array.from(trace.final.h!).slice(-3)).toEqual(states.slice(-3));
    const { series } = forecaster.latestWindow(data.series[0]!);
    const head = await headOf(forecaster.parameters);
    const said = [5, 6, 7].map((t) => series.center[0]! + series.scale[0]! * head(states.slice(3 * t, 3 * t + 3))[0]!);
    const [forecast] = await forecaster.forecast(data);
    expect(difference(forecast!.targets.y!.point, said)).toBeLessThan(on.outputs * 10);
    // Of what is not known the past alone is read.
    const past = await traceForecaster(forecaster, setOf(62).series[0]!);
    expect(past.tokens).toEqual(trace.tokens.slice(0, 5));
    expect(Array.from(past.values.f_l1!.data)).toEqual(Array.from(trace.values.f_l1!.data).slice(0, 15));
    trainer.close();
  });
});
