import type { Transform } from "../data/forecast-layout.ts";
import type { TimeSeries } from "../data/time-series.ts";
import { extremes } from "../shared/extremes.ts";
import { varies } from "../shared/varies.ts";

/** Length of a piece where there is no season. */
const PIECE = 12;

/**
 * "log" if the targets are positive and their variation grows with their level, so that it is even after the logarithm: over pieces of a
 * season, log deviation follows log mean (correlation at least 0.7, slope at least 0.5), and means differ by a factor of two. Otherwise
 * "none".
 */
export function defaultTransform(
  train: readonly TimeSeries[],
  { targets, season }: { readonly targets: readonly string[]; readonly season: number },
): Transform {
  const length = season > 3 ? season : PIECE;
  const columns = train.flatMap(({ values }) => targets.map((name) => values[name]!));
  return columns.length > 0 && columns.every((column) => growsWithLevel(column, length)) ? "log" : "none";
}

function growsWithLevel(values: Float64Array, length: number): boolean {
  if (values.some((value) => value <= 0)) return false;
  const pieces: (readonly [mean: number, deviation: number])[] = [];
  for (let from = 0; from + length <= values.length; from += length) {
    const piece = values.subarray(from, from + length);
    const mean = piece.reduce((sum, value) => sum + value / length, 0);
    const deviation = Math.sqrt(piece.reduce((sum, value) => sum + (value - mean) ** 2 / length, 0));
    if (varies(deviation, mean)) pieces.push([Math.log(mean), Math.log(deviation)]);
  }
  if (pieces.length < 4) return false;
  const [x, y] = [pieces.map(([mean]) => mean), pieces.map(([, deviation]) => deviation)];
  const average = (list: readonly number[]): number => list.reduce((sum, value) => sum + value / list.length, 0);
  const [mx, my] = [average(x), average(y)];
  const of = (a: readonly number[], ma: number, b: readonly number[], mb: number): number =>
    a.reduce((sum, value, k) => sum + (value - ma) * (b[k]! - mb), 0);
  const [xx, xy, yy] = [of(x, mx, x, mx), of(x, mx, y, my), of(y, my, y, my)];
  const [low, high] = extremes(x);
  return high - low >= Math.LN2 && xy / xx >= 0.5 && xy / Math.sqrt(xx * yy) >= 0.7;
}
