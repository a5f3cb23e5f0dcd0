import { checkValue } from "../schema/check.ts";
import { type ScheduleName, trainingFields } from "../schema/training.ts";
import { describe, UsageError } from "../shared/errors.ts";
import type { Plateau } from "./plateau.ts";
import { constantRate, cosineRate, linearRate, polynomialRate, type Schedule, sequentialRate } from "./schedules.ts";

/** Learning rate and schedule. */
export interface RateOptions {
  /** The learning rate; with a named schedule its highest value. Default 2e-3. */
  readonly learningRate?: number | undefined;
  /**
   * How the learning rate changes over the training: "constant" (default), or decreasing to 0 along half a "cosine" or "linear". Or a
   * function from the number of updates to a rate, or `reduceOnPlateau(…)`.
   */
  readonly schedule?: ScheduleName | Schedule | Plateau | undefined;
  /** Number of updates over which a named schedule first increases the rate linearly. Default 0. */
  readonly warmupSteps?: number | undefined;
}

export interface RateRule {
  /** What a schedule with a name was made of, as checkpoints say it. */
  readonly named?: { readonly schedule: string; readonly learningRate: number; readonly warmup: number } | undefined;
  readonly schedule: Schedule | undefined;
  readonly plateau: Plateau | undefined;
}

/** @throws UsageError "bad-option", "out-of-range" */
export function rateRule({ learningRate, schedule, warmupSteps }: RateOptions, totalSteps: number): RateRule {
  if (schedule === undefined || typeof schedule === "string") {
    const named = { learningRate, schedule, warmupSteps };
    const of = <K extends keyof typeof named>(name: K) => named[name] ?? trainingFields[name].default;
    for (const name of ["learningRate", "schedule", "warmupSteps"] as const)
      checkValue(name, trainingFields[name], of(name));
    const rates = { learningRate: of("learningRate") as number, warmup: of("warmupSteps") as number };
    const name = of("schedule") as ScheduleName;
    return {
      named: { schedule: name, ...rates },
      schedule: namedSchedule(name, { ...rates, totalSteps }),
      plateau: undefined,
    };
  }
  for (const [name, value] of Object.entries({ learningRate, warmupSteps }))
    if (value !== undefined)
      throw new UsageError("bad-option", `${name}: a schedule was given too, which says it; give one of the two`);
  if (typeof schedule === "function") return { schedule, plateau: undefined };
  if (typeof schedule === "object" && schedule !== null && typeof schedule.next === "function")
    return { schedule: undefined, plateau: schedule };
  throw new UsageError(
    "bad-option",
    `schedule: expected a name, a function of the step or reduceOnPlateau(…), got ${describe(schedule)}`,
  );
}

function namedSchedule(
  name: ScheduleName,
  options: { readonly learningRate: number; readonly warmup: number; readonly totalSteps: number },
): Schedule {
  const { learningRate, warmup, totalSteps } = options;
  const fall = { learningRate, totalSteps: Math.max(1, totalSteps - warmup) };
  const main =
    name === "constant" ? constantRate({ learningRate }) : { cosine: cosineRate, linear: polynomialRate }[name](fall);
  if (warmup === 0) return main;
  const rise = linearRate({ learningRate, startFactor: 1 / (warmup + 1), totalSteps: warmup });
  return sequentialRate({ schedules: [rise, main], milestones: [warmup] });
}
