import { floatOf, longOf, MAX_LONG, quotedOf, rawUnicodeOf, wholeOf } from "./pickle-literals.ts";
import type { PickleReader } from "./pickle-reader.ts";
import { refuse } from "./refuse.ts";

type Scalar = null | boolean | number | bigint | string | Uint8Array;

const long4 = (reader: PickleReader): Scalar => {
  const length = reader.int32();
  if (length < 0 || length > MAX_LONG)
    refuse(`a whole number in it takes ${length} bytes; at most ${MAX_LONG} are read`);
  return longOf(reader.take(length));
};
const int = (reader: PickleReader): Scalar => {
  const text = reader.line();
  return text === "01" ? true : text === "00" ? false : wholeOf(text);
};
const binString = (reader: PickleReader): Scalar => {
  const length = reader.int32();
  if (length < 0) refuse("a string in it has a negative length");
  return reader.latin1(length);
};

/** Instructions that push one value which is written behind them, by their code. */
export const scalars: Readonly<Record<number, (reader: PickleReader) => Scalar>> = {
  78: () => null, // NONE
  136: () => true, // NEWTRUE
  137: () => false, // NEWFALSE
  74: (reader) => reader.int32(), // BININT
  75: (reader) => reader.uint8(), // BININT1
  77: (reader) => reader.uint16(), // BININT2
  138: (reader) => longOf(reader.take(reader.uint8())), // LONG1
  139: long4, // LONG4
  73: int, // INT
  76: (reader) => wholeOf(reader.line().replace(/L$/, "")), // LONG
  71: (reader) => reader.float64(), // BINFLOAT
  70: (reader) => floatOf(reader.line()), // FLOAT
  88: (reader) => reader.text(reader.uint32()), // BINUNICODE
  140: (reader) => reader.text(reader.uint8()), // SHORT_BINUNICODE
  141: (reader) => reader.text(reader.uint64()), // BINUNICODE8
  84: binString, // BINSTRING
  85: (reader) => reader.latin1(reader.uint8()), // SHORT_BINSTRING
  86: (reader) => rawUnicodeOf(reader.line()), // UNICODE
  83: (reader) => quotedOf(reader.line()), // STRING
  66: (reader) => reader.take(reader.uint32()).slice(), // BINBYTES
  67: (reader) => reader.take(reader.uint8()).slice(), // SHORT_BINBYTES
  142: (reader) => reader.take(reader.uint64()).slice(), // BINBYTES8
  150: (reader) => reader.take(reader.uint64()).slice(), // BYTEARRAY8
};
