import type { ElementTypeName } from "../../checkpoint/element-types.ts";
import { formatShape, size } from "../../shared/shapes.ts";
import { Cursor, damaged, UNDEFINED, unsupported } from "./bytes.ts";

/** What an element of a dataset or attribute is. */
export type Datatype =
  | { readonly kind: "number"; readonly size: number; readonly dtype: ElementTypeName; readonly bigEndian: boolean }
  | { readonly kind: "string"; readonly size: number }
  /** A string of any length, kept in the file's heap. */
  | { readonly kind: "text"; readonly size: 16 }
  | { readonly kind: "other"; readonly size: number; readonly what: string };

/** Floating-point numbers by the bits of their exponent and mantissa, whole ones by their bytes; `u` for those without a sign. */
const FLOATS: Readonly<Record<string, ElementTypeName>> = {
  "5 10": "F16",
  "8 7": "BF16",
  "8 23": "F32",
  "11 52": "F64",
};
const WHOLES: Readonly<Record<string, ElementTypeName>> = {
  ...{ "1": "I8", "2": "I16", "4": "I32", "8": "I64" },
  ...{ "1u": "U8", "2u": "U16", "4u": "U32", "8u": "U64" },
};
const CLASSES = ["", "", "time", "", "bit field", "opaque", "compound", "reference", "enumeration", "list", "array"];

export function readDatatype(data: Uint8Array): Datatype {
  const at = new Cursor(data);
  const kind = at.u8() & 15;
  const bits = at.u8();
  at.skip(2);
  const size = at.u32();
  const number = (dtype: ElementTypeName | undefined, what: string): Datatype =>
    dtype ? { kind: "number", size, dtype, bigEndian: (bits & 1) !== 0 } : { kind: "other", size, what };
  if (kind === 0) {
    const [offset, precision] = [at.u16(), at.u16()];
    const plain = offset === 0 && precision === size * 8;
    const dtype = plain ? WHOLES[size + ((bits & 8) !== 0 ? "" : "u")] : undefined;
    return number(dtype, `whole numbers of ${precision} bits`);
  }
  if (kind === 1) {
    at.skip(5);
    const exponent = at.u8();
    at.skip(1);
    const mantissa = at.u8();
    const dtype =
      (bits & 64) === 0 && 1 + exponent + mantissa === size * 8 ? FLOATS[`${exponent} ${mantissa}`] : undefined;
    return number(dtype, `floating-point numbers of ${size} bytes that are not IEEE 754`);
  }
  // Before HDF5 2.0 there was no bfloat16: h5py stores what Keras gives it of this type as it lies in memory, two bytes without a name.
  if (kind === 5 && size === 2) return { kind: "number", size, dtype: "BF16", bigEndian: false };
  if (kind === 3) return { kind: "string", size };
  if (kind === 9 && (bits & 15) === 1) {
    if (size !== 16) throw damaged(`strings that take ${size} bytes`);
    return { kind: "text", size };
  }
  return { kind: "other", size, what: CLASSES[kind] ?? `class ${kind}` };
}

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
  const count = size(shape);
  if (!Number.isSafeInteger(count)) throw damaged(`data of shape ${formatShape(shape)}`);
  return count;
}
