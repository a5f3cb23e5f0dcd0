/** How often each value occurs, in the order of first occurrence. */
export function tally<T>(values: Iterable<T>): Map<T, number> {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** The most frequent of at least one value; of equally frequent ones the first. */
export const mostFrequent = <T>(values: Iterable<T>): T =>
  [...tally(values)].reduce((best, one) => (one[1] > best[1] ? one : best))[0];
