import { UsageError } from "./errors.ts";
import { formatShape, strides } from "./shapes.ts";

/**
 * Where the first element is that is no finite number; −1 if all are. The comparison takes a third of the time of `Number.isFinite`, but
 * takes null, as JSON writes NaN, for 0.
 */
export function firstNotFinite(numbers: ArrayLike<number | null>): number {
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i] as number | null;
    if (number === null || !(Math.abs(number) < Number.POSITIVE_INFINITY)) return i;
  }
  return -1;
}

/**
 * Checks numbers on their way into a stream.
 * @param axes names of axes where there are any
 * @throws UsageError "not-a-number"
 */
export function expectFinite(
  kind: "input" | "state",
  name: string,
  { shape, data }: { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
  axes: readonly (number | string | undefined)[] = [],
): void {
  const at = firstNotFinite(data);
  if (at < 0) return;
  const place = strides(shape).map((step, axis) => Math.floor(at / step) % shape[axis]!);
  throw new UsageError(
    "not-a-number",
    `${kind} "${name}": expected finite numbers, since any other stays in the state of a stream; got ${data[at]} at ${formatShape(place)} of ${formatShape(shape.map((n, axis) => axes[axis] ?? n))}. The state is as it was: fill gaps before, and give -1e9 for -Infinity in a mask`,
  );
}

/** The largest finite float32: what is not below it has overflowed on a float32 machine. */
export const LARGEST_FLOAT32 = 3.4028234663852886e38;
