import { checkValue } from "../schema/check.ts";
import { trainingFields } from "../schema/training.ts";
import { describe, UsageError } from "../shared/errors.ts";
import type { Plateau } from "./plateau.ts";
import type { Schedule } from "./schedules.ts";

export interface RateOptions {
  /** Default 2e-3. */
  readonly learningRate?: number | undefined;
  /** In place of `learningRate`: the rate as a function of the updates so far, or a rule that follows the metric that decides. */
  readonly schedule?: Schedule | Plateau | undefined;
}

export interface RateRule {
  readonly schedule: Schedule | undefined;
  readonly plateau: Plateau | undefined;
}

/** @throws UsageError "bad-option", "out-of-range" */
export function rateRule({ learningRate, schedule }: RateOptions): RateRule {
  if (schedule === undefined) {
    const rate = learningRate ?? trainingFields.learningRate.default;
    checkValue("learningRate", trainingFields.learningRate, rate);
    return { schedule: () => rate, plateau: undefined };
  }
  if (learningRate !== undefined)
    throw new UsageError("bad-option", "learningRate: a schedule was given too; give one of the two");
  if (typeof schedule === "function") return { schedule, plateau: undefined };
  if (typeof schedule === "object" && schedule !== null && typeof schedule.next === "function")
    return { schedule: undefined, plateau: schedule };
  throw new UsageError(
    "bad-option",
    `schedule: expected a function of the step or reduceOnPlateau(…), got ${describe(schedule)}`,
  );
}
