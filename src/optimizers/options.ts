import { describe, UsageError } from "../shared/errors.ts";

/** @throws UsageError "out-of-range" */
export function expectNonNegative(option: string, value: number): void {
  if (!(value >= 0 && value < Number.POSITIVE_INFINITY))
    throw new UsageError("out-of-range", `${option}: expected a number of at least 0, got ${describe(value)}`);
}

/** A factor by which something fades from step to step. @throws UsageError "out-of-range" */
export function expectUnit(option: string, value: number): void {
  if (!(value >= 0 && value < 1))
    throw new UsageError("out-of-range", `${option}: expected a number in [0, 1), got ${describe(value)}`);
}
