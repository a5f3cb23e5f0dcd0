import type { OptimizerName } from "../optimizers/registry.ts";
import { choice, integer, number, onOff } from "./fields.ts";

// Names alone: whoever trains in a page loads the optimizer that is used and no other.
const OPTIMIZERS = [
  ...(["adam", "adamW", "sgd", "rmsprop", "nadam", "radam"] as const),
  ...(["adamax", "adagrad", "adadelta"] as const),
] satisfies readonly OptimizerName[];

/** How a rate goes over a whole training. */
export const SCHEDULES = ["constant", "cosine", "linear"] as const;
export type ScheduleName = (typeof SCHEDULES)[number];

/** What every training has, whatever is learned. */
export const trainingFields = {
  epochs: integer({ about: "number of passes over the data", unit: "count", min: 1, default: 10 }),
  maxSteps: integer({ about: "maximum number of updates", unit: "count", min: 1, otherwise: "no limit" }),
  optimizer: choice(OPTIMIZERS, { about: "optimizer", unit: "name", default: "adam" }),
  weightDecay: number({
    about: "weight decay of the optimizer",
    ...{ unit: "number", min: 0, otherwise: "0, of adamW 0.01" },
  }),
  average: number({
    about: "evaluate and save an exponential moving average of the weights with this decay",
    ...{ unit: "decay", above: 0, below: 1, otherwise: "the weights themselves" },
  }),
  learningRate: number({
    about: "learning rate; with a schedule its highest value",
    unit: "number",
    min: 0,
    default: 2e-3,
  }),
  schedule: choice(SCHEDULES, {
    about: "learning-rate schedule: constant, or decreasing to 0 along half a cosine or a line",
    ...{ unit: "name", default: "constant" },
  }),
  warmupSteps: integer({
    about: "number of updates over which the learning rate first rises",
    unit: "count",
    formerly: "warmup",
    min: 0,
    default: 0,
  }),
  clipNorm: number({
    about: "maximum norm of the gradient; larger gradients are scaled down",
    ...{ unit: "norm", flag: "clip", above: 0, default: 5 },
  }),
  accumulate: integer({
    about: "number of batches per update",
    ...{ unit: "count", min: 1, default: 1 },
  }),
  patience: integer({
    about: "stop early after this many validations in a row without improvement",
    ...{ unit: "count", min: 1, otherwise: "never" },
  }),
  minDelta: number({
    about: "smallest improvement that counts for --patience",
    ...{ unit: "number", min: 0, default: 0, needs: { key: "patience" } },
  }),
  checkpointEvery: integer({
    about: "updates between checkpoints, besides one after each validation",
    ...{ unit: "updates", min: 1, otherwise: "never" },
  }),
  checkpointSeconds: number({
    about: "seconds between checkpoints, at most",
    ...{ unit: "seconds", above: 0, default: 300 },
  }),
  keep: integer({
    about: "number of checkpoints to keep besides the best",
    ...{ unit: "count", min: 1, default: 3 },
  }),
  seed: integer({
    about: "seed of weights and dropout; the same seed gives the same result",
    ...{ unit: "number", min: 0, default: 0 },
  }),
  tensorboard: onOff({
    about: "write curves for TensorBoard into the run",
    ...{ off: "do not write TensorBoard files", default: true },
  }),
} as const;

export const MACHINES = ["wasm", "reference"] as const;

export const machineField = choice(MACHINES, {
  about: "machine that computes: wasm in float32, or reference in float64 (slow)",
  ...{ unit: "name", default: "wasm" },
});
