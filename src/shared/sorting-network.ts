/**
 * Pairs of places whose values are put in ascending order, one pair after the other, so that `count` values are sorted: odd–even
 * transposition sort.
 */
export const sortingNetwork = (count: number): readonly (readonly [low: number, high: number])[] =>
  Array.from({ length: count }, (_, round) => round).flatMap((round) =>
    Array.from({ length: Math.max(0, Math.floor((count - (round % 2)) / 2)) }, (_, pair) => {
      const low = (round % 2) + 2 * pair;
      return [low, low + 1] as const;
    }),
  );
