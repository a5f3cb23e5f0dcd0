import type { Machine } from "../compute/machine.ts";
import type { Batch, BatchSource } from "../data/batch-source.ts";
import { adam } from "../optimizers/adam.ts";
import { averaged } from "../optimizers/averaged.ts";
import { eachOptimizer, type OptimizerChoice } from "../optimizers/by-parameter.ts";
import type { OptionsTable } from "../schema/check.ts";
import { orInfinity } from "../schema/fields.ts";
import { trainingFields } from "../schema/training.ts";
import { describe, expectInteger, UsageError } from "../shared/errors.ts";
import type { Graph } from "../tensor/graph.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import { type BestRule, bestRule, type EarlyStopping, type MonitoredMetric } from "./best.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Objective } from "./learner.ts";
import { type RateOptions, type RateRule, rateRule } from "./rate.ts";

/** Options of every training. */
export interface TrainingOptions extends RateOptions {
  /** Number of passes over all batches. Default 10. */
  readonly epochs?: number | undefined;
  /** Maximum number of updates; training may end within an epoch. Default: no limit. */
  readonly maxSteps?: number | undefined;
  /** The optimizer, or with `byParameter` one for each parameter. Default `adam()`. */
  readonly optimizer?: OptimizerChoice | undefined;
  /**
   * Decay of an exponential moving average of the weights, below 1; it covers about the last 1 / (1 − average) updates. Whenever the
   * training stands still (in an event, at the end), the parameters are the averages: they are evaluated, compared and saved. Training
   * continues from the weights themselves. Default: no average.
   */
  readonly average?: number | undefined;
  /** Gradients are scaled down together if their norm is larger. Default 5. `Infinity`: no clipping. */
  readonly clipNorm?: number | undefined;
  /** Each element of the gradient is clamped to ±clipValue, after `clipNorm`. Default: no clipping. */
  readonly clipValue?: number | undefined;
  /**
   * Number of consecutive batches that make one update, whose gradient is Σ wᵢ gᵢ ÷ Σ wᵢ with the weights of the batches. An update
   * does not reach over the end of an epoch. Default 1.
   */
  readonly accumulate?: number | undefined;
  /**
   * Number of parts that recurrent layers divide a sequence into to save memory: what the gradient needs is kept for one part at a
   * time, and the others are computed again in the backward pass. Does not change results. Default: 1 (everything is kept), or 8 for
   * batches that do not fit.
   */
  readonly recompute?: number | undefined;
  /** Seed of dropout. Default 0. */
  readonly seed?: number | undefined;
  /** When the evaluator runs: after each epoch ("epoch", default), or also every this many steps. Always at the end. */
  readonly evaluateEvery?: "epoch" | number | undefined;
  /** Ends the training when the monitored metric, without validation the loss of training, stops improving. Default: never. */
  readonly earlyStopping?: EarlyStopping | undefined;
  /** When to emit a `checkpoint` event, besides after each evaluation: after this many steps, seconds, or both. */
  readonly checkpointEvery?: { readonly steps?: number | undefined; readonly seconds?: number | undefined } | undefined;
  /** Steps between progress events. Default 20. */
  readonly logEvery?: number | undefined;
  /** Ends the training between two steps, also before the first: its last event is `end` with the reason "aborted", and the weights learned so far stay. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of `openTrainer`. */
export interface TrainerOptions<F extends object = object> extends TrainingOptions {
  readonly machine: Machine;
  /** The parameters to train, in place. */
  readonly parameters: ParameterStore;
  /** The source of batches. */
  readonly batches: BatchSource;
  /** Records the forward pass and the loss for batches of this shape; called once per shape. */
  readonly record: (graph: Graph, batch: Batch) => Objective;
  /** Evaluates the model; closed with the trainer. Default: none, and the latest weights count as best. */
  readonly evaluator?: Evaluator | undefined;
  /**
   * The metric that decides which weights are best and when to stop early; of equal values that of the lower `loss` is better. Default:
   * the lowest `loss`.
   */
  readonly monitor?: MonitoredMetric | undefined;
  /** Further facts for the start event. */
  readonly facts?: F | undefined;
  /** What to close with the trainer, in this order. */
  readonly owned?: readonly Pick<Evaluator, "close">[] | undefined;
}

/** Options with their defaults, checked. */
export interface TrainingPlan {
  readonly epochs: number;
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
  readonly accumulate: number;
  /** undefined: as memory demands. */
  readonly recompute: number | undefined;
  readonly optimizer: OptimizerChoice;
  readonly clipNorm: number | undefined;
  readonly clipValue: number | undefined;
  readonly seed: number;
  readonly rate: RateRule;
  readonly best: BestRule;
  readonly logEvery: number;
  /** Infinity: only where epochs end. */
  readonly evaluateEvery: number;
  readonly checkpoints: { readonly steps: number; readonly seconds: number };
}

/** For `checkOptions`: which options of any training are data that the schema describes. */
export const trainingOptions: OptionsTable<TrainingOptions> = {
  epochs: trainingFields.epochs,
  maxSteps: trainingFields.maxSteps,
  learningRate: trainingFields.learningRate,
  warmupSteps: trainingFields.warmupSteps,
  clipNorm: orInfinity(trainingFields.clipNorm),
  seed: trainingFields.seed,
  average: trainingFields.average,
  ...{ optimizer: 1, schedule: 1, clipValue: 1, accumulate: 1, recompute: 1, evaluateEvery: 1, logEvery: 1, signal: 1 },
  earlyStopping: { patience: "required", minDelta: 1 },
  checkpointEvery: { steps: 1, seconds: 1 },
};

/** @throws UsageError */
export function planOf(
  { monitor, ...options }: TrainingOptions & Pick<TrainerOptions, "monitor">,
  batchesPerEpoch: number,
): TrainingPlan {
  const { evaluateEvery = "epoch", checkpointEvery = {} } = options;
  const whole = (name: string, value: unknown): number => expectInteger(name, value, { min: 1 });
  const orNever = (name: string, value: number | undefined): number =>
    value === undefined ? Number.POSITIVE_INFINITY : whole(name, value);
  const epochs = whole("epochs", options.epochs ?? trainingFields.epochs.default);
  const accumulate = whole("accumulate", options.accumulate ?? 1);
  const stepsPerEpoch = Math.ceil(whole("batches.batchesPerEpoch", batchesPerEpoch) / accumulate);
  const clipNorm = options.clipNorm ?? trainingFields.clipNorm.default;
  const seconds = checkpointEvery.seconds ?? Number.POSITIVE_INFINITY;
  if (!(seconds > 0))
    throw new UsageError(
      "out-of-range",
      `checkpointEvery.seconds: expected a number above 0, got ${describe(seconds)}`,
    );
  const totalSteps = Math.min(epochs * stepsPerEpoch, orNever("maxSteps", options.maxSteps));
  const best = bestRule(monitor, options.earlyStopping);
  const rate = rateRule(options, totalSteps);
  expectSameMode(rate, best.monitor);
  const optimizer = options.optimizer ?? adam();
  return {
    ...{ epochs, accumulate, stepsPerEpoch, totalSteps },
    recompute: options.recompute,
    optimizer:
      options.average === undefined ? optimizer : eachOptimizer(optimizer, (one) => averaged(one, options.average!)),
    clipNorm: clipNorm === Number.POSITIVE_INFINITY ? undefined : clipNorm,
    clipValue: options.clipValue,
    seed: expectInteger("seed", options.seed ?? trainingFields.seed.default, { min: 0 }),
    ...{ rate, best },
    logEvery: whole("logEvery", options.logEvery ?? 20),
    evaluateEvery: orNever("evaluateEvery", evaluateEvery === "epoch" ? undefined : evaluateEvery),
    checkpoints: { steps: orNever("checkpointEvery.steps", checkpointEvery.steps), seconds },
  };
}

/** A rate that falls when a metric stops getting better must know what better is. */
function expectSameMode({ plateau }: RateRule, { metric, mode }: MonitoredMetric): void {
  if (plateau?.mode === undefined || plateau.mode === mode) return;
  const [better, given] = mode === "max" ? ["higher", "lower"] : ["lower", "higher"];
  throw new UsageError(
    "bad-option",
    `schedule: reduceOnPlateau takes ${given} values for better, the monitored ${metric} is better when it is ${better}; give reduceOnPlateau mode: "${mode}"`,
  );
}
