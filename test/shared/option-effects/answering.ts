import { timeSeriesSet } from "../../../src/data/time-series-set.ts";
import { type NearestPassagesOptions, nearestPassages } from "../../../src/explain/nearest-passages.ts";
import { type TraceClassifierOptions, traceClassifier } from "../../../src/explain/trace-classifier.ts";
import { type TraceForecasterOptions, traceForecaster } from "../../../src/explain/trace-forecaster.ts";
import { type TraceTaggerOptions, traceTagger } from "../../../src/explain/trace-tagger.ts";
import { sequenceClassifier } from "../../../src/models/sequence-classifier.ts";
import { type BacktestOptions, backtest } from "../../../src/run/backtest.ts";
import { type CalibrateOptions, Classifier, type ClassifierOptions } from "../../../src/run/classifier.ts";
import { evaluateClassifier, evaluateRegression } from "../../../src/run/evaluate-classifier.ts";
import { evaluateTagger } from "../../../src/run/evaluate-tagger.ts";
import type { ForecastOptions } from "../../../src/run/forecaster.ts";
import { type ReadingOptions, Tagger, type TaggerOptions } from "../../../src/run/tagger.ts";
import { layoutParameters } from "../../../src/tensor/parameter.ts";
import { createParameters } from "../../../src/tensor/parameter-store.ts";
import { trainTokenizer } from "../../../src/text/train-tokenizer.ts";
import { type TrainForecasterOptions, trainForecaster } from "../../../src/train/train-forecaster.ts";
import { trainTagger } from "../../../src/train/train-tagger.ts";
import { tinyRun } from "../../support/tiny-run.ts";
import { abortable, type EffectTable, outcomeOf, shows } from "./effects.ts";
import { machine, numbers, watchedMachine } from "./on-reference.ts";

const tokenizer = await trainTokenizer("a b a b", { kind: "word" });
const classifier = sequenceClassifier({
  ...{ vocabularySize: tokenizer.vocabularySize, embeddingSize: 2, hiddenSize: 2, classes: ["x", "y"] },
});

const { tagger } = await trainTagger({
  machine,
  sentences: {
    tokens: Array.from({ length: 6 }, (_, k) => (k % 2 ? ["in", "b"] : ["a"])),
    tags: Array.from({ length: 6 }, (_, k) => (k % 2 ? ["O", "B-A"] : ["O"])),
    places: Array.from({ length: 6 }, (_, k) => `sentence ${k}`),
  },
  model: { embeddingSize: 2, hiddenSize: 2, characterEmbeddingSize: 2, characterHiddenSize: 2, wordLength: 2 },
});
const sentences = [
  ["in", "a"],
  ["in", "b"],
  ["a", "b"],
];

/** What is asked of a model, and how many batches it took. */
async function batches(of: (watched: ReturnType<typeof watchedMachine>["machine"]) => Promise<unknown>) {
  const watched = watchedMachine();
  const said = await of(watched.machine);
  return [said, watched.calls.get("run")];
}

const data = timeSeriesSet({
  targets: ["y"],
  series: [{ values: { y: numbers(90).map((x, k) => 30 + 5 * x + (k % 4)) } }],
});
const untrained = (options: Partial<TrainForecasterOptions>) =>
  trainForecaster({ machine, data, horizon: 2, context: 4, test: 6, head: "gaussian", ...options });
const forecasters = {
  atOnce: await untrained({ model: { hiddenSize: 2 } }),
  drawn: await untrained({ model: { hiddenSize: 2 }, decoding: "autoregressive" }),
};
const cut = forecasters.atOnce.series.map(({ spans, ...one }) => ({ ...one, train: spans.train, test: spans.test }));
const y = numbers(60);
const two = timeSeriesSet({ targets: ["y", "z"], series: [{ values: { y, z: numbers(60, 5) } }] });
const ofTwo = await trainForecaster({
  machine,
  data: two,
  horizon: 2,
  context: 4,
  model: { hiddenSize: 2 },
  head: "point",
});

interface Which {
  /** The one that draws each step from the one before. */
  readonly of?: keyof typeof forecasters;
}
const drawing = { of: "drawn" } as const;
/** Fifty values are needed to tell how wide intervals must be. */
const predicting = {
  levels: [[0.2, 0.3]],
  samples: [20, drawing],
  seed: [1, drawing],
  recent: [60],
  signal: [AbortSignal.abort()],
} as const;

const { tokens, tokenizer: letters, ...run } = await tinyRun(machine, { numLayers: 2 });

const tracing = {
  names: [["f"]],
  hold: [[{ name: "f_l0", value: 0 }]],
  maxBytes: [1],
  signal: [AbortSignal.abort()],
} as const;
const ownClassifier = await createParameters({ machine, layout: layoutParameters(classifier), seed: 1 });
/** A regression. */
const ofNumbers = sequenceClassifier({ vocabularySize: tokenizer.vocabularySize, embeddingSize: 2, hiddenSize: 2 });
const counting = new Classifier({
  ...{ model: ofNumbers, machine, tokenizer },
  parameters: await createParameters({ machine, layout: layoutParameters(ofNumbers), seed: 1 }),
});
const labelled = { inputs: ["a b", "b", "a", "c a"], labels: ["x", "y", "y", "x"] };
const said = new Classifier({ model: classifier, machine, parameters: ownClassifier, tokenizer });

export const answering: EffectTable = {
  traceClassifier: shows(
    (options: TraceClassifierOptions) =>
      outcomeOf(async () => {
        const { values, gradients } = await traceClassifier(said, "a b a", options);
        return { values, gradients };
      }),
    {},
    { ...tracing, gradients: [true], label: ["x", { gradients: true }] },
  ),
  traceTagger: shows(
    (options: TraceTaggerOptions) =>
      outcomeOf(async () => {
        const { values, gradients } = await traceTagger(tagger, ["in", "a"], options);
        return { values, gradients };
      }),
    {},
    {
      ...{ ...tracing, gradients: [true], token: [1, { gradients: true }] },
      tag: [tagger.model.config.tags.at(-1), { gradients: true, token: 1 }],
    },
  ),
  traceForecaster: shows(
    (options: TraceForecasterOptions) =>
      outcomeOf(async () => {
        const { values, gradients } = await traceForecaster(ofTwo.forecaster, two.series[0]!, options);
        return { values, gradients };
      }),
    {},
    { ...tracing, gradients: [true], step: [1, { gradients: true }], target: ["z", { gradients: true }] },
  ),
  "new Classifier": shows(
    (options: Pick<ClassifierOptions, "tokenizer" | "batchSize">) =>
      outcomeOf(() =>
        batches(async (watched) => {
          const parameters = await createParameters({
            machine: watched,
            layout: layoutParameters(classifier),
            seed: 1,
          });
          using one = new Classifier({ model: classifier, machine: watched, parameters, ...options });
          return (await one.predict(["a b", "b a", "a a"])).map(({ label }) => label);
        }),
      ),
    { tokenizer },
    { tokenizer: [undefined], batchSize: [2] },
  ),
  "new Tagger": shows(
    (options: Pick<TaggerOptions, "batchSize">) =>
      batches(async (watched) => {
        const { model, tokenizer: words } = tagger;
        const parameters = await createParameters({ machine: watched, layout: layoutParameters(model), seed: 1 });
        using one = new Tagger({ model, machine: watched, parameters, tokenizer: words, ...options });
        return (await one.predict(sentences)).map(({ tags }) => tags);
      }),
    {},
    { batchSize: [2] },
  ),
  "Tagger.predict": shows(
    (options: Parameters<Tagger["predict"]>[1]) => outcomeOf(() => tagger.predict(sentences, options)),
    {},
    { probabilities: [true], signal: [AbortSignal.abort()] },
  ),
  "Tagger.read": shows(
    (options: ReadingOptions) =>
      outcomeOf(async () => {
        const [first] = await tagger.read(sentences, options);
        return [first!.path, first!.probabilities, await outcomeOf(() => first!.logLikelihood([0, 1]))];
      }),
    {},
    { probabilities: [true], likelihood: [true], signal: [AbortSignal.abort()] },
  ),
  "Forecaster.forecast": shows(
    ({ of = "atOnce", ...options }: ForecastOptions & Which) =>
      outcomeOf(() => forecasters[of].forecaster.forecast(data, options)),
    {},
    { horizon: [1], ...predicting },
  ),
  "Forecaster.predict": shows(
    ({ of = "atOnce", ...options }: ForecastOptions & Which) => {
      const { forecaster, series } = forecasters[of];
      return outcomeOf(() => forecaster.predict([{ series: series[0]!.prepared, origin: 80 }], options));
    },
    {},
    { horizon: [1], ...predicting },
  ),
  backtest: shows(
    ({ of = "atOnce", ...options }: BacktestOptions & Which) =>
      outcomeOf(() => backtest(forecasters[of].forecaster, options)),
    { series: cut },
    {
      ...{ stride: [3], baselines: [false], series: [undefined], ...predicting },
      ...{ data: [data, { series: undefined }], test: [20, { data, series: undefined }] },
    },
  ),
  "Classifier.predict": abortable((options) => said.predict(["a b"], options)),
  "Classifier.calibrate": shows(
    async (options: CalibrateOptions) => {
      using own = new Classifier({ model: classifier, machine, parameters: ownClassifier, tokenizer });
      return outcomeOf(() => own.calibrate(labelled, options));
    },
    { temperature: 1 },
    {
      temperature: [2],
      threshold: ["f1"],
      label: ["x", { threshold: "f1" }],
      signal: [AbortSignal.abort()],
    },
  ),
  "Classifier.predictEachStep": abortable((options) => said.predictEachStep("a b", options)),
  "Classifier.predictNumbers": abortable((options) => counting.predictNumbers(["a b"], options)),
  "Classifier.predictNumbersEachStep": abortable((options) => counting.predictNumbersEachStep("a b", options)),
  evaluateClassifier: abortable((options) =>
    evaluateClassifier(said, { inputs: ["a b", "b"], labels: ["x", "y"] }, options),
  ),
  evaluateRegression: abortable((options) =>
    evaluateRegression(counting, { inputs: ["a b", "b"], labels: ["1", "2"], places: ["1", "2"] }, options),
  ),
  evaluateTagger: abortable((options) =>
    evaluateTagger(tagger, { tokens: [["in", "b"]], tags: [["O", "B-A"]], places: ["1"] }, options),
  ),
  "Forecaster.calibrate": abortable((options) => forecasters.atOnce.forecaster.calibrate([], options)),
  "ForecasterTraining.calibrate": {
    sameAs: "Forecaster.calibrate",
    because: "it calls it",
  },
  nearestPassages: shows(
    (options: Omit<NearestPassagesOptions, "corpus" | "tokenizer">) =>
      outcomeOf(() => nearestPassages(run, { corpus: tokens.subarray(0, 30), tokenizer: letters, ...options })),
    { to: numbers(6) },
    {
      ...{ count: [2], apart: [3], without: [(step: number) => step < 20], layer: [0], name: ["c"], around: [2] },
      ...{ signal: [AbortSignal.abort()] },
    },
  ),
};
