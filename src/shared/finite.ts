/** Where the first element is that is no finite number; −1 if all are. */
export function firstNotFinite(numbers: ArrayLike<number>): number {
  for (let i = 0; i < numbers.length; i++) if (!Number.isFinite(numbers[i])) return i;
  return -1;
}

/** The largest finite float32: what is not below it has overflowed on a float32 machine. */
export const LARGEST_FLOAT32 = 3.4028234663852886e38;
