import { varies } from "../shared/varies.ts";
import type { TimeSeries } from "./time-series.ts";

export const SCALINGS = ["standard", "robust", "mean", "none"] as const;
/** How the numbers of each series become numbers around 0: mean and deviation, median and spread of the middle half, 0 and mean size, or not at all. */
export type ScalingKind = (typeof SCALINGS)[number];

/** `(x − center) ÷ scale`, by column. */
export type SeriesScaling = Readonly<Record<string, { readonly center: number; readonly scale: number }>>;

/** Measured on the values that are there; a column that is constant or empty keeps its unit. */
export function fitScaling(kind: ScalingKind, series: TimeSeries, columns: readonly string[]): SeriesScaling {
  return Object.fromEntries(
    columns.map((name) => [
      name,
      measured(
        kind,
        series.values[name]!.filter((value) => !Number.isNaN(value)),
      ),
    ]),
  );
}

function measured(kind: ScalingKind, values: Float64Array): { center: number; scale: number } {
  if (kind === "none" || values.length === 0) return { center: 0, scale: 1 };
  if (kind === "robust") {
    const sorted = values.slice().sort();
    const [low, center, high] = [0.25, 0.5, 0.75].map((level) => quantileOf(sorted, level)) as [number, number, number];
    // The middle half of a normal distribution is 1.349 deviations wide.
    return { center, scale: positive((high - low) / 1.3489795, center) };
  }
  const mean = values.reduce((sum, value) => sum + value / values.length, 0);
  if (kind === "mean")
    return { center: 0, scale: 1 + values.reduce((sum, value) => sum + Math.abs(value) / values.length, 0) };
  // Squares of very large or very small numbers are none; by a power of two nothing is rounded.
  const unit =
    2 ** Math.floor(Math.log2(values.reduce((most, value) => Math.max(most, Math.abs(value - mean)), 0) || 1));
  const squares = values.reduce((sum, value) => sum + ((value - mean) / unit) ** 2 / values.length, 0);
  return { center: mean, scale: positive(unit * Math.sqrt(squares), mean) };
}

const positive = (scale: number, center: number): number => (varies(scale, center) ? scale : 1);

/** The value that this share of ascending ones is below, between neighbours by a straight line. */
export function quantileOf(sorted: ArrayLike<number>, level: number): number {
  const at = level * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!);
}
