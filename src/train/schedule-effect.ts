import type { Plateau } from "./plateau.ts";
import type { RateRule } from "./rate.ts";
import type { Setup } from "./snapshot.ts";

/** What distinguishes a schedule from another one, for checkpoints. */
export type ScheduleEffect = Readonly<Record<string, Setup>>;

/**
 * A named schedule is known by its name and numbers, so that a training may be extended; a function by its rates at some steps of the
 * training; a plateau schedule by its rates on a fixed curve. Rounded, because Math functions differ in the last digits between engines.
 */
export function scheduleEffect({ named, schedule, plateau }: RateRule, totalSteps: number): ScheduleEffect {
  if (named) return { ...named };
  if (plateau) return { plateau: effectOf(plateau) };
  const parts = 8;
  const steps = Array.from({ length: parts + 1 }, (_, k) => Math.round((k * (totalSteps - 1)) / parts));
  return Object.fromEntries(steps.map((step) => [stepName(step), rateAt(schedule!, step)]));
}

/** The effect of a schedule at the steps at which that of another one was recorded. */
export function effectAlike(then: ScheduleEffect, rule: RateRule, totalSteps: number): ScheduleEffect {
  const steps = Object.keys(then).flatMap((name) => STEP.exec(name)?.[1] ?? []);
  if (!rule.schedule || rule.named || steps.length === 0) return scheduleEffect(rule, totalSteps);
  return Object.fromEntries(steps.map((step) => [stepName(step), rateAt(rule.schedule!, Number(step))]));
}

const STEP = /^rate at step (\d+)$/;
const stepName = (step: number | string): string => `rate at step ${step}`;

/** The user's function may have no rate for a step beyond its end. */
function rateAt(schedule: (step: number) => number, step: number): Setup {
  try {
    const rate = schedule(step);
    return typeof rate === "number" ? rounded(rate) : null;
  } catch {
    return null;
  }
}

const rounded = (rate: number): number => Number(rate.toPrecision(6));

/** The rates, and for how many evaluations each holds, on a curve that first improves by less than any threshold, then more, and then stays. */
function effectOf({ initial, next }: Plateau): string {
  const falling = Array.from({ length: 40 }, (_, k) => 1 - 1e-6 * 1.35 ** k);
  const rates: { rate: number; times: number }[] = [];
  let state = initial;
  for (const metric of [...falling, ...new Array<number>(60).fill(0.5)]) {
    state = next(state, metric);
    const last = rates.at(-1);
    if (last?.rate === state.rate) last.times++;
    else rates.push({ rate: state.rate, times: 1 });
  }
  return rates.map(({ rate, times }) => `${rounded(rate)} × ${times}`).join(", ");
}
