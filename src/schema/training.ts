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
  epochs: integer({ about: "how often the data is read", unit: "count", min: 1, default: 10 }),
  maxSteps: integer({ about: "end after so many updates", unit: "count", min: 1, otherwise: "no limit" }),
  optimizer: choice(OPTIMIZERS, { about: "what makes an update of a gradient", unit: "name", default: "adam" }),
  weightDecay: number({
    about: "how much the optimizer draws weights towards 0",
    ...{ unit: "number", min: 0, otherwise: "0, of adamW 0.01" },
  }),
  average: number({
    about: "measure and save a mean of the weights over the updates, which forgets by this factor at each",
    ...{ unit: "decay", above: 0, below: 1, otherwise: "the weights themselves" },
  }),
  learningRate: number({ about: "step size of the optimizer", unit: "number", min: 0, default: 2e-3 }),
  schedule: choice(SCHEDULES, {
    about: "how the rate goes: always the same, or down to 0 at the end along half a cosine or a line",
    ...{ unit: "name", default: "constant" },
  }),
  warmup: integer({ about: "updates in which the rate first rises", unit: "count", min: 0, default: 0 }),
  clipNorm: number({
    about: "largest norm of the gradient; larger ones are scaled down",
    ...{ unit: "norm", flag: "clip", above: 0, default: 5 },
  }),
  accumulate: integer({
    about: "batches whose gradients make one update",
    ...{ unit: "count", min: 1, default: 1 },
  }),
  patience: integer({
    about: "stop early after so many validations in a row that were no better",
    ...{ unit: "count", min: 1, otherwise: "never" },
  }),
  minDelta: number({
    about: "what counts as better for --patience",
    ...{ unit: "number", min: 0, default: 0 },
  }),
  checkpointEvery: integer({
    about: "save a checkpoint every so many updates, besides one after each validation",
    ...{ unit: "updates", min: 1, otherwise: "never" },
  }),
  checkpointSeconds: number({
    about: "save a checkpoint after so many seconds at the latest",
    ...{ unit: "seconds", above: 0, default: 300 },
  }),
  keep: integer({
    about: "checkpoints that are kept besides the best",
    ...{ unit: "count", min: 1, default: 3 },
  }),
  seed: integer({
    about: "seed of weights and dropout; the same seed gives the same result",
    ...{ unit: "number", min: 0, default: 0 },
  }),
  tensorboard: onOff({
    about: "write curves for TensorBoard into the run",
    ...{ off: "write nothing for TensorBoard", default: true },
  }),
} as const;

export const MACHINES = ["wasm", "reference"] as const;

export const machineField = choice(MACHINES, {
  about: "what computes, wasm in float32 or reference in float64 (slow)",
  ...{ unit: "name", default: "wasm" },
});
