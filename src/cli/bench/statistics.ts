/** The middle number; of an even count the upper one of the two. */
export function median(numbers: readonly number[]): number {
  return quantile(numbers, 0.5);
}

/** The number below which the fraction `q` of all lies, by rank: `quantile(x, 0.99)` is the p99. */
export function quantile(numbers: readonly number[], q: number): number {
  if (numbers.length === 0) return Number.NaN;
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]!;
}

/** Largest less smallest, in parts of the median. */
export function spread(numbers: readonly number[]): number {
  return (Math.max(...numbers) - Math.min(...numbers)) / median(numbers);
}

/**
 * Largest difference of numbers that two systems must agree on, relative to the largest of the second. Where one gives more
 * than the other (losses after its own kind of update), those that both give are compared; NaN, or nothing to compare, is Infinity.
 */
export function disagreement(a: readonly number[], b: readonly number[]): number {
  const count = Math.min(a.length, b.length);
  if (count === 0) return Number.POSITIVE_INFINITY;
  const scale = Math.max(1e-3, ...b.slice(0, count).map(Math.abs));
  const worst = Math.max(...a.slice(0, count).map((x, k) => Math.abs(x - b[k]!) / scale));
  return Number.isNaN(worst) ? Number.POSITIVE_INFINITY : worst;
}
