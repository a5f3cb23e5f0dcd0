import type { Series } from "../data/examples.ts";

/**
 * Dynamic time warping: the least sum of squared differences between steps of two series that are matched in order, each step at
 * least once (no window). @see Sakoe & Chiba (1978)
 */
export function timeWarping(a: Series, b: Series, best = Number.POSITIVE_INFINITY): number {
  const D = a.channels;
  const [n, m] = [a.values.length / D, b.values.length / D];
  let previous = new Float64Array(m + 1).fill(Number.POSITIVE_INFINITY);
  let row = new Float64Array(m + 1);
  previous[0] = 0;
  for (let i = 0; i < n; i++) {
    row[0] = Number.POSITIVE_INFINITY;
    let least = Number.POSITIVE_INFINITY;
    for (let j = 0; j < m; j++) {
      let cost = 0;
      for (let d = 0; d < D; d++) cost += (a.values[i * D + d]! - b.values[j * D + d]!) ** 2;
      row[j + 1] = cost + Math.min(previous[j]!, previous[j + 1]!, row[j]!);
      if (row[j + 1]! < least) least = row[j + 1]!;
    }
    // The rest can only add to it.
    if (least >= best) return Number.POSITIVE_INFINITY;
    [previous, row] = [row, previous];
  }
  return previous[m]!;
}

/** The label of the series that is nearest by dynamic time warping; of equally near ones the first. */
export function nearestNeighbour(query: Series, series: readonly Series[], labels: readonly string[]): string {
  let [best, label] = [Number.POSITIVE_INFINITY, labels[0]!];
  for (const [k, one] of series.entries()) {
    const distance = timeWarping(query, one, best);
    if (distance < best) [best, label] = [distance, labels[k]!];
  }
  return label;
}

/** Multiplications that comparing all with all takes. */
export function timeWarpingCost(a: readonly Series[], b: readonly Series[]): number {
  const steps = (all: readonly Series[]): number =>
    all.reduce((sum, { values, channels }) => sum + values.length / channels, 0);
  return a.length === 0 ? 0 : steps(a) * steps(b) * a[0]!.channels;
}
