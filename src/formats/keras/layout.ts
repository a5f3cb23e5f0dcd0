import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { type Framework, type GatedCell, gateOrder, permutation } from "../gate-order.ts";
import { transposed } from "../transposed.ts";

/** [G·H, …] with the blocks of rows in another framework's order of gates. */
function reordered({ shape, data }: NamedTensor, cell: GatedCell, from: Framework, to: Framework): NamedTensor {
  const blocks = permutation(gateOrder[cell][from]!, gateOrder[cell][to]!);
  const values = data instanceof Float32Array ? data : Float32Array.from(data);
  const length = values.length / blocks.length;
  const out = new Float32Array(values.length);
  for (const [k, block] of blocks.entries()) out.set(values.subarray(block * length, (block + 1) * length), k * length);
  return { shape, data: out };
}

/** [K, G·H] as TensorFlow and Keras keep weights, to [G·H, K] with blocks in PyTorch's order of gates. */
export const toRows = (weight: NamedTensor, cell: GatedCell, from: Framework): NamedTensor =>
  reordered(transposed(weight), cell, from, "pytorch");

/** The inverse of `toRows`. */
export const toColumns = (weight: NamedTensor, cell: GatedCell, to: Framework): NamedTensor =>
  transposed(reordered(weight, cell, "pytorch", to));

/** A bias [G·H] in PyTorch's order of gates, from element `start` on. */
export const toRowBias = (data: ArrayLike<number>, width: number, cell: GatedCell, from: Framework, start = 0) =>
  reordered({ shape: [width], data: Array.prototype.slice.call(data, start, start + width) }, cell, from, "pytorch")
    .data;

/** The inverse of `toRowBias`. */
export const toColumnBias = (data: ArrayLike<number>, cell: GatedCell, to: Framework): ArrayLike<number> =>
  reordered({ shape: [data.length], data }, cell, "pytorch", to).data;
