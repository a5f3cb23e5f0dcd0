import { choice, integer, number, onOff } from "./fields.ts";

/** What every training has, whatever is learned. */
export const trainingFields = {
  epochs: integer({ about: "how often the data is read", unit: "count", min: 1, default: 10 }),
  maxSteps: integer({ about: "end after so many updates", unit: "count", min: 1, otherwise: "no limit" }),
  learningRate: number({ about: "step size of the Adam optimizer", unit: "number", min: 0, default: 2e-3 }),
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
