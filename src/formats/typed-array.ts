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
  const OwnArray = ARRAYS.get(dtype);
  return OwnArray ? new OwnArray(bytes.slice().buffer) : tensor.toFloat64();
}

const PAIRS = [
  ["F64", Float64Array],
  ["F32", Float32Array],
  ["I8", Int8Array],
  ["I16", Int16Array],
  ["I32", Int32Array],
  ["I64", BigInt64Array],
  ["U8", Uint8Array],
  ["U16", Uint16Array],
  ["U32", Uint32Array],
  ["U64", BigUint64Array],
] as const;
const ARRAYS = new Map<ElementTypeName, new (buffer: ArrayBuffer) => TypedArray>(PAIRS);
const TYPES = new Map<unknown, ElementTypeName>(PAIRS.map(([dtype, OwnArray]) => [OwnArray, dtype]));

/** A tensor from an array whose type is the tensor's: Float32Array gives F32, BigInt64Array I64. A copy. */
export function fromTypedArray(shape: readonly number[], values: TypedArray): SafeTensor {
  const dtype = TYPES.get(values.constructor)!;
  return new SafeTensor(dtype, shape, new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice());
}

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
