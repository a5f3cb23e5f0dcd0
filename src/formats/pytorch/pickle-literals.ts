import { quote, refuse } from "./refuse.ts";

/** The longest whole number that is read, in bytes. PyTorch's own magic number has ten. */
export const MAX_LONG = 256;

/** Little-endian, two's complement. */
export function longOf(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return narrow(BigInt.asIntN(bytes.length * 8, value));
}

export function wholeOf(text: string): number | bigint {
  if (!/^-?\d{1,600}$/.test(text)) refuse(`${quote(text)} stands where a whole number should`);
  return narrow(BigInt(text));
}

/** A number where it is exact. */
export function narrow(value: number | bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

export function floatOf(text: string): number {
  const special: Record<string, number> = { inf: Infinity, "-inf": -Infinity, nan: NaN };
  if (Object.hasOwn(special, text)) return special[text]!;
  if (!/^-?\d+(\.\d*)?(e[+-]?\d+)?$/.test(text)) refuse(`${quote(text)} stands where a number should`);
  return Number(text);
}

export function indexOf(text: string): number {
  if (!/^\d{1,10}$/.test(text)) refuse(`${quote(text)} stands where an index should`);
  return Number(text);
}

/** Python's raw-unicode-escape: \uXXXX and \UXXXXXXXX, nothing else. */
export function rawUnicodeOf(text: string): string {
  return text.replace(/\\u([0-9a-fA-F]{4})|\\U(0[0-9a-fA-F]{7})/g, (_, short: string, long: string) => {
    const point = Number.parseInt(short ?? long, 16);
    return point > 0x10ffff ? refuse("a character in it does not exist") : String.fromCodePoint(point);
  });
}

/** A string of protocol 0, as Python prints it. */
export function quotedOf(text: string): string {
  const inner = /^(['"])(.*)\1$/s.exec(text.trim())?.[2];
  if (inner === undefined || /[^\x20-\x7e]/.test(inner)) return refuse(`${quote(text)} stands where a string should`);
  return inner.replace(/\\(x[0-9a-fA-F]{2}|.)/g, (_, what: string) => {
    if (what.length === 3) return String.fromCharCode(Number.parseInt(what.slice(1), 16));
    const known: Record<string, string> = { n: "\n", r: "\r", t: "\t", "\\": "\\", "'": "'", '"': '"' };
    return Object.hasOwn(known, what) ? known[what]! : refuse(`${quote(text)} stands where a string should`);
  });
}
