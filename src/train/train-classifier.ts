import type { Machine } from "../compute/machine.ts";
import { bucketedBatches } from "../data/bucketed-batches.ts";
import { classesOf, type Examples, expectExamples, pick, placeOf, type Series, targetsOf } from "../data/examples.ts";
import { lengthOf, sequenceInputs } from "../data/sequence-inputs.ts";
import { stratifiedSplit } from "../data/stratified-split.ts";
import { crossEntropy } from "../losses/cross-entropy.ts";
import { meanSquaredError } from "../losses/mean-squared-error.ts";
import { type Scaling, standardScaling } from "../models/scaling.ts";
import {
  type SequenceClassifierOptions,
  type SequenceModel,
  sequenceClassifier,
  sequenceClassifierNames,
} from "../models/sequence-classifier.ts";
import { Classifier, declareSequences } from "../run/classifier.ts";
import { expectSeries, readSequence } from "../run/sequence-reader.ts";
import { checkOptions } from "../schema/check.ts";
import { describe, expectInteger, expectOneOf, UsageError, within } from "../shared/errors.ts";
import { defined } from "../shared/records.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { type TrainTokenizerOptions, trainTokenizer } from "../text/train-tokenizer.ts";
import { monitored } from "./best.ts";
import { type ClassWeights, classWeightsOf } from "./class-weights.ts";
import { CLASS_METRICS, classifierEvaluator, NUMBER_METRICS } from "./classifier-evaluator.ts";
import { type PretrainedOptions, pretrainedOptions, sameNames, type TakenOver, transferOf } from "./pretrained.ts";
import { type TrainingOptions, trainingOptions } from "./trainer-options.ts";
import { openTraining, type Training, unlessAborted } from "./training.ts";
import { silenceUnseen } from "./unseen-tokens.ts";

/** What the model is made of; what it reads and tells apart comes from the examples. */
export type ClassifierModelOptions = Omit<
  SequenceClassifierOptions,
  "vocabularySize" | "channels" | "classes" | "inputScaling" | "targetScaling" | "calibration"
>;

/** For `expectOptions`. */
const {
  vocabularySize: _1,
  channels: _2,
  classes: _3,
  inputScaling: _4,
  targetScaling: _5,
  calibration: _6,
  ...modelNames
} = sequenceClassifierNames;

/** Options of `trainClassifier`. */
export interface TrainClassifierOptions extends TrainingOptions, PretrainedOptions {
  readonly machine: Machine;
  /** Texts or series with their labels. */
  readonly examples: Examples;
  /** Validation examples, or the share of `examples` to keep for validation (stratified, by `seed`). Default 0.1. */
  readonly validation?: Examples | number | undefined;
  /** Whether labels are numbers to predict instead of classes. Default false. */
  readonly regression?: boolean | undefined;
  /** Weights of the classes in the loss. Default "none": all equal. */
  readonly classWeights?: ClassWeights | undefined;
  /** For texts: a tokenizer, or options to make one from the training texts. Default: lower-case words. */
  readonly tokenizer?: Tokenizer | TrainTokenizerOptions | undefined;
  /** For series: "standard" (default) standardizes each channel to mean 0 and deviation 1 on the training part. */
  readonly scaling?: "standard" | "none" | undefined;
  /** Options of the model. Default: bidirectional LSTM of 128 units, pooling "max", dropout 0.3; for series `initialize` "keras" (forget bias 1). */
  readonly model?: ClassifierModelOptions | ((options: SequenceClassifierOptions) => SequenceModel) | undefined;
  /** B: examples per update. Default 32; for fewer than about 1,000 examples the square root of their number, but at least 8. */
  readonly batchSize?: number | undefined;
  /** Whether the last two batches of an epoch share the remaining examples evenly (see `bucketedBatches`). Default true. */
  readonly evenBatches?: boolean | undefined;
  /**
   * The metric of the validation examples that decides which weights are best and when to stop early; of equal values that of the lower
   * loss is better. Default "accuracy", of a regression "loss".
   */
  readonly monitor?: keyof typeof CLASS_METRICS | keyof typeof NUMBER_METRICS | undefined;
  /** Learning-rate schedule; default "constant", for series "cosine". */
  readonly schedule?: TrainingOptions["schedule"];
  /** Passes over the examples. Default 10; for few examples as many as make about 640 updates, but at most 100. */
  readonly epochs?: number | undefined;
}

/** Further facts in the start event of a classifier's training. */
export interface ClassifierFacts {
  readonly trainExamples: number;
  readonly validationExamples: number;
  readonly batchSize: number;
}

/** What `trainClassifier` gives. */
export interface ClassifierTraining<M extends SequenceModel = SequenceModel> extends Training<ClassifierFacts, M> {
  /** The classifier with the current weights; closed with the trainer, as are the weights. */
  readonly classifier: Classifier<M>;
  /** The training examples. */
  readonly train: Examples;
  /** The validation examples. */
  readonly validation: Examples | undefined;
  /** What was taken of the pretrained model; undefined without one. */
  readonly pretrained: TakenOver | undefined;
}

/** Series are longer than texts, and there are mostly fewer. */
const DEFAULTS_BY_INPUT = {
  texts: { initialize: "pytorch", schedule: "constant" },
  series: { initialize: "keras", schedule: "cosine" },
} as const;

/**
 * Trains a classifier of texts or series (cross entropy), or with `regression` a predictor of numbers (squared error). Nothing runs
 * until the trainer is iterated or `run` is called.
 * @example
 * ```ts no-run
 * const examples = await readLabelledTexts("reviews.csv", { text: "review", label: "stars" });
 * const { trainer, classifier } = await trainClassifier({ machine, examples, epochs: 5 });
 * await trainer.run({ epoch: ({ epoch, metrics }) => console.log(epoch, metrics) });
 * const [{ label }] = await classifier.predict(["What a film!"]);
 * ```
 * @throws UsageError for wrong options, "no-examples", "one-class", "not-a-number" (a label of a regression), "wrong-input";
 *   FailureError "out-of-memory" before anything is allocated; while training "diverged"
 */
export async function trainClassifier(options: TrainClassifierOptions): Promise<ClassifierTraining> {
  checkOptions("trainClassifier", options, {
    ...trainingOptions,
    ...pretrainedOptions,
    machine: "required",
    examples: "required",
    validation: 1,
    regression: 1,
    classWeights: 1,
    tokenizer: 1,
    scaling: 1,
    monitor: 1,
    model: modelNames,
    batchSize: 1,
    evenBatches: 1,
  });
  const { machine, examples, regression = false } = options;
  const scaling = expectOneOf("scaling", options.scaling ?? "standard", ["standard", "none"]);
  const seed = expectInteger("seed", options.seed ?? 0, { min: 0 });
  const kind = expectExamples("examples", examples);
  const defaults = DEFAULTS_BY_INPUT[kind];
  const { train, validation } = divide(options, kind, seed);
  // An update by 32 of 40 examples is hardly better than one by 8, and there would be two in an epoch.
  const { batchSize = Math.min(32, Math.max(8, Math.round(Math.sqrt(train.inputs.length)))) } = options;
  if (regression && (options.classWeights ?? "none") !== "none")
    throw new UsageError("bad-option", "classWeights: a regression predicts numbers and has no classes; leave it out");
  if (kind === "series" && options.tokenizer !== undefined)
    throw new UsageError("bad-option", "tokenizer: the examples are series, not texts; leave it out");
  const transfer = transferOf(options);
  transfer?.expectReads(train.inputs[0]!);
  if (transfer?.takes("rnn") && kind === "series" && options.scaling !== undefined)
    throw new UsageError("bad-option", "scaling: the pretrained model has its own, which is used; leave it out");
  const classes = regression ? undefined : classesOf(train);
  const tokenizer =
    kind === "texts"
      ? (transfer?.tokenizer("tokenizer", options.tokenizer) ?? (await tokenizerFor(options, train)))
      : undefined;
  const targets = classes ? Float64Array.from(train.labels, (label) => classes.indexOf(label)) : targetsOf(train);
  const [make, own = {}] = typeof options.model === "function" ? [options.model] : [sequenceClassifier, options.model];
  const { config: before } = transfer ?? {};
  const sameHead = before?.kind === "sequence-classifier" && sameNames(before.classes, classes);
  const { pooling = before?.pooling ?? "max" } = own;
  const model = make({
    ...{ bidirectional: true, dropout: 0.3, initialize: defaults.initialize },
    ...{ ...transfer?.structure, ...defined(own), pooling },
    ...(tokenizer ? { vocabularySize: tokenizer.vocabularySize } : seriesOptions(train, scaling)),
    ...(transfer?.takes("rnn") && before?.channels !== undefined && { inputScaling: before.inputScaling }),
    ...(classes ? { classes } : { targetScaling: standardScaling([targets], 1) }),
    // What the head learned to say is in these units.
    ...(sameHead && !classes && transfer?.takes("head") && { targetScaling: before.targetScaling }),
  });
  const begun = transfer?.into(model, (part) => (part === "head" ? sameHead : part in model.parts));
  const sequences = train.inputs.map((input, k) =>
    within(placeOf(train.places, k), () => readSequence(input, model, tokenizer)),
  );
  const weights = classes && classWeightsOf(options.classWeights, classes, train.labels);
  const learned = scaled(targets, model.config.targetScaling);
  const batches = bucketedBatches({
    lengths: sequences.map(lengthOf),
    ...{ batchSize, evenBatches: options.evenBatches, seed },
    inputs: (chosen, steps) => ({
      ...sequenceInputs(
        Array.from(chosen, (k) => sequences[k]!),
        steps,
      ),
      y: Float64Array.from(chosen, (k) => learned[k]!),
    }),
    weight: weights && ((chosen) => chosen.reduce((sum, k) => sum + weights[targets[k]!]!, 0)),
    identity: { classes: classes?.join("\n") ?? null },
  });
  const epochs = options.epochs ?? Math.min(100, Math.max(10, Math.ceil(640 / batches.batchesPerEpoch)));
  const { runner: classifier, ...training } = await openTraining<ClassifierFacts, SequenceModel, Classifier>(
    {
      ...options,
      ...{ model, batches, epochs, schedule: options.schedule ?? defaults.schedule },
      ...(begun && { optimizer: begun.optimizer(options.optimizer) }),
      monitor: monitored(monitorOf({ ...options, validation }), regression ? NUMBER_METRICS : CLASS_METRICS),
      facts: { trainExamples: train.inputs.length, validationExamples: validation?.inputs.length ?? 0, batchSize },
    },
    async (parameters) => {
      await begun?.fill(parameters);
      // A vector that was learned elsewhere means something.
      if (tokenizer && !transfer?.takes("embedding"))
        await silenceUnseen(parameters, "embedding.weight", sequences as Int32Array[]);
      const runner = new Classifier({ model, machine, parameters, tokenizer });
      return {
        runner,
        evaluator: validation && classifierEvaluator(runner, validation),
        record(graph, { steps = 1, rows }) {
          const { x, mask } = declareSequences(graph, model, steps, rows);
          const outputs = model.forward(x, { mask });
          if (!classes) return { loss: meanSquaredError(outputs, graph.input("y", [rows, 1])) };
          const y = graph.input("y", [rows], { type: "int", below: classes.length });
          return { loss: crossEntropy(outputs, y, { weight: weights && graph.constant([classes.length], weights) }) };
        },
      };
    },
  );
  return {
    ...training,
    classifier,
    train,
    validation,
    pretrained: begun && { taken: begun.taken, fresh: begun.fresh },
  };
}

function divide({ examples, validation = 0.1, regression }: TrainClassifierOptions, kind: string, seed: number) {
  if (typeof validation !== "number") {
    const other = expectExamples("validation", validation);
    if (other !== kind) throw new UsageError("bad-option", `validation: expected ${kind} as in examples, got ${other}`);
    return { train: examples, validation };
  }
  // Numbers have no classes to balance.
  const strata = regression ? examples.labels.map(() => "") : examples.labels;
  const split = stratifiedSplit(strata, { validation, seed });
  return {
    train: pick(examples, split.train),
    validation: split.validation.length > 0 ? pick(examples, split.validation) : undefined,
  };
}

async function tokenizerFor(
  { tokenizer: given, signal }: TrainClassifierOptions,
  { inputs }: Examples,
): Promise<Tokenizer> {
  if (given && "encode" in given) return given;
  const { unknown = true, ...rest }: TrainTokenizerOptions = given ?? { kind: "word", normalize: ["lowercase"] };
  // A line end between two texts keeps their words and pairs apart; what the texts lack may come later.
  const lines = inputs.flatMap((input) => [input as string, "\n"]);
  return trainTokenizer(lines, { signal: unlessAborted(signal), ...rest, unknown });
}

function seriesOptions({ inputs, places }: Examples, scaling: "standard" | "none"): SequenceClassifierOptions {
  const series = inputs.map((input, k) => {
    if (typeof input === "object" && input !== null && Number.isInteger(input.channels)) return input;
    const expected = k === 0 ? "a text, or a series { channels, values }" : "a series as in the first example";
    throw new UsageError("wrong-input", `${placeOf(places, k)}: expected ${expected}, got ${describe(input)}`);
  });
  const { channels }: Series = series[0]!;
  const other = series.findIndex((one) => one.channels !== channels);
  if (other >= 0)
    throw new UsageError(
      "wrong-input",
      `${placeOf(places, other)}: expected ${channels} channels as in the first series, got ${series[other]!.channels}`,
    );
  for (const [k, one] of series.entries()) within(placeOf(places, k), () => expectSeries(one, channels));
  const inputScaling =
    scaling === "none"
      ? undefined
      : standardScaling(
          series.map(({ values }) => values),
          channels,
        );
  return { channels, inputScaling };
}

const scaled = (targets: Float64Array, scaling: Scaling | undefined): Float64Array =>
  scaling ? targets.map((value) => (value - scaling.mean[0]!) / scaling.deviation[0]!) : targets;

/** Which metric decides: of classes their accuracy, where examples are kept out to measure it. */
export const monitorOf = ({
  monitor,
  validation,
  regression,
}: Pick<TrainClassifierOptions, "monitor" | "validation" | "regression">): NonNullable<
  TrainClassifierOptions["monitor"]
> => monitor ?? (validation && !regression ? "accuracy" : "loss");
