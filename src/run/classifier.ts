import type { Machine } from "../compute/machine.ts";
import type { Series } from "../data/examples.ts";
import { lengthOf, type Sequence, sequenceInputs } from "../data/sequence-inputs.ts";
import { logSoftmax } from "../layers/softmax.ts";
import type { SequenceModel } from "../models/sequence-classifier.ts";
import { argmax } from "../shared/argmax.ts";
import { Closing } from "../shared/closing.ts";
import { describe, expectInteger, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { zipRecord } from "../shared/records.ts";
import type { Abortable } from "../shared/signal.ts";
import type { Executable } from "../tensor/executable.ts";
import { Executables } from "../tensor/executables.ts";
import type { Graph, Tensor } from "../tensor/graph.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { resultsByLength } from "./batches-by-length.ts";
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

/** The prediction of a classifier for one input. */
export interface ClassPrediction {
  /** The most likely class. */
  readonly label: string;
  /** Probability of each class by name; they sum to 1. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** Natural logarithms of the probabilities, which do not underflow. */
  readonly logProbabilities: Readonly<Record<string, number>>;
}

/** A prediction from the log probabilities of all classes. */
export const classPrediction = (
  classes: readonly string[],
  logs: readonly number[] | Float64Array,
): ClassPrediction => ({
  label: classes[argmax(logs)]!,
  probabilities: zipRecord(classes, logs.map(Math.exp)),
  logProbabilities: zipRecord(classes, logs),
});

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
    if ((options.model.config.vocabularySize === undefined) !== (options.tokenizer === undefined))
      throw new UsageError("bad-option", "tokenizer: a model of tokens needs one, a model of series has none");
  }

  /** What a run saves of it (`saveRun`, `packRun`, `openRun`). */
  get config(): { readonly model: M["config"] } {
    return { model: this.model.config };
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
    const { classes } = this.model.config;
    if (!classes)
      throw new UsageError("not-a-classifier", "this model predicts numbers, not classes: call predictNumbers");
    return (logs) => classPrediction(classes, logs);
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
