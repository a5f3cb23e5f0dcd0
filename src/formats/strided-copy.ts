import { strides as rowMajor, size } from "../shared/shapes.ts";

/** Where the elements of a tensor lie: element (i, j, …) at `offset + i · strides[0] + j · strides[1] + …`. */
export interface StridedLayout {
  readonly shape: readonly number[];
  /** In elements, none negative. */
  readonly strides: readonly number[];
  /** In elements. */
  readonly offset: number;
}

/** Whether the elements lie one behind the other in row-major order; axes of size 1 may have any stride. */
export function isRowMajor({ shape, strides }: StridedLayout): boolean {
  const expected = rowMajor(shape);
  return shape.every((extent, axis) => extent === 1 || strides[axis] === expected[axis]);
}

/** The elements of a strided tensor in row-major order; `width` is the number of bytes of an element. */
export function copyStrided(bytes: Uint8Array, width: number, { shape, strides, offset }: StridedLayout): Uint8Array {
  const count = size(shape);
  const result = new Uint8Array(count * width);
  const index = new Array<number>(shape.length).fill(0);
  let from = offset;
  for (let element = 0; element < count; element++) {
    for (let i = 0; i < width; i++) result[element * width + i] = bytes[from * width + i]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      index[axis] = index[axis]! + 1;
      if (index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}
