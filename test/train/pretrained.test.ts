import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openReference } from "../../src/compute/reference/machine.ts";
import { languageModel } from "../../src/models/language-model.ts";
import { sgd } from "../../src/optimizers/sgd.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters, type ParameterStore } from "../../src/tensor/parameter-store.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";
import { type TrainClassifierOptions, trainClassifier } from "../../src/train/train-classifier.ts";
import { type TrainTaggerOptions, trainTagger } from "../../src/train/train-tagger.ts";

const machine = openReference();
afterAll(() => machine.close());

const inputs = Array.from({ length: 24 }, (_, k) => `${k % 2 ? "good" : "bad"} film ${"very ".repeat(k % 3)}long`);
const examples = { inputs, labels: inputs.map((text) => (text.startsWith("good") ? "+" : "-")) };
const usual = { machine, examples, batchSize: 6, epochs: 2, learningRate: 0.05 } as const;
const train = (options: Partial<TrainClassifierOptions> = {}) => trainClassifier({ ...usual, ...options });

const sentences = {
  tokens: inputs.map((text) => text.split(" ")),
  tags: inputs.map((text) => text.split(" ").map((word) => (word === "film" ? "N" : "A"))),
};
const tag = (options: Partial<TrainTaggerOptions> = {}) =>
  trainTagger({ machine, sentences, batchSize: 6, epochs: 2, learningRate: 0.05, characters: false, ...options });

const numbersOf = async (store: ParameterStore) =>
  Object.fromEntries([...(await store.toTensors())].map(([name, { data }]) => [name, [...data]]));

/** A language model of 5 units over words, "unlabelled" among them, that no labelled text has. */
async function wordModel(options: { readonly cell?: string; readonly numLayers?: number } = {}) {
  const tokenizer = await trainTokenizer(`${inputs.join("\n")}\nunlabelled\n`, { kind: "word" });
  const { vocabularySize } = tokenizer;
  const model = languageModel({ vocabularySize, embeddingSize: 4, hiddenSize: 5, ...options });
  const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 3 });
  return { model, parameters, tokenizer };
}
let source: Awaited<ReturnType<typeof wordModel>>;
beforeAll(async () => {
  source = await wordModel();
});

describe("a classifier that begins with a language model", () => {
  it("has its tokenizer, embedding and recurrent layers, and a head of its own", async () => {
    const { trainer, classifier, pretrained } = await train({ pretrained: source });
    expect(classifier.tokenizer).toBe(source.tokenizer);
    expect(classifier.model.config).toMatchObject({ hiddenSize: 5, embeddingSize: 4, bidirectional: false });
    const [own, theirs] = [await numbersOf(classifier.parameters), await numbersOf(source.parameters)];
    expect(pretrained!.fresh).toEqual(["head.weight", "head.bias"]);
    for (const name of pretrained!.taken) expect(own[name]).toEqual(theirs[name]);
    // Words that the labelled texts lack were learned elsewhere, so that they are not made zeros.
    const word = source.tokenizer.encode("unlabelled")[0]!;
    expect(own["embedding.weight"]!.slice(4 * word, 4 * word + 4).every((x) => x !== 0)).toBe(true);
    trainer.close();
  });

  it("reads with a fresh second direction if asked to", async () => {
    const { trainer, pretrained } = await train({ pretrained: source, model: { bidirectional: true } });
    expect(pretrained!.fresh.filter((name) => name.startsWith("rnn."))).toEqual(
      ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map((name) => `rnn.${name}_l0_reverse`),
    );
    trainer.close();
  });

  it("leaves what was taken as it is at the rate 0, and lets it learn more slowly below 1", async () => {
    const learned = async (pretrainedRate: number) => {
      const { trainer, parameters, pretrained } = await train({
        ...{ pretrained: source, pretrainedRate, epochs: 1, maxSteps: 1 },
        ...{ optimizer: sgd(), clipNorm: Number.POSITIVE_INFINITY, model: { dropout: 0 } },
      });
      const before = await numbersOf(parameters);
      await trainer.run();
      const after = await numbersOf(parameters);
      trainer.close();
      const moved = (name: string): number =>
        Math.max(...after[name]!.map((value, k) => Math.abs(value - before[name]![k]!)));
      return { taken: Math.max(...pretrained!.taken.map(moved)), head: moved("head.weight") };
    };
    const [still, slow, usual] = [await learned(0), await learned(0.25), await learned(1)];
    expect(still.taken).toBe(0);
    expect(still.head).toBeGreaterThan(0);
    expect(slow.taken).toBeCloseTo(usual.taken / 4, 12);
    expect(slow.head).toBe(usual.head);
  });

  it("is resumed exactly, without the weights it began with", async () => {
    const options = { pretrained: source, pretrainedRate: 0.5, epochs: 4 } as const;
    const whole = await train(options);
    await whole.trainer.run();
    const first = await train(options);
    let snapshot = await first.trainer.snapshot();
    await first.trainer.run({
      epoch: async ({ epoch }) => {
        if (epoch === 2) snapshot = await first.trainer.snapshot();
      },
    });
    const blank = await createParameters({ machine, layout: first.parameters.layout, initialize: false });
    const { model } = first;
    const pretrained = { model, parameters: blank, tokenizer: source.tokenizer } as never;
    const { taken } = first.pretrained!;
    const second = await train({ ...options, pretrained, pretrainedParts: taken });
    blank.close();
    await second.trainer.restore(snapshot);
    await second.trainer.run();
    expect(await numbersOf(second.parameters)).toEqual(await numbersOf(whole.parameters));
    for (const { trainer } of [whole, first, second]) trainer.close();
  });
});

describe("a classifier that begins with another", () => {
  it("keeps the head of the same classes and begins one of others anew", async () => {
    const before = await train({ model: { hiddenSize: 3, embeddingSize: 2, pooling: "attention" } });
    const again = await train({ pretrained: before.classifier });
    expect(again.pretrained!.fresh).toEqual([]);
    expect(again.classifier.model.config).toMatchObject({ pooling: "attention", bidirectional: true, hiddenSize: 3 });
    const labels = examples.labels.map((label, k) => (k % 5 === 0 ? "?" : label));
    const other = await train({ pretrained: before.classifier, examples: { inputs, labels } });
    expect(other.pretrained!.fresh).toEqual(["head.weight", "head.bias"]);
    await expect(
      train({ pretrained: before.classifier, examples: { inputs, labels }, pretrainedParts: ["head"] }),
    ).rejects.toThrow(/"head" of the pretrained model answers something else/);
    await expect(train({ pretrained: before.classifier, pretrainedRate: 0 })).rejects.toThrow(
      /nothing is left to learn/,
    );
    for (const { trainer } of [before, again, other]) trainer.close();
  });

  it("keeps the scaling of series, and the units of a regression with its head", async () => {
    const series = inputs.map((_, k) => ({ channels: 2, values: Float64Array.from({ length: 8 }, (_, t) => t * k) }));
    const numbers = { inputs: series, labels: inputs.map((_, k) => String(10 * k)) };
    const options = { examples: numbers, regression: true } as const;
    const before = await train({ ...options, model: { hiddenSize: 3 } });
    const later = {
      inputs: series.map(({ values }) => ({ channels: 2, values: values.map((x) => 5 + x) })),
      labels: examples.labels,
    };
    const classes = await train({ examples: later, pretrained: before.classifier });
    const { inputScaling, targetScaling } = before.classifier.model.config;
    expect(classes.classifier.model.config.inputScaling).toEqual(inputScaling);
    expect(classes.pretrained!.fresh).toEqual(["head.weight", "head.bias"]);
    const again = await train({
      ...options,
      examples: { ...numbers, labels: examples.labels.map((_, k) => `${k % 3}`) },
      pretrained: before.classifier,
    });
    expect(again.classifier.model.config.targetScaling).toEqual(targetScaling);
    await expect(train({ ...options, pretrained: before.classifier, scaling: "none" })).rejects.toThrow(/^scaling: /);
    await expect(train({ pretrained: before.classifier })).rejects.toThrow(
      /reads series of 2 channels, but the examples are texts/,
    );
    for (const { trainer } of [before, classes, again]) trainer.close();
  });
});

describe("a tagger that begins with another model", () => {
  it("takes words and layers of a language model, and everything of a tagger of the same tags", async () => {
    const first = await tag({ pretrained: source });
    expect(first.tagger.tokenizer).toBe(source.tokenizer);
    expect(first.pretrained!.taken).toContain("rnn.weight_hh_l0");
    const { characters: _, ...reading } = { characters: undefined };
    const own = await tag({ ...reading, characters: true, model: { hiddenSize: 3, embeddingSize: 4 } });
    const again = await tag({ characters: undefined, pretrained: own.tagger });
    expect(again.pretrained!.fresh).toEqual([]);
    expect(again.tagger.model.config.characters).toEqual(own.tagger.model.config.characters);
    const others = sentences.tags.map((tags) => tags.map((one) => one.toLowerCase()));
    const changed = await tag({
      characters: undefined,
      pretrained: own.tagger,
      sentences: { ...sentences, tags: others },
    });
    expect(changed.pretrained!.fresh).toEqual([
      "head.weight",
      "head.bias",
      "field.transitions",
      "field.start",
      "field.end",
    ]);
    // The vectors of the words alone, beside characters of its own.
    const words = await tag({ characters: true, pretrained: source, pretrainedParts: ["embedding"] });
    expect(words.pretrained!.taken).toEqual(["embedding.weight"]);
    for (const { trainer } of [first, own, again, changed, words]) trainer.close();
  });

  it("refuses tokens that are no words", async () => {
    const tokenizer = await trainTokenizer(inputs.join("\n"), { kind: "bpe", vocabularySize: 300 });
    const model = languageModel({ vocabularySize: tokenizer.vocabularySize, embeddingSize: 2, hiddenSize: 2 });
    const parameters = await createParameters({ machine, layout: layoutParameters(model) });
    await expect(tag({ pretrained: { model, parameters, tokenizer } })).rejects.toThrow(
      /a tagger has one vector for each word.*got one of bpes/,
    );
    parameters.close();
  });
});

describe("what does not fit", () => {
  const refused = (options: Partial<TrainClassifierOptions>) =>
    train({ pretrained: source, ...options }).then(
      ({ trainer }) => {
        trainer.close();
        return "taken";
      },
      ({ code, message }) => `${code}: ${message}`,
    );
  it.each([
    [
      { model: { hiddenSize: 6 } },
      /^shape-mismatch: .*"rnn.weight_ih_l0": expected \[24, 4\], got \[20, 4\].*Leave out the sizes/,
    ],
    [{ model: { cell: "layer-norm-lstm" } }, /^shape-mismatch: /],
    [
      { model: { cell: { name: "lstm", options: { coupled: false, gate: "hardSigmoid" } } } },
      /^other-cell: .*cell "lstm".*with other options.*leave the cell out/,
    ],
    [
      { tokenizer: { kind: "byte" } },
      /^bad-option: tokenizer: the embedding of the pretrained model is of its own tokens/,
    ],
    [{ pretrainedParts: ["encoder"] }, /^unknown-parameter: .*no part "encoder"; it has embedding, rnn, head$/],
    [{ pretrained: undefined, pretrainedRate: 0 }, /^bad-option: pretrainedRate: .*give one as pretrained$/],
    [{ pretrained: { model: {} } }, /^bad-option: pretrained: expected a language model, a classifier or a tagger/],
    [{ pretrainedRate: -1 }, /^out-of-range: pretrainedRate/],
  ] as const)("is told: %j", async (options, message) => {
    expect(await refused(options as never)).toMatch(message);
  });

  it("may be left out", async () => {
    const options = { pretrainedParts: ["embedding"], model: { hiddenSize: 6, cell: "gru" } } as const;
    expect(await refused(options)).toBe("taken");
  });
});

it("hands its signal to the training of its tokenizer", async () => {
  const reason = new Error("enough");
  for (const open of [train, tag]) {
    const controller = new AbortController();
    const opened = open({ signal: controller.signal });
    controller.abort(reason);
    await expect(opened).rejects.toBe(reason);
  }
});
