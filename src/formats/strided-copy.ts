import { strides as rowMajor, size } from "../shared/shapes.ts";

/** Where the elements of a tensor lie: element (i, j, …) at `offset + i · strides[0] + j · strides[1] + …`. */
export interface StridedLayout {
  readonly shape: readonly number[];
  /** In elements. */
  readonly strides: readonly number[];
  /** In elements. */
  readonly offset: number;
}

/** Whether the elements lie one behind the other in row-major order; axes of size 1 may have any stride. */
export function isRowMajor({ shape, strides }: StridedLayout): boolean {
  const expected = rowMajor(shape);
  return shape.every((extent, axis) => extent === 1 || strides[axis] === expected[axis]);
}

/** Calls `visit` with the positions at which each index of `shape` lies in operands with these strides, row-major. */
export function walk(
  shape: readonly number[],
  offsets: readonly number[],
  strides: readonly (readonly number[])[],
  visit: (positions: readonly number[]) => void,
): void {
  const count = size(shape);
  const index = shape.map(() => 0);
  const at = [...offsets];
  for (let n = 0; n < count; n++) {
    visit(at);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      for (let k = 0; k < at.length; k++) at[k]! += strides[k]![axis]!;
      if (++index[axis]! < shape[axis]!) break;
      for (let k = 0; k < at.length; k++) at[k]! -= strides[k]![axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
}

/** The elements of a strided tensor in row-major order, into `out`; `width` is how many entries of the arrays make an element. */
export function copyStrided<A extends Uint8Array | Float32Array | Float64Array>(
  data: ArrayLike<number>,
  { shape, strides, offset }: StridedLayout,
  out: A,
  width = 1,
): A {
  const [count = 1, step = 0] = [shape.at(-1), strides.at(-1)];
  // The last axis in a loop of its own, and of numbers a plain one: a call for each takes three times as long.
  const copyRow = (from: number, to: number): void => {
    if (width === 1) for (let k = 0, at = from; k < count; k++, at += step) out[to++] = data[at]!;
    else
      for (let k = 0; k < count; k++) for (let i = 0; i < width; i++) out[to++] = data[(from + k * step) * width + i]!;
  };
  let to = 0;
  walk(shape.slice(0, -1), [offset], [strides.slice(0, -1)], ([from]) => {
    copyRow(from!, to);
    to += count * width;
  });
  return out;
}
