import { add, mul, sub } from "../math/expression.ts";
import { describe, UsageError } from "../shared/errors.ts";
import type { Optimizer } from "./define.ts";

/** The moment that holds the averages. */
export const AVERAGE = "average";

/**
 * The same optimizer, which also remembers the mean of what each parameter has been. Every update draws the mean towards the parameter
 * by 9 / (step + 8) of what lies between them, so that the beginning is soon forgotten, and by no less than 1 − decay.
 *
 * @param decay below 1: about 1 / (1 − decay) updates are remembered
 * @see Polyak & Juditsky (1992); Shamir & Zhang (2013), arXiv:1212.1824, for the share of the first updates
 * @throws UsageError "out-of-range"
 */
export function averaged(optimizer: Optimizer, decay: number): Optimizer {
  if (!(decay > 0 && decay < 1))
    throw new UsageError("out-of-range", `average: expected a number above 0 and below 1, got ${describe(decay)}`);
  return {
    name: `${optimizer.name}, average ${decay}`,
    moments: { ...optimizer.moments, [AVERAGE]: 0 },
    scalars: (step, rate) => ({
      ...optimizer.scalars(step, rate),
      "average share": Math.max(1 - decay, 9 / (step + 8)),
    }),
    // No `rests`: the mean of a parameter that stays as it is goes on towards it.
    update(values, scalars) {
      const next = optimizer.update(values, scalars);
      const before = values[AVERAGE]!;
      return { ...next, [AVERAGE]: add(before, mul(scalars["average share"]!, sub(next.p!, before))) };
    },
  };
}
