import { size } from "../../shared/shapes.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { type Framework, type GatedCell, gateOrder, permutation } from "../gate-order.ts";

/** [K, G·H] as TensorFlow and Keras keep weights, to [G·H, K] with blocks in PyTorch's order of gates. */
export function toRows({ shape, data }: NamedTensor, cell: GatedCell, from: Framework): NamedTensor {
  const [inner, width] = shape as [number, number];
  const { pytorch } = gateOrder[cell];
  const blocks = permutation(gateOrder[cell][from]!, pytorch!);
  const H = width / blocks.length;
  const out = new Float32Array(data.length);
  blocks.forEach((block, k) => {
    for (let i = 0; i < inner; i++)
      for (let j = 0; j < H; j++) out[(k * H + j) * inner + i] = data[i * width + block * H + j]!;
  });
  return { shape: [width, inner], data: out };
}

/** The inverse of `toRows`. */
export function toColumns({ shape, data }: NamedTensor, cell: GatedCell, to: Framework): NamedTensor {
  const [width, inner] = shape as [number, number];
  const { pytorch } = gateOrder[cell];
  const blocks = permutation(pytorch!, gateOrder[cell][to]!);
  const H = width / blocks.length;
  const out = new Float32Array(data.length);
  blocks.forEach((block, k) => {
    for (let j = 0; j < H; j++)
      for (let i = 0; i < inner; i++) out[i * width + k * H + j] = data[(block * H + j) * inner + i]!;
  });
  return { shape: [inner, width], data: out };
}

/** A bias [G·H] in PyTorch's order of gates, from element `start` on. */
export const toRowBias = (data: ArrayLike<number>, width: number, cell: GatedCell, from: Framework, start = 0) =>
  toRows({ shape: [1, width], data: Array.prototype.slice.call(data, start, start + width) }, cell, from).data;

/** The inverse of `toRowBias`. */
export const toColumnBias = (data: ArrayLike<number>, cell: GatedCell, to: Framework): ArrayLike<number> =>
  toColumns({ shape: [data.length, 1], data }, cell, to).data;

/** Axes from the last to the first: [kernel, in, out] to [out, in, kernel], and back. */
export function reversedAxes({ shape, data }: NamedTensor): NamedTensor {
  const [a, b, c] = shape as [number, number, number];
  const out = new Float32Array(size(shape));
  for (let i = 0; i < a; i++)
    for (let j = 0; j < b; j++) for (let k = 0; k < c; k++) out[(k * b + j) * a + i] = data[(i * b + j) * c + k]!;
  return { shape: [c, b, a], data: out };
}
