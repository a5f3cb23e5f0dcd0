import { ShapeError } from "../shared/errors.ts";
import { extremes } from "../shared/extremes.ts";
import { expectOptions } from "../shared/options.ts";
import { type ExampleOptions, seriesOf, type Traced } from "./traced-array.ts";

const unitsOf = (
  array: Traced,
  measure: (series: Float64Array) => number,
  example: ExampleOptions["example"],
): Float64Array =>
  Float64Array.from({ length: array.shape[2] }, (_, unit) => measure(seriesOf(array, unit, { example })));

function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let k = 0; k < values.length; k++) sum += values[k]!;
  return sum / values.length;
}

/**
 * Measures how quickly each unit changes: the root mean square of its steps, divided by √2 times its standard deviation. Near 0:
 * slowly; about 1: each step is independent of the last. A constant unit is 0. Its square is 1 minus the correlation of neighbouring
 * steps, up to the ends of the series.
 * @returns [H]
 */
export function changeRate(array: Traced, options: ExampleOptions = {}): Float64Array {
  expectOptions("changeRate", options, { example: 1 });
  return unitsOf(
    array,
    (series) => {
      const middle = meanOf(series);
      const variance = meanOf(series.map((v) => (v - middle) ** 2));
      if (variance === 0 || series.length < 2) return 0;
      const steps = series.slice(1).map((v, t) => (v - series[t]!) ** 2);
      return Math.sqrt(meanOf(steps) / (2 * variance));
    },
    options.example,
  );
}

/** Change rates of cell state and hidden state. */
export interface Pace {
  /** Mean `changeRate` of the units. */
  readonly c: number;
  /** Mean `changeRate` of the units of h. */
  readonly h: number;
  /** Share of units whose c changes more slowly than their h. */
  readonly slower: number;
}

/** Compares how quickly cell state and hidden state change, from their traces. */
export function pace(c: Traced, h: Traced, options: ExampleOptions = {}): Pace {
  expectOptions("pace", options, { example: 1 });
  if (c.shape[2] !== h.shape[2])
    throw new ShapeError("shape-mismatch", `pace: c has ${c.shape[2]} units and h ${h.shape[2]}; compare one layer`);
  const [slow, quick] = [changeRate(c, options), changeRate(h, options)];
  return { c: meanOf(slow), h: meanOf(quick), slower: meanOf(slow.map((v, k) => (v < quick[k]! ? 1 : 0))) };
}

/**
 * Computes after how many steps 1/e of a unit's content is left, from the trace of its forget gate: −1 / mean ln f. Infinity for a gate
 * that is always 1. For a GRU pass z, which keeps what 1 − f drops.
 * @returns [H], in steps
 */
export function memoryLength(forget: Traced, options: ExampleOptions = {}): Float64Array {
  expectOptions("memoryLength", options, { example: 1 });
  const lengths = unitsOf(forget, (series) => -1 / meanOf(series.map(Math.log)), options.example);
  return lengths.map((n) => (n === -Infinity ? Infinity : n));
}

/** How often gates are nearly closed or open. */
export interface Saturation {
  /** For each unit the share of steps at which the gate is below `low`. */
  readonly closed: Float64Array;
  /** For each unit the share of steps at which the gate is above `high`. */
  readonly open: Float64Array;
  /** Units whose gate is above `high` at every step. */
  readonly alwaysOpen: readonly number[];
  /** Units whose gate is below `low` at every step. */
  readonly alwaysClosed: readonly number[];
}

/** Options of `saturation`. */
export interface SaturationOptions extends ExampleOptions {
  /** Below it a gate counts as nearly closed. Default 0.1. */
  readonly low?: number | undefined;
  /** Above it a gate counts as nearly open. Default 0.9. */
  readonly high?: number | undefined;
}

/**
 * Measures how often each gate is nearly closed or nearly open.
 * @see Karpathy et al. (2015), arXiv:1506.02078, figure 3: the bounds 0.1 and 0.9 are theirs
 */
export function saturation(gate: Traced, options: SaturationOptions = {}): Saturation {
  expectOptions("saturation", options, { low: 1, high: 1, example: 1 });
  const { low = 0.1, high = 0.9, example } = options;
  const share = (test: (v: number) => boolean): Float64Array =>
    unitsOf(gate, (series) => meanOf(series.map((v) => (test(v) ? 1 : 0))), example);
  const [closed, open] = [share((v) => v < low), share((v) => v > high)];
  const always = (shares: Float64Array): number[] => [...shares.keys()].filter((unit) => shares[unit] === 1);
  return { closed, open, alwaysOpen: always(open), alwaysClosed: always(closed) };
}

/** Options of `deadUnits`. */
export interface DeadUnitsOptions extends ExampleOptions {
  /** Largest minus smallest value of a dead unit. Default 0.01. */
  readonly range?: number | undefined;
}

/** Finds units whose values stay within `range` over the whole trace. */
export function deadUnits(array: Traced, options: DeadUnitsOptions = {}): number[] {
  expectOptions("deadUnits", options, { range: 1, example: 1 });
  const { range = 0.01, example } = options;
  const widthOf = (series: Float64Array): number => {
    const [low, high] = extremes(series);
    return high - low;
  };
  const widths = unitsOf(array, widthOf, example);
  return [...widths.keys()].filter((unit) => widths[unit]! <= range);
}

/**
 * Ranks units by their correlation, of either sign, with a feature of the input that you label, one number per step: whether a quote is
 * open, the position in the line.
 * @param labels [T]
 * @throws ShapeError when there is not one label a step
 */
export function unitsThatFollow(array: Traced, labels: ArrayLike<number>, options: ExampleOptions = {}) {
  expectOptions("unitsThatFollow", options, { example: 1 });
  if (labels.length !== array.shape[0])
    throw new ShapeError("shape-mismatch", `labels: expected ${array.shape[0]}, one a step, got ${labels.length}`);
  const found = unitsOf(array, (series) => correlation(series, labels), options.example);
  return Array.from(found, (r, unit) => ({ unit, correlation: r })).sort(
    (a, b) => Math.abs(b.correlation) - Math.abs(a.correlation),
  );
}

/** Pearson's; 0 where one of both does not vary. */
function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [ma, mb] = [meanOf(a), meanOf(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let t = 0; t < a.length; t++) {
    const [da, db] = [a[t]! - ma, b[t]! - mb];
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb);
}
