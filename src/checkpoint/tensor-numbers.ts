import type { NamedTensor } from "../tensor/parameter-store.ts";
import { SafeTensor } from "./safe-tensor.ts";

/**
 * Returns the numbers of a tensor as float32, for reading only: without a copy if they are stored as such, so changing them would
 * change the tensor.
 */
export function asFloat32(tensor: SafeTensor): Float32Array {
  const { bytes, dtype } = tensor;
  return dtype === "F32" && bytes.byteOffset % 4 === 0
    ? new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
    : tensor.toFloat32();
}

/** Types of which float32 does not hold every number. */
const WIDE: readonly string[] = ["F64", "I32", "U32", "I64", "U64"];

const numbers = (tensor: SafeTensor): Float32Array | Float64Array =>
  WIDE.includes(tensor.dtype) ? tensor.toFloat64() : asFloat32(tensor);

/** A tensor as named numbers; one that lies in a file stays there until they are asked for, and is then read anew. */
export function numbersOf(tensor: SafeTensor): NamedTensor {
  const { shape, dtype } = tensor;
  if (!tensor.stored) return { shape, data: numbers(tensor) };
  return {
    shape,
    get data() {
      return numbers(tensor);
    },
    *parts() {
      for (const { elements, bytes } of tensor.parts()) yield numbers(new SafeTensor(dtype, [elements], bytes));
    },
  };
}
