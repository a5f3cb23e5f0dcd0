import type { Machine } from "../compute/machine.ts";
import { type Examples, expectExamples, type Series } from "../data/examples.ts";
import { lengthOf, type Sequence, sequenceInputs } from "../data/sequence-inputs.ts";
import { logSoftmax } from "../layers/softmax.ts";
import {
  type Calibration,
  expectTemperature,
  expectTwoClasses,
  type Threshold,
  tempered,
} from "../models/calibration.ts";
import type { SequenceModel } from "../models/sequence-classifier.ts";
import { argmax } from "../shared/argmax.ts";
import { Closing } from "../shared/closing.ts";
import { describe, expectInteger, expectOneOf, few, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { zipRecord } from "../shared/records.ts";
import type { Abortable } from "../shared/signal.ts";
import type { Executable } from "../tensor/executable.ts";
import { Executables } from "../tensor/executables.ts";
import type { Graph, Tensor } from "../tensor/graph.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { resultsByLength } from "./batches-by-length.ts";
import { fitTemperature, fitThreshold, type ThresholdGoal } from "./fit-calibration.ts";
import { readSequence } from "./sequence-reader.ts";

/** Options of `new Classifier`. */
export interface ClassifierOptions<M extends SequenceModel = SequenceModel> {
  readonly model: M;
  readonly machine: Machine;
  readonly parameters: ParameterStore;
  /** For models that read text. */
  readonly tokenizer?: Tokenizer | undefined;
  /** B: inputs computed together. Does not change results. Default 64. */
  readonly batchSize?: number | undefined;
}

/** Options of `Classifier.calibrate`. */
export interface CalibrateOptions extends Abortable {
  /** A temperature to use, such as 1: as trained. Default: the one that is fitted. */
  readonly temperature?: number | undefined;
  /** Of two classes: what the threshold is to reach on the examples. Default: no threshold. */
  readonly threshold?: ThresholdGoal | undefined;
  /** The class that has the threshold. Default: the second of the two. */
  readonly label?: string | undefined;
}

/** The prediction of a classifier for one input. */
export interface ClassPrediction {
  /** The most likely class; of a classifier with a threshold the one that this says. */
  readonly label: string;
  /** Probability of each class by name; they sum to 1. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** Natural logarithms of the probabilities, which do not underflow. */
  readonly logProbabilities: Readonly<Record<string, number>>;
}

/** A prediction from the log probabilities of all classes; the answer is the most likely one, or that of a threshold. */
export function classPrediction(
  classes: readonly string[],
  logs: readonly number[] | Float64Array,
  threshold?: Threshold,
): ClassPrediction {
  const probabilities = zipRecord(classes, logs.map(Math.exp));
  const other = classes.find((name) => name !== threshold?.label)!;
  const label =
    threshold === undefined
      ? classes[argmax(logs)]!
      : probabilities[threshold.label]! >= threshold.probability
        ? threshold.label
        : other;
  return { label, probabilities, logProbabilities: zipRecord(classes, logs) };
}

/** Of a regression: `mean + deviation · output` is in the units of the labels. */
export const targetUnits = ({ config: { targetScaling } }: SequenceModel) => ({
  mean: targetScaling?.mean[0] ?? 0,
  deviation: targetScaling?.deviation[0] ?? 1,
});

/** Declares the inputs of a sequence model for a batch [T, B]. */
export function declareSequences(graph: Graph, { config }: SequenceModel, steps: number, rows: number) {
  const x: Tensor =
    config.channels === undefined
      ? graph.input("x", [steps, rows], { type: "int", below: config.vocabularySize! })
      : graph.input("x", [steps, rows, config.channels]);
  return { x, mask: graph.input("mask", [steps, rows]) };
}

/** A trained classifier or regression: texts or series in, classes or numbers out. Each call uses the current weights. */
export class Classifier<M extends SequenceModel = SequenceModel> extends Closing {
  readonly model: M;
  readonly parameters: ParameterStore;
  readonly tokenizer: Tokenizer | undefined;
  private readonly options: ClassifierOptions<M>;
  private readonly plans: Executables;
  #calibration: Calibration | undefined;

  constructor(options: ClassifierOptions<M>) {
    super();
    expectOptions("Classifier", options, {
      model: "required",
      machine: "required",
      parameters: "required",
      tokenizer: 1,
      batchSize: 1,
    });
    if (options.batchSize !== undefined) expectInteger("batchSize", options.batchSize, { min: 1 });
    this.options = options;
    this.model = options.model;
    this.parameters = options.parameters;
    this.plans = new Executables(options.machine, options.parameters);
    this.tokenizer = options.tokenizer;
    this.#calibration = options.model.config.calibration;
    if ((options.model.config.vocabularySize === undefined) !== (options.tokenizer === undefined))
      throw new UsageError("bad-option", "tokenizer: a model of tokens needs one, a model of series has none");
  }

  /** What a run saves of it (`saveRun`, `packRun`, `openRun`). */
  get config(): { readonly model: M["config"] } {
    const { config } = this.model;
    return { model: this.#calibration ? { ...config, calibration: this.#calibration } : config };
  }

  /** How its answers follow from its logits, as its model says or `calibrate` has found; undefined: as trained. */
  get calibration(): Calibration | undefined {
    return this.#calibration;
  }

  /**
   * Fits the temperature to examples that it was not trained on, and of two classes a threshold if one is asked for. From then on
   * `predict` and all that asks it answer by them, and a run that is saved has them. They are valid for the current weights. A
   * temperature changes no order: without a threshold the answers are the same.
   * @example
   * ```ts no-run
   * const { temperature, threshold } = await classifier.calibrate(validation, { threshold: { precision: 0.9 } });
   * ```
   * @throws UsageError "no-examples", "not-a-classifier", "no-temperature" (the examples do not say which), "no-threshold" (no probability
   *   reaches the goal), "bad-option", "unknown-choice", "out-of-range", "wrong-input"; the reason of `signal`. It answers as before then
   */
  async calibrate(
    { inputs, labels }: Pick<Examples, "inputs" | "labels">,
    options: CalibrateOptions = {},
  ): Promise<Calibration> {
    expectOptions("Classifier.calibrate", options, { temperature: 1, threshold: 1, label: 1, signal: 1 });
    const classes = this.classes();
    expectExamples("Classifier.calibrate", { inputs, labels });
    const { threshold: goal, label = classes[1]!, signal } = options;
    if (goal === undefined && options.label !== undefined)
      throw new UsageError("bad-option", "label: says which class has a threshold; give threshold, too");
    if (goal !== undefined) expectTwoClasses("threshold", classes);
    expectOneOf("label", label, classes);
    // An example of a class that it does not know says nothing about its probabilities.
    const known = labels.flatMap((name, k) => (classes.includes(name) ? [k] : []));
    if (known.length === 0)
      throw new UsageError(
        "no-examples",
        `examples: expected some of the classes ${few(classes)}, got none (a label is ${JSON.stringify(labels[0])}); is it the right column?`,
      );
    const outputs = await this.outputs(inputs, { signal });
    const logs = known.map((k) => outputs[k]!);
    const targets = known.map((k) => classes.indexOf(labels[k]!));
    const temperature =
      options.temperature === undefined
        ? fitTemperature(logs, targets)
        : expectTemperature("temperature", options.temperature);
    const at = classes.indexOf(label);
    const likely = (): number[] => logs.map((x) => Math.exp(tempered(x, temperature)[at]!));
    const own = targets.map((target) => target === at);
    this.#calibration = {
      temperature,
      ...(goal !== undefined && { threshold: { label, probability: fitThreshold(likely(), own, goal) } }),
    };
    return this.#calibration;
  }

  /**
   * Predicts the class of each input, with the probabilities of all classes.
   * @throws UsageError "wrong-input", "not-a-classifier" (it predicts numbers: `predictNumbers`); the reason of `signal`
   */
  async predict(inputs: readonly (string | Series)[], options: Abortable = {}): Promise<ClassPrediction[]> {
    expectOptions("Classifier.predict", options, { signal: 1 });
    const named = this.naming();
    return (await this.outputs(inputs, options)).map(named);
  }

  /** Converts log probabilities to a prediction. @throws UsageError "not-a-classifier" */
  private naming(): (logs: Float64Array) => ClassPrediction {
    const classes = this.classes();
    const { temperature = 1, threshold } = this.#calibration ?? {};
    return (logs) => classPrediction(classes, temperature === 1 ? logs : tempered(logs, temperature), threshold);
  }

  private classes(): readonly string[] {
    const { classes } = this.model.config;
    if (classes) return classes;
    throw new UsageError("not-a-classifier", "this model predicts numbers, not classes: call predictNumbers");
  }

  /** Predicts a number for each input (regression). */
  async predictNumbers(inputs: readonly (string | Series)[], options: Abortable = {}): Promise<number[]> {
    expectOptions("Classifier.predictNumbers", options, { signal: 1 });
    const inUnits = this.scaling();
    return (await this.outputs(inputs, options)).map(inUnits);
  }

  /** Converts an output to the units of the labels. @throws UsageError "not-a-regression" */
  private scaling(): (output: Float64Array) => number {
    if (this.model.config.classes)
      throw new UsageError("not-a-regression", "this model predicts classes, not numbers: call predict");
    const { mean, deviation } = targetUnits(this.model);
    return ([value]) => mean + deviation * value!;
  }

  /**
   * Predicts after each step, as if the input had ended there; the last prediction is that of the whole input. Each prefix is computed
   * from scratch, since pooling and the reverse direction see other steps in each, so time grows with the square of the length.
   * @throws as `predict`; UsageError "no-tokens" for a text without any
   */
  async predictEachStep(input: string | Series, options: Abortable = {}): Promise<ClassPrediction[]> {
    expectOptions("Classifier.predictEachStep", options, { signal: 1 });
    const named = this.naming();
    return (await this.outputsOf(this.prefixes(input), options)).map(named);
  }

  /** The same for a regression. */
  async predictNumbersEachStep(input: string | Series, options: Abortable = {}): Promise<number[]> {
    expectOptions("Classifier.predictNumbersEachStep", options, { signal: 1 });
    const inUnits = this.scaling();
    return (await this.outputsOf(this.prefixes(input), options)).map(inUnits);
  }

  /** Frees the plans, and the parameters if they were loaded with it; those that were given stay. */
  close(): void {
    this.plans.close();
  }

  private outputs(inputs: readonly (string | Series)[], options: Abortable): Promise<Float64Array[]> {
    const { model, tokenizer } = this.options;
    if (!Array.isArray(inputs))
      throw new UsageError("wrong-input", `inputs: expected a list of texts or series, got ${describe(inputs)}`);
    return this.outputsOf(
      inputs.map((input) => readSequence(input, model, tokenizer)),
      options,
    );
  }

  /** All prefixes of the input, from one step on. */
  private prefixes(input: string | Series): Sequence[] {
    const { model, tokenizer } = this.options;
    const whole = readSequence(input, model, tokenizer);
    if (lengthOf(whole) === 0) throw new UsageError("no-tokens", "input: expected at least one token, got none");
    return Array.from({ length: lengthOf(whole) }, (_, t) =>
      "channels" in whole
        ? { channels: whole.channels, values: whole.values.slice(0, (t + 1) * whole.channels) }
        : whole.subarray(0, t + 1),
    );
  }

  private outputsOf(sequences: readonly Sequence[], { signal }: Abortable): Promise<Float64Array[]> {
    const { batchSize = 64 } = this.options;
    return resultsByLength(sequences, { lengthOf, batchSize, signal, run: (batch, steps) => this.run(batch, steps) });
  }

  private async run(batch: readonly Sequence[], steps: number): Promise<Float64Array[]> {
    const plan = await this.plan(steps, batch.length);
    const { x, mask } = sequenceInputs(batch, steps);
    plan.write("x", x);
    plan.write("mask", mask);
    plan.run();
    const outputs = await plan.read("outputs");
    const width = outputs.length / batch.length;
    return batch.map((_, row) => Float64Array.from(outputs.subarray(row * width, (row + 1) * width)));
  }

  private plan(steps: number, rows: number): Promise<Executable> {
    const { model } = this.options;
    return this.plans.of(`${steps} ${rows}`, (graph) => {
      const { x, mask } = declareSequences(graph, model, steps, rows);
      const outputs = model.forward(x, { mask });
      graph.output("outputs", model.config.classes ? logSoftmax(outputs) : outputs);
    });
  }
}
