import type { ElementTypeName } from "../../checkpoint/element-types.ts";

/** torch's classes of storages, each with the type of its elements: what files name, read or written. */
export const storageTypes = {
  DoubleStorage: "F64",
  FloatStorage: "F32",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
} as const satisfies Readonly<Record<string, ElementTypeName>>;
