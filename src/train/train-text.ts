import type { Machine } from "../compute/machine.ts";
import { type CarriedBatches, carriedBatches, fitWindows } from "../data/carried-batches.ts";
import { crossEntropy } from "../losses/cross-entropy.ts";
import { LanguageModel } from "../models/language-model.ts";
import { adam } from "../optimizers/adam.ts";
import type { Optimizer } from "../optimizers/define.ts";
import { describe, expectInteger, UsageError } from "../shared/errors.ts";
import type { Graph } from "../tensor/graph.ts";
import { layoutParameters } from "../tensor/parameter.ts";
import { createParameters, type ParameterStore } from "../tensor/parameter-store.ts";
import type { Tokens } from "../text/token-sequence.ts";
import { openTextEvaluator, type TextEvaluator } from "./evaluate-text.ts";
import { expectTokens } from "./expect-tokens.ts";
import type { Schedule } from "./schedules.ts";
import { expectRoom, openTrainingStep } from "./step.ts";
import { CARRIED, TextTrainer, type TrainingPlan } from "./text-trainer.ts";

export interface TrainTextOptions {
  readonly model: LanguageModel;
  readonly machine: Machine;
  readonly train: Tokens;
  /** Measured after each epoch. Default or of length 0: none. */
  readonly validation?: Tokens | undefined;
  /** To train on with; default new ones, drawn with `seed`. They are changed in place, and not closed with the trainer if given. */
  readonly parameters?: ParameterStore | undefined;
  /** B: contiguous pieces of the text that are learned from side by side. Default 32, fewer for short texts. */
  readonly batchSize?: number | undefined;
  /** T: how far gradients reach back. Default 64, fewer for short texts. */
  readonly steps?: number | undefined;
  /** How often the text is read. Default 10. */
  readonly epochs?: number | undefined;
  /** Ends the training earlier, in the middle of an epoch if need be. Default: never. */
  readonly maxSteps?: number | undefined;
  /** Default `adam()`. */
  readonly optimizer?: Optimizer | undefined;
  /** Default 2e-3. */
  readonly learningRate?: number | undefined;
  /** The rate as a function of the updates so far, in place of `learningRate`. */
  readonly schedule?: Schedule | undefined;
  /** Gradients are scaled down together when their norm is larger; default 5. `Infinity`: never. */
  readonly clipNorm?: number | undefined;
  /** Of the first weights and of dropout; default 0. */
  readonly seed?: number | undefined;
  /** When `validation` is measured: after each epoch ("epoch", default), and also every so many steps. At the end in any case. */
  readonly evaluateEvery?: "epoch" | number | undefined;
  /** B of the validation; default as `evaluateText`. */
  readonly validationBatchSize?: number | undefined;
  /** Steps between progress events; default 20. */
  readonly logEvery?: number | undefined;
  /** Ends the training between two steps. Everything learned until then stays in the parameters. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Trains a language model by truncated backpropagation through time: the text is cut into B streams, read T steps at a
 * time; the state is carried from window to window and is zero at the start of each epoch.
 *
 * Nothing runs until the result is iterated; what happens is told in events. While an event is being handled the
 * parameters stand still: save them then.
 *
 * @example
 * ```ts
 * const training = await trainText({ model, machine, train: corpus.train, validation: corpus.validation, epochs: 3 });
 * for await (const event of training) {
 *   if (event.type === "epoch") console.log(event.epoch, event.trainLoss, event.validationLoss);
 * }
 * ```
 * @see Williams & Peng (1990), "An efficient gradient-based algorithm for on-line training of recurrent network trajectories"
 * @throws UsageError for wrong options or too short a text; FailureError "out-of-memory" before anything is allocated. While
 *   training: FailureError "diverged" when the loss is no number; no such update has reached the weights
 */
export async function trainText(options: TrainTextOptions): Promise<TextTrainer> {
  const { model, machine } = options;
  if (!(model instanceof LanguageModel))
    throw new UsageError("bad-option", `model: expected a language model, got ${describe(model)}`);
  const train = expectTokens("train", options.train);
  const validation = expectTokens("validation", options.validation ?? new Int32Array(0));
  const seed = expectInteger("seed", options.seed ?? 0, { min: 0 });
  const optimizer = options.optimizer ?? adam();
  const clipNorm = options.clipNorm ?? 5;
  if (options.parameters && options.parameters.machine !== machine)
    throw new UsageError("wrong-machine", "parameters: they lie on another machine than the one given");
  const rate = rateOf(options);
  const batches = carriedBatches({ tokens: train, ...windowSizes(train.length, options) });
  const plan = planOf(options, batches);

  const layout = options.parameters?.layout ?? layoutParameters(model);
  expectRoom(machine, layout, optimizer);
  const parameters = options.parameters ?? (await createParameters({ machine, layout, seed }));
  const owned: { close(): void }[] = options.parameters ? [] : [parameters];
  try {
    const { streams, steps } = batches.batch(0);
    const step = await openTrainingStep({
      ...{ machine, parameters, optimizer, seed },
      clipNorm: clipNorm === Number.POSITIVE_INFINITY ? undefined : clipNorm,
      record: (graph) => recordText(graph, model, steps, streams),
    });
    owned.unshift(step);
    let evaluator: TextEvaluator | undefined;
    if (validation.length > 0) {
      const batchSize = options.validationBatchSize;
      evaluator = await openTextEvaluator({ model, parameters, machine, tokens: validation, batchSize });
      owned.unshift(evaluator);
    }
    const sizes = { trainTokens: train.length, validationTokens: validation.length };
    return new TextTrainer({
      parameters,
      batches,
      step,
      evaluator,
      rate,
      sizes,
      owned,
      signal: options.signal,
      ...plan,
    });
  } catch (error) {
    for (const one of owned) one.close();
    throw error;
  }
}

function recordText(graph: Graph, model: LanguageModel, steps: number, streams: number) {
  const below = model.config.vocabularySize;
  const tokens = graph.input("tokens", [steps, streams], { type: "int", below });
  const targets = graph.input("targets", [steps, streams], { type: "int", below });
  const initial = Object.fromEntries(
    Object.entries(model.stateShapes(streams)).map(([name, shape]) => [name, graph.state(CARRIED + name, shape)]),
  );
  const { logits, final, penalty } = model.forward(tokens, { initial });
  const carry = Object.entries(final).map(([name, tensor]) => [tensor, initial[name]!] as const);
  return { loss: crossEntropy(logits, targets), penalty, carry };
}

/** Streams and steps as asked for; where nothing was asked for, such that a short text has some windows. */
function windowSizes(length: number, { batchSize, steps }: TrainTextOptions): { streams: number; steps: number } {
  if (batchSize === undefined && steps === undefined) return fitWindows(length, { streams: 32, steps: 64, windows: 8 });
  return {
    streams: expectInteger("batchSize", batchSize ?? 32, { min: 1 }),
    steps: expectInteger("steps", steps ?? 64, { min: 1 }),
  };
}

function planOf(options: TrainTextOptions, batches: CarriedBatches): TrainingPlan {
  const { evaluateEvery = "epoch" } = options;
  const epochs = expectInteger("epochs", options.epochs ?? 10, { min: 1 });
  const maxSteps =
    options.maxSteps === undefined ? Number.POSITIVE_INFINITY : expectInteger("maxSteps", options.maxSteps, { min: 1 });
  const every =
    evaluateEvery === "epoch" ? Number.POSITIVE_INFINITY : expectInteger("evaluateEvery", evaluateEvery, { min: 1 });
  return {
    epochs,
    totalSteps: Math.min(epochs * batches.windows, maxSteps),
    logEvery: expectInteger("logEvery", options.logEvery ?? 20, { min: 1 }),
    evaluateEvery: every,
  };
}

function rateOf({ learningRate, schedule }: TrainTextOptions): Schedule {
  if (schedule !== undefined) {
    if (typeof schedule !== "function")
      throw new UsageError("bad-option", `schedule: expected a function of the step, got ${describe(schedule)}`);
    if (learningRate !== undefined)
      throw new UsageError("bad-option", "learningRate: a schedule was given too; give one of the two");
    return schedule;
  }
  const rate = learningRate ?? 2e-3;
  if (!(rate >= 0 && rate < Number.POSITIVE_INFINITY))
    throw new UsageError("out-of-range", `learningRate: expected a number of at least 0, got ${describe(rate)}`);
  return () => rate;
}
