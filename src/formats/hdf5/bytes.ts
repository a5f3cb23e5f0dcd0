import type { ByteSource } from "../../platform/platform.ts";
import { FailureError, UsageError } from "../../shared/errors.ts";

export const damaged = (what: string): FailureError =>
  new FailureError("damaged-hdf5", `the HDF5 file is damaged: ${what}`);
export const unsupported = (what: string): UsageError => new UsageError("unsupported-hdf5", what);

/** Where HDF5 writes an address that is none. */
export const UNDEFINED = Number.POSITIVE_INFINITY;

/** Reads little-endian numbers one after the other out of bytes; past their end it refuses the file. */
export class Cursor {
  readonly bytes: Uint8Array;
  at = 0;
  private readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  take(length: number): Uint8Array {
    if (!(length >= 0 && length <= this.left)) throw damaged("a structure is longer than the bytes that hold it");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  skip(length: number): void {
    this.take(length);
  }

  /** On to the next multiple of 8 bytes from the beginning. */
  align(): void {
    this.skip((8 - (this.at % 8)) % 8);
  }

  u8(): number {
    return this.take(1)[0]!;
  }
  u16(): number {
    this.skip(2);
    return this.view.getUint16(this.at - 2, true);
  }
  u32(): number {
    this.skip(4);
    return this.view.getUint32(this.at - 4, true);
  }

  /** A length or an address of 8 bytes; all bits set is `UNDEFINED`. */
  u64(): number {
    this.skip(8);
    const value = this.view.getBigUint64(this.at - 8, true);
    if (value === 0xffffffffffffffffn) return UNDEFINED;
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged(`an address or length of ${value}`);
    return Number(value);
  }

  /** The next bytes as a cursor of their own. */
  part(length: number): Cursor {
    return new Cursor(this.take(length));
  }

  /** A whole number of any number of bytes. */
  wide(bytes: number): number {
    const value = this.take(bytes).reduceRight((sum, byte) => sum * 256 + byte, 0);
    if (!Number.isSafeInteger(value)) throw damaged(`a number of ${value}`);
    return value;
  }

  /** A number of 1, 2, 4 or 8 bytes. */
  sized(bytes: number): number {
    return bytes === 1 ? this.u8() : bytes === 2 ? this.u16() : bytes === 4 ? this.u32() : this.u64();
  }

  expect(signature: string): void {
    if (latin1(this.take(4)) !== signature)
      throw damaged(`there is no ${JSON.stringify(signature)} where one should be`);
  }
}

const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** UTF-8 up to the first zero byte. */
export function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Whether a measure is a power of two that a file may have. */
export const isPower = (n: number): boolean => n >= 1 && n <= 2 ** 40 && Number.isInteger(Math.log2(n));

const PAGE = 1 << 16;
const PAGES = 64;
/** What a good file needs to say about itself is far below, at any size. */
const MOST_STRUCTURES = 400_000;

/** A file whose small structures are read by pages, with an end to how much one may be made to read. */
export class Pages {
  readonly source: ByteSource;
  private readonly kept = new Map<number, Uint8Array>();
  private structures = 0;
  private unpacked = 0;

  constructor(source: ByteSource) {
    this.source = source;
  }

  get size(): number {
    return this.source.size;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (++this.structures > MOST_STRUCTURES) throw damaged("its structures do not come to an end");
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size))
      throw damaged(`${length} bytes at ${offset} are asked for, it has ${this.size}`);
    const page = Math.floor(offset / PAGE);
    if (Math.floor((offset + length - 1) / PAGE) !== page) return this.source.read(offset, length);
    const bytes = this.kept.get(page) ?? (await this.source.read(page * PAGE, Math.min(PAGE, this.size - page * PAGE)));
    this.kept.delete(page);
    this.kept.set(page, bytes);
    if (this.kept.size > PAGES) this.kept.delete(this.kept.keys().next().value!);
    return bytes.subarray(offset - page * PAGE, offset - page * PAGE + length);
  }

  async cursor(offset: number, length: number): Promise<Cursor> {
    return new Cursor(await this.read(offset, length));
  }

  /** Refuses the file where a structure does not begin with its signature. */
  async expect(offset: number, signature: string): Promise<void> {
    (await this.cursor(offset, 4)).expect(signature);
  }

  /** As many bytes as there are from an offset on, at most `length`. */
  async upTo(offset: number, length: number): Promise<Cursor> {
    return this.cursor(offset, Math.min(length, Math.max(0, this.size - offset)));
  }

  /** Counts numbers that are about to be read: a small file that claims the same bytes many times is refused. */
  spend(bytes: number): void {
    this.unpacked += bytes;
    const most = Math.max(1 << 28, 32 * this.size);
    if (!(this.unpacked <= most))
      throw damaged(`its data would take ${this.unpacked} bytes, it has ${this.size} itself`);
  }
}
