import type { ElementTypeName } from "../checkpoint/element-types.ts";

/** NumPy's types of numbers by kind and bytes, as its files and pickles call them, without the order of bytes. */
export const numpyTypes: ReadonlyMap<string, ElementTypeName> = new Map([
  ["b1", "BOOL"],
  ["i1", "I8"],
  ["i2", "I16"],
  ["i4", "I32"],
  ["i8", "I64"],
  ["u1", "U8"],
  ["u2", "U16"],
  ["u4", "U32"],
  ["u8", "U64"],
  ["f2", "F16"],
  ["f4", "F32"],
  ["f8", "F64"],
]);
