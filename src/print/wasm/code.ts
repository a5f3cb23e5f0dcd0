/**
 * Code: the bytes of instructions as nested arrays, so that functions which print code compose without copying.
 *
 * Branches are symbols until a function is finished (`flatten`): how many blocks lie between a branch and its target is
 * known only then, and code that holds a branch may be put inside further blocks by whoever receives it.
 */
export type Code = number | readonly Code[];

export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";
export const typeByte: { readonly [T in ValueType]: number } = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};

/** Target of branches, given by `block` and `loop`. */
export interface Label {
  readonly id: number;
}

// Symbols are numbers from 256 on: what they mean in the two lowest bits, the number of a label above.
const SYMBOL = 256;
const OPEN = 0;
const CLOSE = 1;
const TARGET = 2;
const symbol = (kind: number, id: number): number => SYMBOL + id * 4 + kind;
let labels = 0;

/** A structured block: `head` is its opcode and type; `body` receives the label that branches to it. */
export function structured(head: Code, body: (label: Label) => Code): Code {
  const label = { id: labels++ };
  return [head, symbol(OPEN, label.id), body(label), symbol(CLOSE, 0), END];
}
/** `else` and `end` of the binary format. */
export const ELSE = 0x05;
export const END = 0x0b;

/** The operand of a branch to `label`. */
export const target = (label: Label): Code => symbol(TARGET, label.id);

/** Unsigned LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return bytes;
}

/** Signed LEB128 of a whole number of 32 bits. */
export function signed32(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 127;
    rest >>= 7;
    if ((rest === 0 && low < 64) || (rest === -1 && low >= 64)) {
      bytes.push(low);
      return bytes;
    }
    bytes.push(low | 128);
  }
}

/** Signed LEB128 of a whole number of 64 bits. */
export function signed64(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const low = Number(rest & 127n);
    rest >>= 7n;
    if ((rest === 0n && low < 64) || (rest === -1n && low >= 64)) return [...bytes, low];
    bytes.push(low | 128);
  }
}

/** Where code becomes bytes; as large as the largest function so far. */
let buffer = new Uint8Array(4096);
/** Bytes of a number of 32 bits. */
const LONGEST = 5;

/** The bytes of `code`, branches resolved. Plain loops: it runs before the first result, when nothing is compiled yet. */
export function flatten(code: Code): Uint8Array<ArrayBuffer> {
  const open: number[] = [];
  let at = 0;
  const follow = (symbol: number): void => {
    const id = (symbol - SYMBOL) >>> 2;
    const kind = symbol & 3;
    if (kind === OPEN) open.push(id);
    else if (kind === CLOSE) open.pop();
    else {
      const target = open.lastIndexOf(id);
      if (target < 0) throw new TypeError("flatten: a branch lies outside the block that it leaves");
      for (const byte of unsigned(open.length - 1 - target)) buffer[at++] = byte;
    }
  };
  const visit = (parts: readonly Code[]): void => {
    for (let k = 0; k < parts.length; k++) {
      const part = parts[k]!;
      if (at + LONGEST > buffer.length) {
        const larger = new Uint8Array(2 * at);
        larger.set(buffer);
        buffer = larger;
      }
      if (typeof part !== "number") visit(part);
      else if (part < SYMBOL) buffer[at++] = part;
      else follow(part);
    }
  };
  visit([code]);
  return buffer.slice(0, at);
}
