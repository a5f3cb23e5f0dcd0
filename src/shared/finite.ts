/** Where the first element is that is no finite number; −1 if all are. */
export function firstNotFinite(numbers: ArrayLike<number>): number {
  for (let i = 0; i < numbers.length; i++) if (!Number.isFinite(numbers[i])) return i;
  return -1;
}
