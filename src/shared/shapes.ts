/** The number of elements of a tensor of this shape: the product of its sizes, 1 for a scalar `[]`. */
export function size(shape: readonly number[]): number {
  let product = 1;
  for (const extent of shape) product *= extent;
  return product;
}

/** Whether two shapes have the same rank and the same sizes. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** Row-major strides, counted in elements: `[4, 6, 5]` has `[30, 5, 1]`. */
export function strides(shape: readonly number[]): number[] {
  const result = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    result[axis] = step;
    step *= shape[axis]!;
  }
  return result;
}

/** Strides that read a dense tensor of shape `from` over the axes of `to`, aligned at the last one: 0 along those that repeat. */
export function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const own = strides(from);
  return to.map((_, axis) => {
    const k = axis - (to.length - from.length);
    return k < 0 || from[k] === 1 ? 0 : own[k]!;
  });
}

/** Whether two indices may reach one element: an axis has steps that are not longer than everything that shorter steps span. */
export function overlaps(shape: readonly number[], strides: readonly number[]): boolean {
  if (size(shape) === 0) return false;
  const axes = shape.map((n, axis) => ({ n, stride: strides[axis]! })).filter(({ n }) => n > 1);
  let span = 0;
  for (const { n, stride } of axes.sort((a, b) => a.stride - b.stride)) {
    if (stride <= span) return true;
    span += (n - 1) * stride;
  }
  return false;
}

/** A shape as text: `[4, 6, 5]`; a letter stands for a size that may vary: `[B, T, 5]`. */
export function formatShape(shape: readonly (number | string)[]): string {
  return `[${shape.join(", ")}]`;
}

/** A number of bytes for people, in powers of 1024: `512 B`, `1.5 MiB`, `20 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let value = bytes;
  let unit = 0;
  // 1023.95 would print as "1024 KiB", so the next unit is taken where rounding would reach 1024.
  while (Math.abs(value) >= 1023.95 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number(value.toFixed(1))} ${units[unit]}`;
}
