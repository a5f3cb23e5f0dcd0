import { type OptimizerName, optimizerByName } from "../optimizers/registry.ts";
import type { ValuesOf } from "../schema/fields.ts";
import type { ScheduleName, trainingFields } from "../schema/training.ts";
import type { TrainingOptions } from "../train/trainer-options.ts";
import { LOG_EVERY } from "./recorded-training.ts";

type TrainerSettings = Omit<ValuesOf<typeof trainingFields>, "keep" | "tensorboard" | "epochs" | "schedule"> & {
  readonly epochs?: number | undefined;
  readonly schedule?: ScheduleName | undefined;
};

/** The settings of any training, in the words of the library. */
export function trainerOptions(settings: TrainerSettings): TrainingOptions {
  const { epochs, maxSteps, learningRate, schedule, warmupSteps, clipNorm, accumulate, seed } = settings;
  const { optimizer, weightDecay, average, patience, minDelta, checkpointEvery, checkpointSeconds } = settings;
  return {
    ...{ epochs, maxSteps, learningRate, schedule, warmupSteps, clipNorm },
    ...{ accumulate, seed, average, logEvery: LOG_EVERY },
    optimizer: optimizerByName<OptimizerName>(optimizer, { weightDecay }),
    earlyStopping: patience === undefined ? undefined : { patience, minDelta },
    checkpointEvery: { steps: checkpointEvery, seconds: checkpointSeconds },
  };
}
