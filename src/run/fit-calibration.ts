import { tempered } from "../models/calibration.ts";
import { describe, UsageError } from "../shared/errors.ts";

/** What a threshold is to reach: the highest F1; the highest recall at this precision at least; or the highest precision at this recall. */
export type ThresholdGoal = "f1" | { readonly precision: number } | { readonly recall: number };

/** Halvings of a range of temperatures: more than a double has digits. */
const HALVINGS = 60;

/**
 * The temperature of the smallest cross entropy. With β = 1 ÷ T it is convex in β, and its derivative, the mean over the examples of
 * Σ p x − x of the true class, where p = softmax(β x), grows with β: the place where it is 0 is found by halving.
 * @param logs of each example logarithms of the probabilities as trained
 * @param targets of each example the index of its class
 * @see Guo et al. (2017), "On calibration of modern neural networks", arXiv:1706.04599
 * @throws UsageError "no-temperature" where the cross entropy has no smallest value
 */
export function fitTemperature(logs: readonly Float64Array[], targets: readonly number[]): number {
  const slope = (beta: number): number =>
    logs.reduce((total, x, k) => {
      const p = tempered(x, 1 / beta).map(Math.exp);
      return total + p.reduce((sum, share, c) => sum + share * x[c]!, 0) - x[targets[k]!]!;
    }, 0);
  if (logs.every((x, k) => x[targets[k]!] === Math.max(...x)))
    throw none(
      "all of them are right, so that no temperature is low enough; give more examples, among them some that it gets wrong",
    );
  // The derivative at β = 0, where all classes are as likely.
  const mean = (x: Float64Array): number => x.reduce((a, b) => a + b, 0) / x.length;
  if (logs.reduce((total, x, k) => total + mean(x) - x[targets[k]!]!, 0) >= 0)
    throw none("its answers are no better than chance on them; are these examples of what it learned?");
  let [low, high] = [1, 1];
  while (slope(low) > 0) low /= 2;
  while (slope(high) < 0) high *= 2;
  for (let k = 0; k < HALVINGS && low < high; k++) {
    const middle = (low + high) / 2;
    if (slope(middle) < 0) low = middle;
    else high = middle;
  }
  return 2 / (low + high);
}

const none = (why: string): UsageError =>
  new UsageError("no-temperature", `examples: expected some that a temperature can be fitted to: ${why}`);

/**
 * The probability from which on an example counts as positive so that a goal is reached; between the lowest that counts and the next one.
 * @param probabilities of being positive
 * @param positive whether it is
 * @throws UsageError "no-threshold" where no threshold reaches the goal, or one class has no example
 */
export function fitThreshold(
  probabilities: readonly number[],
  positive: readonly boolean[],
  goal: ThresholdGoal,
): number {
  const order = probabilities.map((_, k) => k).sort((a, b) => probabilities[b]! - probabilities[a]!);
  const all = positive.filter(Boolean).length;
  if (all === 0 || all === positive.length)
    throw new UsageError(
      "no-threshold",
      `examples: expected some of both classes, got ${positive.length} of one; there is nothing to tell apart`,
    );
  const worth = worthBy(goal);
  let [right, best, at, highest] = [0, Number.NEGATIVE_INFINITY, 0, 0];
  for (const [k, example] of order.entries()) {
    if (positive[example]) right += 1;
    const [lowest, next] = [probabilities[example]!, probabilities[order[k + 1]!] ?? 0];
    // Equal probabilities are on one side.
    if (lowest === next && k + 1 < order.length) continue;
    const scores = { precision: right / (k + 1), recall: right / all, f1: (2 * right) / (k + 1 + all) };
    highest = Math.max(highest, scores.precision);
    if (!(worth(scores) > best)) continue;
    best = worth(scores);
    at = (lowest + next) / 2;
  }
  if (best !== Number.NEGATIVE_INFINITY) return at;
  throw new UsageError(
    "no-threshold",
    `threshold: no probability reaches the precision ${(goal as { readonly precision: number }).precision} on these examples, the highest is ${highest.toFixed(3)}; ask for less, or train longer`,
  );
}

interface Reached {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** How good it is to reach this; −∞ where the goal is missed. @throws UsageError "bad-option" */
function worthBy(goal: ThresholdGoal): (reached: Reached) => number {
  if (goal === "f1") return ({ f1 }) => f1;
  const [[what, least = Number.NaN] = [], ...others] = Object.entries<number>(Object(goal));
  if (others.length > 0 || !(what === "precision" || what === "recall") || !(least > 0 && least <= 1))
    throw new UsageError(
      "bad-option",
      `threshold: expected "f1", { precision } or { recall } with a number above 0 and at most 1, got ${describe(goal)}`,
    );
  const other = what === "precision" ? "recall" : "precision";
  return (reached) => (reached[what] >= least ? reached[other] : Number.NEGATIVE_INFINITY);
}

/** Number of bins of the expected calibration error, as in most papers. */
const BINS = 15;

/**
 * The expected calibration error: predictions are put into 15 bins of equal width by the probability p of the most likely class; in each
 * the share that is right is compared with the mean of p; the mean of the differences, weighted by how many there are.
 * @param confidences the probability of the most likely class, from 0 to 1
 * @param right whether it is the true one
 * @see Naeini et al. (2015), "Obtaining well calibrated probabilities using Bayesian binning"
 */
export function expectedCalibrationError(confidences: readonly number[], right: readonly boolean[]): number {
  const off = new Float64Array(BINS);
  for (const [k, p] of confidences.entries()) off[Math.min(BINS - 1, Math.floor(BINS * p))]! += Number(right[k]) - p;
  return off.reduce((sum, one) => sum + Math.abs(one), 0) / confidences.length;
}
