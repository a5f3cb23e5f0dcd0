import { describe, UsageError } from "../shared/errors.ts";

/** Standardization of channels, (x − mean) ÷ deviation. */
export interface Scaling {
  readonly mean: readonly number[];
  /** Above 0. */
  readonly deviation: readonly number[];
}

/**
 * Mean and standard deviation of rows of `channels` numbers each. A channel that is constant keeps its unit: deviation 1.
 * @param rows arrays that hold one row after the other
 */
export function standardScaling(rows: readonly ArrayLike<number>[], channels: number): Scaling {
  const [mean, squares] = [new Float64Array(channels), new Float64Array(channels)];
  let seen = 0;
  // Welford (1962): no difference of large sums.
  for (const values of rows)
    for (let at = 0; at < values.length; at += channels) {
      seen += 1;
      for (let d = 0; d < channels; d++) {
        const off = values[at + d]! - mean[d]!;
        mean[d]! += off / seen;
        squares[d]! += off * (values[at + d]! - mean[d]!);
      }
    }
  return { mean: [...mean], deviation: Array.from(squares, (sum) => (sum > 0 ? Math.sqrt(sum / seen) : 1)) };
}

/** @throws UsageError "bad-option" */
export function expectScaling(argument: string, scaling: Scaling, channels: number | undefined): Scaling {
  const numbers = (list: unknown): list is number[] =>
    Array.isArray(list) && list.length === channels && list.every((one) => Number.isFinite(one));
  const { mean, deviation } = scaling;
  if (numbers(mean) && numbers(deviation) && deviation.every((one) => one > 0)) return { mean, deviation };
  throw new UsageError(
    "bad-option",
    `${argument}: expected { mean, deviation } with ${channels ?? "no"} numbers each, deviations above 0, got ${describe(scaling)}`,
  );
}
