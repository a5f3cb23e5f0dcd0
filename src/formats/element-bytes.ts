import { ELEMENT_TYPES, type ElementTypeName } from "../checkpoint/element-types.ts";

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
