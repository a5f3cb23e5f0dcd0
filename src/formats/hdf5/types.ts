import type { ElementTypeName } from "../../checkpoint/element-types.ts";
import { formatShape } from "../../shared/shapes.ts";
import { Cursor, damaged, UNDEFINED, unsupported } from "./bytes.ts";

/** What an element of a dataset or attribute is. */
export type Datatype =
  | { readonly kind: "float" | "int" | "uint"; readonly size: number; readonly bigEndian: boolean }
  | { readonly kind: "string"; readonly size: number }
  /** A string of any length, kept in the file's heap. */
  | { readonly kind: "text"; readonly size: 16 }
  | { readonly kind: "other"; readonly size: number; readonly what: string };

/** Bits of a number as IEEE 754 has them: size in bytes → exponent, mantissa. */
const IEEE: Readonly<Record<number, readonly [number, number]>> = { 2: [5, 10], 4: [8, 23], 8: [11, 52] };
const CLASSES = ["", "", "time", "", "bit field", "opaque", "compound", "reference", "enumeration", "list", "array"];

export function readDatatype(data: Uint8Array): Datatype {
  const at = new Cursor(data);
  const kind = at.u8() & 15;
  const bits = at.u8();
  at.skip(2);
  const size = at.u32();
  const bigEndian = (bits & 1) !== 0;
  if (kind === 0) {
    const [offset, precision] = [at.u16(), at.u16()];
    if (offset !== 0 || precision !== size * 8 || ![1, 2, 4, 8].includes(size))
      return { kind: "other", size, what: `whole numbers of ${precision} bits` };
    return { kind: (bits & 8) !== 0 ? "int" : "uint", size, bigEndian };
  }
  if (kind === 1) {
    at.skip(5);
    const exponent = at.u8();
    at.skip(1);
    const mantissa = at.u8();
    const known = IEEE[size];
    if ((bits & 64) !== 0 || known?.[0] !== exponent || known[1] !== mantissa)
      return { kind: "other", size, what: `floating-point numbers of ${size} bytes that are not IEEE 754` };
    return { kind: "float", size, bigEndian };
  }
  if (kind === 3) return { kind: "string", size };
  if (kind === 9 && (bits & 15) === 1) {
    if (size !== 16) throw damaged(`strings that take ${size} bytes`);
    return { kind: "text", size };
  }
  return { kind: "other", size, what: CLASSES[kind] ?? `class ${kind}` };
}

const ELEMENT_TYPES: Readonly<Partial<Record<string, ElementTypeName>>> = {
  ...{ float2: "F16", float4: "F32", float8: "F64", int1: "I8", int2: "I16", int4: "I32", int8: "I64" },
  ...{ uint1: "U8", uint2: "U16", uint4: "U32", uint8: "U64" },
};

/** Undefined for what are no numbers of a type known here. */
export const elementTypeOf = (type: Datatype): ElementTypeName | undefined =>
  "bigEndian" in type ? ELEMENT_TYPES[`${type.kind}${type.size}`] : undefined;

/** A type in words. */
export const describeType = (type: Datatype): string => (type.kind === "other" ? type.what : `${type.kind}s`);

/** How long the axes of data are, and how long they may become: `UNDEFINED` without a limit. */
export interface Extent {
  readonly shape: readonly number[];
  readonly most: readonly number[];
}

/** No axes for a single value. */
export function readDataspace(data: Uint8Array): Extent {
  const at = new Cursor(data);
  const [version, rank, flags] = [at.u8(), at.u8(), at.u8()];
  if (version !== 1 && version !== 2) throw unsupported(`version ${version} of an HDF5 dataspace`);
  if (version === 1) at.skip(5);
  else if (at.u8() === 2) return { shape: [0], most: [0] };
  if (rank > 32) throw damaged(`data of ${rank} axes`);
  const axes = (): number[] => Array.from({ length: rank }, () => at.u64());
  const shape = axes();
  const most = (flags & 1) !== 0 ? axes() : shape;
  if (shape.includes(UNDEFINED)) throw damaged("an axis without end");
  if (shape.some((n, axis) => n > most[axis]!)) throw damaged("an axis that is longer than it may be");
  return { shape, most };
}

/** Elements of a shape; data that no file can hold is refused. */
export function countOf(shape: readonly number[]): number {
  const count = shape.reduce((product, n) => product * n, 1);
  if (!Number.isSafeInteger(count)) throw damaged(`data of shape ${formatShape(shape)}`);
  return count;
}
