/** What tokens are ranked by: the largest value first, equal ones in the order of their numbers. */
export const rankedBy =
  (values: ArrayLike<number>) =>
  (a: number, b: number): number =>
    values[b]! - values[a]! || a - b;

/** Which tokens come first, what each of them counts (1 if undefined), and when they are enough: for a sum and all that are larger. */
export interface Leading {
  readonly values: Float64Array;
  readonly weights?: Float64Array;
  readonly enough: (sum: number) => boolean;
}

/**
 * Brings the highest ranked of the first `count` tokens to the front, as few as are enough, or all, and the last of them to its place; the others
 * are in no order. The time grows with their number alone, where sorting 10,000 takes longer than a step of a model (Hoare 1961).
 * @returns how many
 */
export function leading(tokens: Int32Array, count: number, { values, weights, enough }: Leading): number {
  const weight = (token: number): number => (weights ? weights[token]! : 1);
  const swap = (i: number, j: number): void => {
    const token = tokens[i]!;
    tokens[i] = tokens[j]!;
    tokens[j] = token;
  };
  // Those in front of `first` are not enough; those in front of `end` are, or they are all.
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
