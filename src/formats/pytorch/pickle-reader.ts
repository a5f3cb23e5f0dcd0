import { refuse } from "./refuse.ts";

/** Thrown when a pickle goes on beyond the bytes at hand: the caller gives more, or there are none. */
export class PickleCut extends Error {}

/** Reads the arguments of pickle's instructions. Lengths are compared with what is there before anything is made. */
export class PickleReader {
  position: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, position = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = position;
  }

  take(length: number): Uint8Array {
    return this.#bytes.subarray(this.#advance(length), this.position);
  }

  uint8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  /** A length of eight bytes. */
  uint64(): number {
    const value = this.#view.getBigUint64(this.#advance(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) refuse(`a length in it is ${value} bytes`);
    return Number(value);
  }

  /** The one number that pickle writes big-endian. */
  float64(): number {
    return this.#view.getFloat64(this.#advance(8), false);
  }

  text(length: number): string {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.take(length));
    } catch (cause) {
      // Python can write halves of surrogate pairs ("surrogatepass"); no name or setting needs them.
      if (cause instanceof TypeError) return refuse("a string in it is not UTF-8", cause);
      throw cause;
    }
  }

  /** A string of Python 2, in which every byte is a character. */
  latin1(length: number): string {
    return latin1(this.take(length));
  }

  /** Up to the end of the line, which is left out. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.position);
    if (end < 0) {
      if (this.#bytes.length - this.position > MAX_LINE) refuse("a line in it does not end");
      throw new PickleCut();
    }
    if (end - this.position > MAX_LINE) refuse(`a line in it is longer than ${MAX_LINE} bytes`);
    const text = this.latin1(end - this.position);
    this.position = end + 1;
    return text;
  }

  #advance(length: number): number {
    const start = this.position;
    if (start + length > this.#bytes.length) throw new PickleCut();
    this.position = start + length;
    return start;
  }
}

const MAX_LINE = 4096;

export function latin1(bytes: Uint8Array): string {
  let text = "";
  // In pieces: a call has room for some ten thousand arguments.
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}
