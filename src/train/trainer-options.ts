import type { Machine } from "../compute/machine.ts";
import type { Batch, BatchSource } from "../data/batch-source.ts";
import { adam } from "../optimizers/adam.ts";
import { averaged } from "../optimizers/averaged.ts";
import type { Optimizer } from "../optimizers/define.ts";
import type { OptionsTable } from "../schema/check.ts";
import { orInfinity } from "../schema/fields.ts";
import { trainingFields } from "../schema/training.ts";
import { describe, expectInteger, UsageError } from "../shared/errors.ts";
import type { Graph } from "../tensor/graph.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import { type BestMetric, type BestRule, bestRule, type EarlyStopping } from "./best.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Objective } from "./learner.ts";
import { type RateOptions, type RateRule, rateRule } from "./rate.ts";

/** How any training goes, whatever it learns. */
export interface TrainingOptions extends RateOptions {
  /** How often all batches are gone through. Default 10. */
  readonly epochs?: number | undefined;
  /** Ends the training earlier, in the middle of an epoch if need be. Default: never. */
  readonly maxSteps?: number | undefined;
  /** Default `adam()`. */
  readonly optimizer?: Optimizer | undefined;
  /**
   * Decay of a mean of the weights over the updates, below 1: about 1 / (1 − average) of them are remembered. Wherever the training stands
   * still (while an event is handled, at the end), the parameters are these means: they are measured, they count as best, they are saved.
   * Learning goes on from the weights themselves. Default: none is kept.
   */
  readonly average?: number | undefined;
  /** Gradients are scaled down together when their norm is larger; default 5. `Infinity`: never. */
  readonly clipNorm?: number | undefined;
  /** Then each element of the gradient is held within ±clipValue. Default: never. */
  readonly clipValue?: number | undefined;
  /**
   * Batches that make one update: its gradient is Σ wᵢ gᵢ ÷ Σ wᵢ over so many batches in a row, by their weights, added up in
   * their order in the arithmetic of the machine. Default 1. An update never reaches over the end of an epoch.
   */
  readonly accumulate?: number | undefined;
  /**
   * Parts that recurrent layers cut a sequence into to save memory: what their gradient needs is kept for one part at a time, and the
   * others are computed once more on the way back. Changes no bit. Default: 1 (everything is kept), or 8 for batches that do not fit.
   */
  readonly recompute?: number | undefined;
  /** Of dropout; default 0. */
  readonly seed?: number | undefined;
  /** When the evaluator runs: after each epoch ("epoch", default), and also every so many steps. At the end in any case. */
  readonly evaluateEvery?: "epoch" | number | undefined;
  /** Which metric decides what is best; default the lowest `loss`. Without an evaluator it is the loss of training. */
  readonly best?: BestMetric | undefined;
  /** Default: never. */
  readonly earlyStopping?: EarlyStopping | undefined;
  /** When to tell that it is a moment to save, besides after each measurement: after so many steps, so many seconds, or both. */
  readonly checkpointEvery?: { readonly steps?: number | undefined; readonly seconds?: number | undefined } | undefined;
  /** Steps between progress events; default 20. */
  readonly logEvery?: number | undefined;
  /** Ends the training between two steps. Everything learned until then stays in the parameters. */
  readonly signal?: AbortSignal | undefined;
}

export interface TrainerOptions<F extends object = object> extends TrainingOptions {
  readonly machine: Machine;
  /** Trained in place. */
  readonly parameters: ParameterStore;
  readonly batches: BatchSource;
  /** Records the forward pass and the loss for batches of the shape that this one has; called once for each shape. */
  readonly record: (graph: Graph, batch: Batch) => Objective;
  /** Default: none; the loss of training decides. Closed with the trainer. */
  readonly evaluator?: Evaluator | undefined;
  /** What the start event tells besides. */
  readonly facts?: F | undefined;
  /** Closed with the trainer, in this order. */
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
  readonly optimizer: Optimizer;
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
  warmup: trainingFields.warmup,
  clipNorm: orInfinity(trainingFields.clipNorm),
  seed: trainingFields.seed,
  average: trainingFields.average,
  ...{ optimizer: 1, schedule: 1, clipValue: 1, accumulate: 1, recompute: 1, evaluateEvery: 1, logEvery: 1, signal: 1 },
  best: { metric: 1, mode: 1 },
  earlyStopping: { patience: "required", minDelta: 1 },
  checkpointEvery: { steps: 1, seconds: 1 },
};

/** @throws UsageError */
export function planOf(options: TrainingOptions, batchesPerEpoch: number): TrainingPlan {
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
  const optimizer = options.optimizer ?? adam();
  const totalSteps = Math.min(epochs * stepsPerEpoch, orNever("maxSteps", options.maxSteps));
  return {
    ...{ epochs, accumulate, stepsPerEpoch, totalSteps },
    recompute: options.recompute,
    optimizer: options.average === undefined ? optimizer : averaged(optimizer, options.average),
    clipNorm: clipNorm === Number.POSITIVE_INFINITY ? undefined : clipNorm,
    clipValue: options.clipValue,
    seed: expectInteger("seed", options.seed ?? trainingFields.seed.default, { min: 0 }),
    rate: rateRule(options, totalSteps),
    best: bestRule(options.best, options.earlyStopping),
    logEvery: whole("logEvery", options.logEvery ?? 20),
    evaluateEvery: orNever("evaluateEvery", evaluateEvery === "epoch" ? undefined : evaluateEvery),
    checkpoints: { steps: orNever("checkpointEvery.steps", checkpointEvery.steps), seconds },
  };
}
