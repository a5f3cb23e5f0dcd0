/**
 * Positions of the elements with row-major numbers `start … start + count − 1` of `shape`, written to `out`: the last
 * axis runs fastest.
 */
export function positions(
  shape: readonly number[],
  strides: readonly number[],
  start: number,
  count: number,
  out: Float64Array,
): void {
  const rank = shape.length;
  const index = new Array<number>(rank).fill(0);
  let position = 0;
  let rest = start;
  for (let axis = rank - 1; axis >= 0; axis--) {
    index[axis] = rest % shape[axis]!;
    rest = Math.floor(rest / shape[axis]!);
    position += index[axis]! * strides[axis]!;
  }
  for (let i = 0; i < count; i++) {
    out[i] = position;
    for (let axis = rank - 1; axis >= 0; axis--) {
      position += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      position -= shape[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
}
