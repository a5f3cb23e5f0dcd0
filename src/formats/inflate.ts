import { FailureError } from "../shared/errors.ts";

/**
 * DEFLATE (RFC 1951) into a given number of bytes: never more, however the stream was made, and without the host's streams,
 * so that a damaged one ends in an ordinary error at once.
 *
 * @param size The exact number of bytes that must come out.
 * @returns The bytes, and how many bytes of `packed` were used.
 * @throws FailureError "bad-deflate"
 */
export function inflate(packed: Uint8Array, size: number): { readonly bytes: Uint8Array; readonly used: number } {
  const input = new BitReader(packed);
  const output = new Uint8Array(size);
  let at = 0;
  for (let last = false; !last; ) {
    last = input.bits(1) === 1;
    const kind = input.bits(2);
    if (kind === 0) at = copyStored(input, output, at);
    else if (kind === 1) at = copyCompressed(input, output, at, fixedCodes());
    else if (kind === 2) at = copyCompressed(input, output, at, readCodes(input));
    else fail("a block is of the reserved kind");
  }
  if (at !== size) fail(`it unpacks to ${at} bytes, but ${size} were declared`);
  return { bytes: output, used: input.used() };
}

interface Codes {
  readonly literals: Table;
  readonly distances: Table;
}

/** Indexed by the next `bits` bits of the stream: symbol × 16 + length of its code; 0 where no code begins so. */
interface Table {
  readonly bits: number;
  readonly entries: Uint16Array;
}

class BitReader {
  readonly #bytes: Uint8Array;
  #position = 0;
  #buffer = 0;
  #held = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  bits(count: number): number {
    this.#fill(count);
    if (this.#held < count) fail("it is cut short");
    const value = this.#buffer & ((1 << count) - 1);
    this.#buffer >>>= count;
    this.#held -= count;
    return value;
  }

  symbol({ bits, entries }: Table): number {
    this.#fill(bits);
    const entry = entries[this.#buffer & ((1 << bits) - 1)]!;
    const length = entry & 15;
    if (length === 0) fail("it holds a code that its table lacks");
    if (length > this.#held) fail("it is cut short");
    this.#buffer >>>= length;
    this.#held -= length;
    return entry >>> 4;
  }

  /** The next `count` whole bytes, from the next byte border on. */
  take(count: number): Uint8Array {
    this.#toByte();
    if (this.#position + count > this.#bytes.length) fail("it is cut short");
    this.#position += count;
    return this.#bytes.subarray(this.#position - count, this.#position);
  }

  used(): number {
    this.#toByte();
    return this.#position;
  }

  #toByte(): void {
    this.#position -= this.#held >>> 3;
    this.#buffer = 0;
    this.#held = 0;
  }

  #fill(count: number): void {
    while (this.#held < count && this.#position < this.#bytes.length) {
      this.#buffer |= this.#bytes[this.#position++]! << this.#held;
      this.#held += 8;
    }
  }
}

function copyStored(input: BitReader, output: Uint8Array, at: number): number {
  const head = input.take(4);
  const length = head[0]! | (head[1]! << 8);
  if ((length ^ 0xffff) !== (head[2]! | (head[3]! << 8))) fail("the two lengths of a stored block differ");
  if (at + length > output.length) tooLong(output);
  output.set(input.take(length), at);
  return at + length;
}

const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
];
const DISTANCE_EXTRA = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];

function copyCompressed(input: BitReader, output: Uint8Array, from: number, codes: Codes): number {
  let at = from;
  for (;;) {
    const symbol = input.symbol(codes.literals);
    if (symbol < 256) {
      if (at >= output.length) tooLong(output);
      output[at++] = symbol;
      continue;
    }
    if (symbol === 256) return at;
    const kind = symbol - 257;
    if (kind >= LENGTH_BASE.length) fail("it holds a length that does not exist");
    const length = LENGTH_BASE[kind]! + input.bits(LENGTH_EXTRA[kind]!);
    const far = input.symbol(codes.distances);
    if (far >= DISTANCE_BASE.length) fail("it holds a distance that does not exist");
    const distance = DISTANCE_BASE[far]! + input.bits(DISTANCE_EXTRA[far]!);
    if (distance > at) fail("it refers to bytes before its beginning");
    if (at + length > output.length) tooLong(output);
    if (distance >= length) output.copyWithin(at, at - distance, at - distance + length);
    else for (let i = 0; i < length; i++) output[at + i] = output[at + i - distance]!;
    at += length;
  }
}

/** In which order the lengths of the codes for code lengths are written (RFC 1951, 3.2.7). */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

function readCodes(input: BitReader): Codes {
  const literals = input.bits(5) + 257;
  const distances = input.bits(5) + 1;
  const own = new Uint8Array(19);
  for (let i = 0, count = input.bits(4) + 4; i < count; i++) own[ORDER[i]!] = input.bits(3);
  const table = tableOf(own);
  const lengths = new Uint8Array(literals + distances);
  for (let i = 0; i < lengths.length; ) {
    const symbol = input.symbol(table);
    if (symbol < 16) {
      lengths[i++] = symbol;
      continue;
    }
    if (symbol === 16 && i === 0) fail("it repeats a code length before the first one");
    const value = symbol === 16 ? lengths[i - 1]! : 0;
    const count = symbol === 16 ? 3 + input.bits(2) : symbol === 17 ? 3 + input.bits(3) : 11 + input.bits(7);
    if (i + count > lengths.length) fail("it has more code lengths than codes");
    lengths.fill(value, i, i + count);
    i += count;
  }
  return { literals: tableOf(lengths.subarray(0, literals)), distances: tableOf(lengths.subarray(literals)) };
}

let fixed: Codes | undefined;

function fixedCodes(): Codes {
  const lengths = new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280);
  fixed ??= { literals: tableOf(lengths), distances: tableOf(new Uint8Array(30).fill(5)) };
  return fixed;
}

/** Canonical Huffman codes by their lengths (RFC 1951, 3.2.2); a set with one short code is incomplete and allowed. */
function tableOf(lengths: Uint8Array): Table {
  const count = new Uint16Array(16);
  for (const length of lengths) count[length]!++;
  count[0] = 0;
  const next = new Uint16Array(17);
  let free = 1 << 15;
  let bits = 0;
  for (let length = 1; length <= 15; length++) {
    next[length + 1] = (next[length]! + count[length]!) << 1;
    free -= count[length]! << (15 - length);
    if (count[length]! > 0) bits = length;
  }
  if (free < 0) fail("a table has more codes than fit");
  if (bits === 0) return { bits: 0, entries: new Uint16Array(1) };
  const entries = new Uint16Array(1 << bits);
  lengths.forEach((length, symbol) => {
    if (length === 0) return;
    const code = next[length]!++;
    const entry = (symbol << 4) | length;
    // The stream gives the bits of a code highest first, so its low end is the code reversed.
    for (let i = reversed(code, length); i < entries.length; i += 1 << length) entries[i] = entry;
  });
  return { bits, entries };
}

function reversed(code: number, length: number): number {
  let result = 0;
  for (let bit = 0; bit < length; bit++) result |= ((code >>> bit) & 1) << (length - 1 - bit);
  return result;
}

function tooLong(output: Uint8Array): never {
  fail(`it unpacks to more than the ${output.length} bytes that were declared`);
}

function fail(why: string): never {
  throw new FailureError("bad-deflate", `the compressed data is damaged: ${why}`);
}
