import {
  BFLOAT16,
  decodeSmallFloat,
  encodeSmallFloat,
  FLOAT8_E4M3,
  FLOAT8_E4M3FNUZ,
  FLOAT8_E5M2,
  FLOAT8_E5M2FNUZ,
  FLOAT16,
  type SmallFloat,
} from "./small-floats.ts";

/** How elements of a type lie in bytes (little-endian, as everywhere in safetensors and WebAssembly). */
export interface ElementType {
  readonly bits: number;
  /** Types without a codec are carried through as bytes and have no numbers here. */
  readonly codec?: Codec;
}

export interface Codec {
  readonly read: (view: DataView, offset: number) => number;
  readonly write: (view: DataView, offset: number, value: number) => void;
  /** Whole numbers accepted for writing; undefined: any number, rounded to the nearest. */
  readonly range?: readonly [min: number, max: number];
}

/**
 * Every type that the safetensors library (0.8) knows, in its order: the writer lays larger types first, and so keeps
 * every tensor aligned. 64-bit whole numbers beyond 2^53 are rounded when read as numbers; their bytes stay exact.
 */
export const ELEMENT_TYPES = {
  BOOL: whole(
    8,
    0,
    1,
    (v, o) => Number(v.getUint8(o) !== 0),
    (v, o, x) => v.setUint8(o, x),
  ),
  F4: { bits: 4 },
  F6_E2M3: { bits: 6 },
  F6_E3M2: { bits: 6 },
  U8: whole(
    8,
    0,
    2 ** 8 - 1,
    (v, o) => v.getUint8(o),
    (v, o, x) => v.setUint8(o, x),
  ),
  I8: whole(
    8,
    -(2 ** 7),
    2 ** 7 - 1,
    (v, o) => v.getInt8(o),
    (v, o, x) => v.setInt8(o, x),
  ),
  F8_E5M2: small(8, FLOAT8_E5M2),
  F8_E4M3: small(8, FLOAT8_E4M3),
  F8_E8M0: { bits: 8 },
  F8_E4M3FNUZ: small(8, FLOAT8_E4M3FNUZ),
  F8_E5M2FNUZ: small(8, FLOAT8_E5M2FNUZ),
  I16: whole(
    16,
    -(2 ** 15),
    2 ** 15 - 1,
    (v, o) => v.getInt16(o, true),
    (v, o, x) => v.setInt16(o, x, true),
  ),
  U16: whole(
    16,
    0,
    2 ** 16 - 1,
    (v, o) => v.getUint16(o, true),
    (v, o, x) => v.setUint16(o, x, true),
  ),
  F16: small(16, FLOAT16),
  BF16: small(16, BFLOAT16),
  I32: whole(
    32,
    -(2 ** 31),
    2 ** 31 - 1,
    (v, o) => v.getInt32(o, true),
    (v, o, x) => v.setInt32(o, x, true),
  ),
  U32: whole(
    32,
    0,
    2 ** 32 - 1,
    (v, o) => v.getUint32(o, true),
    (v, o, x) => v.setUint32(o, x, true),
  ),
  F32: float(
    32,
    (v, o) => v.getFloat32(o, true),
    (v, o, x) => v.setFloat32(o, x, true),
  ),
  C64: { bits: 64 },
  F64: float(
    64,
    (v, o) => v.getFloat64(o, true),
    (v, o, x) => v.setFloat64(o, x, true),
  ),
  I64: whole(
    64,
    Number.MIN_SAFE_INTEGER,
    Number.MAX_SAFE_INTEGER,
    (v, o) => Number(v.getBigInt64(o, true)),
    (v, o, x) => v.setBigInt64(o, BigInt(x), true),
  ),
  U64: whole(
    64,
    0,
    Number.MAX_SAFE_INTEGER,
    (v, o) => Number(v.getBigUint64(o, true)),
    (v, o, x) => v.setBigUint64(o, BigInt(x), true),
  ),
} as const satisfies Readonly<Record<string, ElementType>>;

/** Types of elements by their names in safetensors files: "F32", "F16", "BF16", "I64", … */
export type ElementTypeName = keyof typeof ELEMENT_TYPES;

/** The row of the table, or undefined; never a property that the table inherits. */
export function elementType(name: string): ElementType | undefined {
  return Object.hasOwn(ELEMENT_TYPES, name) ? ELEMENT_TYPES[name as ElementTypeName] : undefined;
}

type Read = Codec["read"];
type Write = Codec["write"];

function whole(bits: number, min: number, max: number, read: Read, write: Write): ElementType {
  return { bits, codec: { read, write, range: [min, max] } };
}

function float(bits: number, read: Read, write: Write): ElementType {
  return { bits, codec: { read, write } };
}

function small(bits: 8 | 16, format: SmallFloat): ElementType {
  return bits === 8
    ? float(
        8,
        (v, o) => decodeSmallFloat(format, v.getUint8(o)),
        (v, o, x) => v.setUint8(o, encodeSmallFloat(format, x)),
      )
    : float(
        16,
        (v, o) => decodeSmallFloat(format, v.getUint16(o, true)),
        (v, o, x) => v.setUint16(o, encodeSmallFloat(format, x), true),
      );
}
