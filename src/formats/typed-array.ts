import { ELEMENT_TYPES, type ElementTypeName } from "../checkpoint/element-types.ts";
import { SafeTensor } from "../checkpoint/safe-tensor.ts";

export type TypedArray =
  | Float64Array
  | Float32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/**
 * The numbers of a tensor, exactly: in the array of their own type, 64-bit whole numbers as BigInts, float16 and bfloat16 as
 * float32 (which holds each of them), booleans as bytes 0 and 1. A copy.
 *
 * @throws UsageError "no-numbers" for types that are carried as bytes only
 */
export function toTypedArray(tensor: SafeTensor): TypedArray {
  const { dtype, bytes } = tensor;
  if (dtype === "F16" || dtype === "BF16" || dtype.startsWith("F8")) return tensor.toFloat32();
  if (dtype === "BOOL") return bytes.map((byte) => (byte === 0 ? 0 : 1));
  const make = ARRAYS[dtype];
  return make ? make(bytes.slice().buffer) : tensor.toFloat64();
}

const ARRAYS: Partial<Record<ElementTypeName, (buffer: ArrayBuffer) => TypedArray>> = {
  F64: (buffer) => new Float64Array(buffer),
  F32: (buffer) => new Float32Array(buffer),
  I8: (buffer) => new Int8Array(buffer),
  I16: (buffer) => new Int16Array(buffer),
  I32: (buffer) => new Int32Array(buffer),
  I64: (buffer) => new BigInt64Array(buffer),
  U8: (buffer) => new Uint8Array(buffer),
  U16: (buffer) => new Uint16Array(buffer),
  U32: (buffer) => new Uint32Array(buffer),
  U64: (buffer) => new BigUint64Array(buffer),
};

/** A tensor from an array whose type is the tensor's: Float32Array gives F32, BigInt64Array I64. A copy. */
export function fromTypedArray(shape: readonly number[], values: TypedArray): SafeTensor {
  const dtype = TYPES.get(values.constructor)!;
  return new SafeTensor(dtype, shape, new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice());
}

const TYPES = new Map<unknown, ElementTypeName>([
  [Float64Array, "F64"],
  [Float32Array, "F32"],
  [Int8Array, "I8"],
  [Int16Array, "I16"],
  [Int32Array, "I32"],
  [BigInt64Array, "I64"],
  [Uint8Array, "U8"],
  [Uint16Array, "U16"],
  [Uint32Array, "U32"],
  [BigUint64Array, "U64"],
]);

/** Bytes of one element; only for types of whole bytes. */
export function elementBytes(dtype: ElementTypeName): number {
  return ELEMENT_TYPES[dtype].bits / 8;
}

/** A copy in which every group of `width` bytes is turned round: big-endian numbers become little-endian. */
export function swapBytes(bytes: Uint8Array, width: number): Uint8Array {
  const result = new Uint8Array(bytes.length);
  for (let start = 0; start < bytes.length; start += width)
    for (let i = 0; i < width; i++) result[start + i] = bytes[start + width - 1 - i]!;
  return result;
}
