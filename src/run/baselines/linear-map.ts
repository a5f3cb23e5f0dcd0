import type { Baseline, BaselineOptions, BaselineSeries } from "./baseline.ts";

/** Windows × inputs² that are summed at most; beyond that only every so manieth window is. */
const MOST_WORK = 2e9;

/**
 * One linear map of the last T values for each of the H steps, by least squares over all windows of the training parts of all series (scaled by their deviations). Values are
 * differences to the last one, a constant is added.
 */
export function linearMap(all: readonly BaselineSeries[], { context, horizon }: BaselineOptions): Baseline {
  const T = context;
  const scales = all.map(({ values, trainEnd }) => deviation(values.subarray(0, trainEnd)));
  const n = T + 1;
  const windows = all.reduce((sum, { trainEnd }) => sum + Math.max(0, trainEnd - T - horizon + 1), 0);
  const stride = Math.max(1, Math.ceil((windows * n * (n + horizon)) / MOST_WORK));
  const gram = new Float64Array(n * n);
  const right = new Float64Array(n * horizon);
  const row = new Float64Array(n);
  for (const [k, { values, trainEnd }] of all.entries())
    for (let origin = T; origin + horizon <= trainEnd; origin += stride) {
      fill(row, values, origin, scales[k]!);
      const last = values[origin - 1]!;
      for (let i = 0; i < n; i++) {
        const x = row[i]!;
        for (let j = 0; j <= i; j++) gram[i * n + j]! += x * row[j]!;
        for (let h = 0; h < horizon; h++) right[i * horizon + h]! += (x * (values[origin + h]! - last)) / scales[k]!;
      }
    }
  // Differences to the last value are 0 at the last value, and neighbours are alike: a little is added to the diagonal.
  for (let i = 0; i < n; i++) gram[i * n + i]! += 1e-6 * (gram[i * n + i]! + 1);
  const weights = solve(gram, right, n, horizon);
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

/** X of A X = B for a positive definite A [n, n], of which the lower half is read and overwritten, and B [n, m], overwritten (Cholesky). */
export function solve(a: Float64Array, b: Float64Array, n: number, m: number): Float64Array {
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= a[i * n + k]! * a[j * n + k]!;
      a[i * n + j] = i === j ? Math.sqrt(Math.max(sum, 1e-300)) : sum / a[j * n + j]!;
    }
  for (let c = 0; c < m; c++) {
    for (let i = 0; i < n; i++) {
      let sum = b[i * m + c]!;
      for (let k = 0; k < i; k++) sum -= a[i * n + k]! * b[k * m + c]!;
      b[i * m + c] = sum / a[i * n + i]!;
    }
    for (let i = n - 1; i >= 0; i--) {
      let sum = b[i * m + c]!;
      for (let k = i + 1; k < n; k++) sum -= a[k * n + i]! * b[k * m + c]!;
      b[i * m + c] = sum / a[i * n + i]!;
    }
  }
  return b;
}
