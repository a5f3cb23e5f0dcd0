import { sgd } from "../../../src/optimizers/sgd.ts";
import type { BatchSource } from "../../../src/data/batch-source.ts";
import { dropout } from "../../../src/layers/dropout.ts";
import { linear } from "../../../src/layers/linear.ts";
import { meanSquaredError } from "../../../src/losses/mean-squared-error.ts";
import { tagger } from "../../../src/models/tagger.ts";
import type { NamedTensor, ParameterStore } from "../../../src/tensor/parameter-store.ts";
import { layoutParameters } from "../../../src/tensor/parameter.ts";
import { createParameters } from "../../../src/tensor/parameter-store.ts";
import { timeSeriesSet } from "../../../src/data/time-series-set.ts";
import type { Callbacks, TrainEvent } from "../../../src/train/events.ts";
import { openEvaluator } from "../../../src/train/evaluator.ts";
import { type TrainTextOptions, trainText } from "../../../src/train/train-text.ts";
import { type TrainClassifierOptions, trainClassifier } from "../../../src/train/train-classifier.ts";
import { type TrainForecasterOptions, trainForecaster } from "../../../src/train/train-forecaster.ts";
import { type TrainTaggerOptions, trainTagger } from "../../../src/train/train-tagger.ts";
import { openTrainingStep, type TrainingStepOptions } from "../../../src/train/step.ts";
import { openTrainer, type Trainer } from "../../../src/train/trainer.ts";
import type { TrainerOptions, TrainingOptions } from "../../../src/train/trainer-options.ts";
import { languageModel } from "../../../src/models/language-model.ts";
import { type EffectTable, type OptionEffects, shows } from "./effects.ts";
import { machine, numbers } from "./on-reference.ts";

void tagger;
void openEvaluator;

/** Everything that a training says, but what depends on the clock; and what it has learned. */
async function course(trainer: Trainer): Promise<unknown> {
  const told: unknown[] = [];
  for await (const event of trainer as AsyncIterable<TrainEvent>) {
    const { seconds: _, tokensPerSecond: __, bytes: ___, ...rest } = event as unknown as Record<string, unknown>;
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
  seed: [5],
  evaluateEvery: [2],
  learningRate: [0.5],
  schedule: ["cosine"],
  warmup: [3],
  logEvery: [1],
  signal: [AbortSignal.abort()],
  checkpointEvery: [{ steps: 2 }],
  best: [{ mode: "max" }],
  earlyStopping: [{ patience: 1, minDelta: 1e6 }],
} as const;

/** The options of all trainings, and those of one place. */
function trains<O extends TrainingOptions>(
  place: string,
  observe: (options: O) => Promise<unknown>,
  base: object,
  own: OptionEffects["options"],
): EffectTable {
  const within = (name: string, more: object = {}) => (given: object) => observe({ ...base, ...more, [name]: given } as O);
  return {
    [place]: shows(observe as (options: object) => unknown, base, {
      ...training,
      // It changes no bit (test/train/recompute): that it comes to the layers is seen in the graph, here that it is looked at.
      recompute: async () => {
        const refused = await observe({ ...base, recompute: 0 } as O).catch((error: { message?: string }) => error.message);
        return [undefined, /recompute/.test(String(refused)) || undefined];
      },
      ...own,
    } as object),
    [`${place} best`]: shows(within("best"), {}, { mode: ["max"], metric: async () => [
      await observe(base as O).then(() => "done"),
      await observe({ ...base, best: { metric: "none" } } as O).catch((error: { code: string }) => error.code),
    ] } as object),
    [`${place} earlyStopping`]: shows(within("earlyStopping", { epochs: 4 }), { patience: 2, minDelta: 1e6 }, {
      patience: [1],
      minDelta: [0],
    } as object),
    [`${place} checkpointEvery`]: shows(within("checkpointEvery"), {}, { steps: [2], seconds: [1e-9] } as object),
  };
}

const batches: BatchSource = {
  batchesPerEpoch: 5,
  batch: (epoch: number, index: number) => ({ inputs: { x: numbers(8, 3 * index + epoch), y: numbers(4, index) }, rows: 4 }),
} as never;
const head = linear({ inputSize: 2, outputSize: 1 });
const record: TrainerOptions["record"] = (graph, { rows }) => {
  const x = dropout({ rate: 0.2 }).forward(graph.input("x", [rows, 2]));
  return { loss: meanSquaredError(head.forward(x), graph.input("y", [rows, 1])) };
};
const parameters = (): Promise<ParameterStore> => createParameters({ machine, layout: layoutParameters(head), seed: 1 });
void batches;
void record;

const model = languageModel({ vocabularySize: 5, embeddingSize: 2, hiddenSize: 3, dropout: 0.2 });
const tokens = Int32Array.from({ length: 90 }, (_, k) => (k * k) % 5);
const text = (options: Omit<TrainTextOptions, "machine">) =>
  trainText({ machine, ...options } as TrainTextOptions).then(({ trainer }: { trainer: Trainer }) => course(trainer));
void text;

const texts = {
  inputs: Array.from({ length: 24 }, (_, k) => `${k % 3 ? "Up" : "down"} a${k % 4} ${k % 5 ? "x" : "y"}`),
  labels: Array.from({ length: 24 }, (_, k) => (k % 3 ? "1" : "2")),
  places: Array.from({ length: 24 }, (_, k) => `text ${k}`),
};
const series = {
  inputs: texts.inputs.map((_, k) => ({ channels: 1, values: Float64Array.from(numbers(3 + (k % 2), k), (x) => 5 * x + 2) })),
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
  trainTagger({ machine, ...options }).then(async ({ trainer, tagger: made }) => [made.model.config, [...made.tokenizer.encode("In in")], await course(trainer as Trainer)]);
const tiny = { ...small, characterEmbeddingSize: 2, characterHiddenSize: 2, wordLength: 2 };
const tagged = { sentences, model: tiny, batchSize: 4, epochs: 2, learningRate: 0.05 };

const data = timeSeriesSet({
  ...{ targets: ["y"], step: "1h" },
  series: [{ start: Date.UTC(2024, 0, 1), values: { y: numbers(80).map((x, k) => 30 + 5 * x + (k % 4)) } }],
});
const forecast = (options: Omit<TrainForecasterOptions, "machine">) =>
  trainForecaster({ machine, ...options }).then(async ({ trainer, forecaster }) => [forecaster.config, await course(trainer as Trainer)]);
const forecasted = { data, horizon: 2, context: 4, model: { hiddenSize: 3, dropout: 0.2 }, batchSize: 16, epochs: 2, learningRate: 0.05 };

export const trainings: EffectTable = {
  ...trains<Omit<TrainClassifierOptions, "machine">>("trainClassifier", classify, classified, {
    validation: [0.4],
    regression: [true],
    classWeights: ["balanced"],
    tokenizer: [{ kind: "byte" }],
    scaling: ["none", { examples: series }],
    model: [{ ...small, hiddenSize: 4 }],
    batchSize: [4],
  }),
  ...trains<Omit<TrainTaggerOptions, "machine">>("trainTagger", tag, tagged, {
    validation: [0.4],
    scheme: ["none"],
    encoding: ["iob2"],
    words: [{ minimumCount: 9 }],
    characters: [false],
    model: [{ ...tiny, hiddenSize: 4 }],
    batchSize: [3],
  }),
  ...trains<Omit<TrainForecasterOptions, "machine">>("trainForecaster", forecast, forecasted, {
    ...{ validation: [0.3], test: [0.2], head: ["gaussian"], levels: [[0.2, 0.5]], model: [{ hiddenSize: 4 }], linear: [false] },
    ...{ pointLoss: ["absolute", { head: "point" }], batchSize: [8], context: [5], season: [4, { anchor: "season" }] },
    ...{ anchor: ["last"], transform: ["log"], scaling: ["mean"], calendar: [["hour"]], decoding: ["autoregressive", { head: "gaussian" }] },
  }),
};
void parameters;
void openTrainer;
void openTrainingStep;
export type { Callbacks, NamedTensor, TrainingStepOptions };
