import { UsageError } from "./errors.ts";
import { formatShape, strides } from "./shapes.ts";

/** Where the first element is that is no finite number; −1 if all are. */
export function firstNotFinite(numbers: ArrayLike<number>): number {
  for (let i = 0; i < numbers.length; i++) if (!Number.isFinite(numbers[i])) return i;
  return -1;
}

/**
 * Checks numbers on their way into a stream.
 * @param axes names of axes where there are any
 * @throws UsageError "not-a-number"
 */
export function expectFinite(
  what: string,
  { shape, data }: { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
  axes: readonly (number | string | undefined)[] = [],
): void {
  const at = firstNotFinite(data);
  if (at < 0) return;
  const place = strides(shape).map((step, axis) => Math.floor(at / step) % shape[axis]!);
  throw new UsageError(
    "not-a-number",
    `${what}: expected finite numbers, since any other stays in the state of a stream; got ${data[at]} at ${formatShape(place)} of ${formatShape(shape.map((n, axis) => axes[axis] ?? n))}. The state is as it was: fill gaps before, and give -1e9 for -Infinity in a mask`,
  );
}

/** The largest finite float32: what is not below it has overflowed on a float32 machine. */
export const LARGEST_FLOAT32 = 3.4028234663852886e38;
