import { vi } from "vitest";
import { platform } from "#platform";
import { lstm } from "../../../src/cells/lstm.ts";
import type { BatchSource } from "../../../src/data/batch-source.ts";
import { timeSeriesSet } from "../../../src/data/time-series-set.ts";
import { dropout } from "../../../src/layers/dropout.ts";
import { linear } from "../../../src/layers/linear.ts";
import { meanSquaredError } from "../../../src/losses/mean-squared-error.ts";
import { languageModel } from "../../../src/models/language-model.ts";
import { sgd } from "../../../src/optimizers/sgd.ts";
import { layoutParameters } from "../../../src/tensor/parameter.ts";
import type { ParameterStore } from "../../../src/tensor/parameter-store.ts";
import { createParameters } from "../../../src/tensor/parameter-store.ts";
import type { TrainTokenizerOptions } from "../../../src/text/train-tokenizer.ts";
import { type EvaluateTextOptions, evaluateText } from "../../../src/train/evaluate-text.ts";
import { type EvaluatorRunOptions, openEvaluator } from "../../../src/train/evaluator.ts";
import type { Callbacks, TrainEvent } from "../../../src/train/events.ts";
import type { RestoreOptions } from "../../../src/train/snapshot.ts";
import { openTrainingStep, type TrainingStepOptions } from "../../../src/train/step.ts";
import type { ClassifierModelOptions } from "../../../src/train/train-classifier.ts";
import { type TrainClassifierOptions, trainClassifier } from "../../../src/train/train-classifier.ts";
import type { ForecasterModelOptions } from "../../../src/train/train-forecaster.ts";
import { type TrainForecasterOptions, trainForecaster } from "../../../src/train/train-forecaster.ts";
import type { TaggerModelOptions, TaggerWords } from "../../../src/train/train-tagger.ts";
import { type TrainTaggerOptions, trainTagger } from "../../../src/train/train-tagger.ts";
import { type TrainTextOptions, trainText } from "../../../src/train/train-text.ts";
import { openTrainer, type Trainer } from "../../../src/train/trainer.ts";
import type { TrainerOptions, TrainingOptions } from "../../../src/train/trainer-options.ts";
import { type EffectTable, type OptionEffects, outcomeOf, shows } from "./effects.ts";
import { machine, numbers } from "./on-reference.ts";
import { tokenizing } from "./texts.ts";

/** Everything that a training says, but what depends on the clock; and what it has learned. */
async function course(trainer: Trainer): Promise<unknown> {
  const told: unknown[] = [];
  for await (const event of trainer as AsyncIterable<TrainEvent>) {
    const { seconds: _, secondsLeft: __, itemsPerSecond: ___, ...rest } = event as unknown as Record<string, unknown>;
    told.push(rest);
  }
  const learned = [...(await trainer.parameters.toTensors())];
  trainer.close();
  return [told, learned];
}

/** Of a training of two epochs of at least four updates, whose loss falls. */
const training = {
  epochs: [1],
  maxSteps: [3],
  optimizer: [sgd()],
  clipNorm: [1e-6],
  clipValue: [1e-6],
  accumulate: [2],
  average: [0.9],
  seed: [5],
  evaluateEvery: [2],
  learningRate: [0.5],
  schedule: ["linear"],
  warmupSteps: [3],
  logEvery: [1],
  signal: [AbortSignal.abort()],
  checkpointEvery: [{ steps: 2 }],
  earlyStopping: [{ patience: 1, minDelta: 1e6 }],
} as const;

/** The options of all trainings, and those of one place. */
function trains<O extends TrainingOptions>(
  place: string,
  observe: (options: O) => Promise<unknown>,
  base: object,
  own: OptionEffects["options"],
  /** With which the monitored metric goes one way all the time. */
  steady: object = { learningRate: 0.002 },
): EffectTable {
  const within =
    (name: string, more: object = {}) =>
    (given: object) =>
      observe({ ...base, ...more, [name]: given } as unknown as O);
  return {
    [place]: shows(observe as (options: object) => unknown, base, {
      ...training,
      // It changes no bit (test/train/recompute): that it comes to the layers is seen in the graph, here that it is looked at.
      recompute: async () => {
        const refused = await observe({ ...base, recompute: 0 } as O).catch(
          (error: { message?: string }) => error.message,
        );
        return [undefined, /recompute/.test(String(refused)) || undefined];
      },
      ...own,
    } as object),
    [`${place} earlyStopping`]: shows(
      within("earlyStopping", { epochs: 4, ...steady }),
      { patience: 1, minDelta: 1e6 },
      { patience: [2], minDelta: [0] } as object,
    ),
    [`${place} checkpointEvery`]: shows(within("checkpointEvery"), {}, { steps: [2], seconds: [1e-9] } as object),
  };
}

const batches: BatchSource = {
  batchesPerEpoch: 5,
  batch: (epoch, index) => ({ inputs: { x: numbers(8, 3 * index + epoch), y: numbers(4, index) }, rows: 4 }),
};
const head = linear({ inputSize: 2, outputSize: 1 });
const record: TrainerOptions["record"] = (graph, { rows }) => {
  const x = dropout({ rate: 0.2 }).forward(graph.input("x", [rows, 2]));
  return { loss: meanSquaredError(head.forward(x), graph.input("y", [rows, 1])) };
};
const parameters = (): Promise<ParameterStore> =>
  createParameters({ machine, layout: layoutParameters(head), seed: 1 });

export type Simple = Omit<TrainerOptions, "machine" | "parameters" | "batches" | "record" | "evaluator"> & {
  readonly evaluator?: boolean;
};
const evaluatorOf = (store: ParameterStore) =>
  openEvaluator({
    ...{ machine, parameters: store, batches },
    record: (graph, batch) => ({ metrics: { loss: record(graph, batch).loss } }),
  });
/** A linear layer that learns five batches an epoch. */
export async function simple({ evaluator, ...options }: Simple): Promise<Trainer> {
  const store = await parameters();
  const measured = evaluator ? await evaluatorOf(store) : undefined;
  return openTrainer({
    machine,
    parameters: store,
    batches,
    record,
    ...(measured && { evaluator: measured }),
    ...options,
  });
}
const learn = async (options: Simple) => course(await simple(options));

/** What a step of one's own has learned. */
async function step({
  optimizer = sgd({ momentum: 0.9 }),
  ...options
}: Partial<TrainingStepOptions>): Promise<unknown> {
  const store = await parameters();
  const one = await openTrainingStep({
    ...{ machine, parameters: store, optimizer, ...options },
    record: (graph) => record(graph, { inputs: {}, rows: 4 }),
  });
  const made: unknown[] = [];
  for (const k of [1, 2, 3]) {
    one.executable.write("x", numbers(8, k));
    one.executable.write("y", numbers(4, k));
    one.run(k, 0.1);
    made.push(await one.read());
  }
  return [made, [...(await store.toTensors())]];
}

/** Which events a callback was told. */
async function heard(names: object): Promise<unknown> {
  // To hear of a measurement under way it must take long.
  let now = 0;
  const clock = vi.spyOn(platform, "now").mockImplementation(() => (now += 2000));
  const told: string[] = [];
  const trainer = await simple({
    epochs: 1,
    evaluator: true,
    evaluateEvery: 2,
    checkpointEvery: { steps: 2 },
    logEvery: 1,
  });
  const callbacks = Object.fromEntries(
    Object.keys(names).map((name) => [name, ({ type }: TrainEvent) => told.push(type)]),
  );
  await trainer.run(callbacks as Callbacks);
  trainer.close();
  clock.mockRestore();
  return told;
}

const model = languageModel({ vocabularySize: 5, embeddingSize: 2, hiddenSize: 3, dropout: 0.2 });
const tokens = Int32Array.from({ length: 90 }, (_, k) => (k * k) % 5);
const text = (options: Omit<TrainTextOptions, "machine" | "model" | "train">) =>
  trainText({ machine, model, train: tokens, ...options }).then(({ trainer }) => course(trainer as unknown as Trainer));

const texts = {
  inputs: Array.from(
    { length: 24 },
    (_, k) => `${k % 3 ? ["Up", "up"][k % 2] : "down"} a-${k % 4}. ${k % 5 ? "x" : "y"}`,
  ),
  labels: Array.from({ length: 24 }, (_, k) => (k % 3 ? "1" : "2")),
  places: Array.from({ length: 24 }, (_, k) => `text ${k}`),
};
const series = {
  inputs: texts.inputs.map((_, k) => ({
    channels: 1,
    values: Float64Array.from(numbers(3 + (k % 2), k), (x) => 5 * x + 2),
  })),
  labels: texts.labels,
  places: texts.places,
};
const small = { hiddenSize: 3, embeddingSize: 2, dropout: 0.2 };
const classify = (options: Omit<TrainClassifierOptions, "machine">) =>
  trainClassifier({ machine, ...options }).then(({ trainer }) => course(trainer as Trainer));
const classified = { examples: texts, model: small, batchSize: 5, epochs: 2, learningRate: 0.05 };

const sentences = {
  tokens: Array.from({ length: 20 }, (_, k) => [`In`, `b${k % 3}`, k % 2 ? "x" : "Y"]),
  tags: Array.from({ length: 20 }, (_, k) => ["O", k % 3 ? "B-A" : "O", "O"]),
  places: Array.from({ length: 20 }, (_, k) => `sentence ${k}`),
};
const tag = (options: Omit<TrainTaggerOptions, "machine">) =>
  trainTagger({ machine, ...options }).then(async ({ trainer, tagger: made }) => [
    made.model.config,
    [...made.tokenizer.encode("In in")],
    await course(trainer as Trainer),
  ]);
const tiny = { ...small, characterEmbeddingSize: 2, characterHiddenSize: 2, wordLength: 2 };
const tagged = { sentences, model: tiny, batchSize: 4, epochs: 2, learningRate: 0.05 };

const data = timeSeriesSet({
  ...{ targets: ["y"], step: "1h" },
  series: [{ start: Date.UTC(2024, 0, 1), values: { y: numbers(80).map((x, k) => 30 + 5 * x + (k % 4)) } }],
});
/** Models to begin with. */
const before = await trainClassifier({ machine, ...classified, epochs: 1, seed: 9 });
const tagger = await trainTagger({ machine, ...tagged, epochs: 1, seed: 9 });
const pretrained = { pretrained: before.classifier, model: { dropout: 0.2 } };
const asTagger = { pretrained: tagger.tagger, model: { dropout: 0.2 } };

const forecast = (options: Omit<TrainForecasterOptions, "machine">) =>
  trainForecaster({ machine, ...options }).then(async ({ trainer, forecaster }) => [
    forecaster.config,
    await course(trainer as Trainer),
  ]);
const forecasted = {
  data,
  horizon: 2,
  context: 4,
  model: { hiddenSize: 3, dropout: 0.2 },
  batchSize: 16,
  epochs: 2,
  learningRate: 0.05,
};

export const trainings: EffectTable = {
  ...trains<Omit<TrainClassifierOptions, "machine">>(
    "trainClassifier",
    classify,
    classified,
    {
      validation: [0.4],
      regression: [true],
      classWeights: ["balanced"],
      tokenizer: [{ kind: "byte" }],
      scaling: ["none", { examples: series }],
      model: [{ ...small, hiddenSize: 4 }],
      pretrained: [before.classifier],
      pretrainedParts: [["embedding"], pretrained],
      pretrainedRate: [0.5, pretrained],
      ...{ batchSize: [4], evenBatches: [false], monitor: ["loss"] },
    },
    { learningRate: 0.05, validation: 0 },
  ),
  ...trains<Omit<TrainTaggerOptions, "machine">>(
    "trainTagger",
    tag,
    tagged,
    {
      validation: [0.4],
      scheme: ["none"],
      encoding: ["iob2"],
      words: [{ minCount: 9 }],
      characters: [false],
      model: [{ ...tiny, hiddenSize: 4 }],
      pretrained: [tagger.tagger],
      pretrainedParts: [["embedding"], asTagger],
      pretrainedRate: [0.5, asTagger],
      ...{ batchSize: [3], evenBatches: [false], monitor: ["loss"] },
    },
    { learningRate: 0.002, monitor: "loss" },
  ),
  ...trains<Omit<TrainForecasterOptions, "machine">>("trainForecaster", forecast, forecasted, {
    ...{
      validation: [0.3],
      test: [0.2],
      head: ["gaussian"],
      levels: [[0.2, 0.5]],
      model: [{ hiddenSize: 4 }],
      linear: [false],
    },
    ...{ pointLoss: ["absolute", { head: "point" }], batchSize: [8], context: [5] },
    season: () => Promise.all([3, 4].map((season) => forecast({ ...forecasted, anchor: "season", season }))) as never,
    ...{
      anchor: ["last"],
      transform: ["log"],
      scaling: ["mean"],
      calendar: [[]],
      decoding: ["autoregressive", { head: "gaussian" }],
    },
  }),
  ...trains<Omit<TrainTextOptions, "machine" | "model" | "train">>(
    "trainText",
    text,
    { batchSize: 3, sequenceLength: 4, epochs: 2, learningRate: 0.05, validation: tokens.subarray(0, 20) },
    {
      validation: [tokens.subarray(0, 30)],
      parameters: async () => {
        const own = await createParameters({ machine, layout: layoutParameters(model), seed: 7 });
        const options = { batchSize: 3, sequenceLength: 4, epochs: 1 };
        return [await text(options), await text({ ...options, parameters: own })];
      },
      ...{ batchSize: [2], sequenceLength: [5], validationBatchSize: [2], validationTokens: [9] },
    },
  ),
  "Evaluator.run": shows(
    async (options: EvaluatorRunOptions) => {
      const evaluator = await evaluatorOf(await parameters());
      const metrics = await outcomeOf(() => evaluator.run(options));
      evaluator.close();
      return metrics;
    },
    {},
    {
      signal: [AbortSignal.abort()],
      onProgress: async () => {
        const told: object[] = [];
        const evaluator = await evaluatorOf(await parameters());
        await evaluator.run({ onProgress: (progress) => told.push(progress) });
        evaluator.close();
        return [[], told];
      },
    },
  ),
  ...trains<Simple>(
    "openTrainer",
    learn,
    { epochs: 2, learningRate: 0.05, evaluator: true },
    {
      evaluator: [false],
      monitor: [{ metric: "loss", mode: "max" }],
      facts: [{ any: 1 }],
      owned: async () => {
        let closed = 0;
        await learn({ epochs: 1, owned: [{ close: () => closed++ }] });
        return [0, closed];
      },
    },
  ),
  openTrainingStep: shows(
    step,
    {},
    {
      ...{ optimizer: [sgd()], seed: [5], clipNorm: [1e-6], clipValue: [1e-6] },
      recompute: async () => {
        const refused = await step({ recompute: 0 }).catch((error: { message?: string }) => error.message);
        return [undefined, /recompute/.test(String(refused)) || undefined];
      },
    },
  ),
  "Trainer.run": shows(heard, {}, {
    ...{
      start: [true],
      progress: [true],
      validation: [true],
      epoch: [true],
      evaluation: [true],
      checkpoint: [true],
      end: [true],
    },
  } as object),
  "Trainer.restore": shows(
    async ({ before = {}, family, ...options }: RestoreOptions & { before?: Simple; family?: string }) => {
      const first = await simple({ epochs: 1, ...before });
      await first.run();
      const snapshot = await first.snapshot();
      first.close();
      const next = await simple({ epochs: 2 });
      const arithmetic = { ...snapshot.arithmetic, ...(family && { family: family as "fused" }) };
      const result = await outcomeOf(() => next.restore({ ...snapshot, arithmetic }, options));
      next.close();
      return result;
    },
    {},
    {
      allowDifferentArithmetic: [true, { family: "fused" } as object],
      allowDifferentSchedule: [true, { before: { learningRate: 0.5 } } as object],
    },
  ),
  evaluateText: shows(
    async (options: Omit<EvaluateTextOptions, "model" | "parameters" | "machine" | "tokens">) => {
      const store = await createParameters({ machine, layout: layoutParameters(model), seed: 1 });
      return outcomeOf(() => evaluateText({ model, parameters: store, machine, tokens, ...options }));
    },
    {},
    { batchSize: [2], sequenceLength: [1, { batchSize: 2 }], signal: [AbortSignal.abort()] },
  ),
  "trainClassifier tokenizer": shows(
    async (tokenizer: TrainTokenizerOptions) => {
      return outcomeOf(async () => {
        const { trainer, classifier } = await trainClassifier({ machine, ...classified, tokenizer });
        trainer.close();
        return classifier.tokenizer!.toJSON();
      });
    },
    { kind: "word" },
    tokenizing,
  ),
  "trainClassifier model": shows((own: ClassifierModelOptions) => classify({ ...classified, model: own }), small, {
    ...{
      cell: ["gru"],
      hiddenSize: [4],
      numLayers: [2],
      bidirectional: [false],
      dropout: [0.4],
      embeddingSize: [3],
      pooling: ["mean"],
      initialize: ["keras"],
      memorySteps: [20],
    },
    projectionSize: [2, { cell: lstm({ projection: true }), projectionSize: 1 }],
  }),
  "trainTagger words": shows(
    (words: TaggerWords) => tag({ ...tagged, words }),
    {},
    {
      ...{ minCount: [9], vocabularySize: [3], normalize: [["nfc"]] },
    },
  ),
  "trainTagger model": shows((own: TaggerModelOptions) => tag({ ...tagged, model: own }), tiny, {
    ...{
      cell: ["gru"],
      hiddenSize: [4],
      numLayers: [2],
      bidirectional: [false],
      dropout: [0.4],
      initialize: ["keras"],
      head: ["softmax"],
      embeddingSize: [3],
      projectionSize: [2, { cell: lstm({ projection: true }), projectionSize: 1 }],
    },
    ...{
      inputDropout: [0.4],
      outputDropout: [0.4],
      characterEmbeddingSize: [3],
      characterHiddenSize: [3],
      wordLength: [1],
    },
  }),
  "trainForecaster model": shows(
    (own: ForecasterModelOptions) => forecast({ ...forecasted, model: own }),
    { hiddenSize: 3 },
    {
      ...{ cell: ["gru"], hiddenSize: [4], numLayers: [2], initialize: ["keras"], dropout: [0.4] },
      projectionSize: [2, { cell: lstm({ projection: true }), projectionSize: 1 }],
    },
  ),
  ...Object.fromEntries(
    ["", " earlyStopping", " checkpointEvery"].map((within) => [
      `new Trainer${within}`,
      { sameAs: `openTrainer${within}`, because: "it is what openTrainer makes" },
    ]),
  ),
};
