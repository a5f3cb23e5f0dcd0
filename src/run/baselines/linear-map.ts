import type { Baseline, BaselineOptions, BaselineSeries } from "./baseline.ts";
import { LeastSquares } from "./least-squares.ts";

/**
 * A linear map from the last T values to the H steps, fitted by least squares to all windows of the training parts of all series, each
 * scaled by its deviation. Inputs are differences to the last value, and a constant.
 */
export function linearMap(all: readonly BaselineSeries[], { context, horizon }: BaselineOptions): Baseline {
  const T = context;
  const scales = all.map(({ values, trainEnd }) => deviation(values.subarray(0, trainEnd)));
  const n = T + 1;
  const windows = all.reduce((sum, { trainEnd }) => sum + Math.max(0, trainEnd - T - horizon + 1), 0);
  const squares = new LeastSquares(n, horizon);
  const stride = squares.strideOf(windows);
  const row = new Float64Array(n);
  const ahead = new Float64Array(horizon);
  for (const [k, { values, trainEnd }] of all.entries())
    for (let origin = T; origin + horizon <= trainEnd; origin += stride) {
      fill(row, values, origin, scales[k]!);
      const last = values[origin - 1]!;
      for (let h = 0; h < horizon; h++) ahead[h] = (values[origin + h]! - last) / scales[k]!;
      squares.add(row, ahead);
    }
  const weights = squares.solve();
  return {
    name: "linear map",
    predict(k, origin) {
      const { values } = all[k]!;
      fill(row, values, origin, scales[k]!);
      return Float64Array.from({ length: horizon }, (_, h) => {
        let sum = 0;
        for (let i = 0; i < n; i++) sum += row[i]! * weights[i * horizon + h]!;
        return values[origin - 1]! + scales[k]! * sum;
      });
    },
  };
}

function fill(row: Float64Array, values: Float64Array, origin: number, scale: number): void {
  const T = row.length - 1;
  const last = values[origin - 1]!;
  for (let i = 0; i < T; i++) row[i] = (values[Math.max(0, origin - T + i)]! - last) / scale;
  row[T] = 1;
}

function deviation(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value / values.length, 0);
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2 / values.length, 0);
  return variance > 0 ? Math.sqrt(variance) : 1;
}
