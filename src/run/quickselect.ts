/** Order of tokens: the largest value first, equal ones by their numbers. */
export const rankedBy =
  (values: ArrayLike<number>) =>
  (a: number, b: number): number =>
    values[b]! - values[a]! || a - b;

/** The values by which tokens are ranked, the weight of each (default 1), and the sum of weights that suffices. */
export interface Selection {
  readonly values: Float64Array;
  readonly weights?: Float64Array;
  /** Whether a sum suffices; then every larger one does. */
  readonly enough: (sum: number) => boolean;
}

/**
 * Moves the fewest highest-ranked of the first `count` tokens whose weights suffice to the front (all if none do); the last of them is at its
 * rank, the others are in no order. Linear on average (Hoare 1961): sorting 10,000 tokens takes longer than a step of a model.
 * @returns their number
 */
export function quickselect(tokens: Int32Array, count: number, { values, weights, enough }: Selection): number {
  const weight = (token: number): number => (weights ? weights[token]! : 1);
  const swap = (i: number, j: number): void => {
    const token = tokens[i]!;
    tokens[i] = tokens[j]!;
    tokens[j] = token;
  };
  // Those before `first` do not suffice; those before `end` do, or are all.
  let [first, end, sum] = [0, count, 0];
  while (end - first > 1) {
    swap((first + end) >> 1, end - 1);
    const pivot = tokens[end - 1]!;
    const value = values[pivot]!;
    let [edge, reached] = [first, sum];
    for (let i = first; i < end - 1; i++) {
      const token = tokens[i]!;
      const own = values[token]!;
      if (own < value || (own === value && token > pivot)) continue;
      reached += weight(token);
      swap(i, edge++);
    }
    swap(edge, end - 1);
    if (enough(reached)) end = edge;
    else {
      sum = reached + weight(pivot);
      first = edge + 1;
      if (enough(sum)) return first;
    }
  }
  return end;
}
