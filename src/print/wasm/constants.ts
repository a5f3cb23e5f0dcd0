import { FailureError } from "../../shared/errors.ts";
import type { Constants } from "./vectors.ts";

/**
 * The float32 constants of printed code, in a fixed region of low memory that is shared by all modules of a machine.
 * Equal bits share a place. A `ConstantScope` is what one module uses; places that no open scope uses are given to others.
 */
export class ConstantTable {
  readonly #start: number;
  readonly #end: number;
  readonly #entries = new Map<number, { readonly address: number; users: number }>();
  readonly #free: number[] = [];
  #top: number;

  /** Bytes [start, end) of memory. */
  constructor(start: number, end: number) {
    this.#start = start;
    this.#end = end;
    this.#top = start;
  }

  scope(): ConstantScope {
    return new ConstantScope(this);
  }

  take(bits: number): number {
    let entry = this.#entries.get(bits);
    if (!entry) {
      const address = this.#free.pop() ?? this.#top;
      if (address >= this.#end) {
        throw new FailureError(
          "too-many-constants",
          `more than ${(this.#end - this.#start) / 4} different constants are in use: close plans that are not needed`,
        );
      }
      if (address === this.#top) this.#top += 4;
      entry = { address, users: 0 };
      this.#entries.set(bits, entry);
    }
    entry.users++;
    return entry.address;
  }

  release(bits: number): void {
    const entry = this.#entries.get(bits)!;
    if (--entry.users > 0) return;
    this.#entries.delete(bits);
    this.#free.push(entry.address);
  }
}

const word = new Uint32Array(1);
const number = new Float32Array(word.buffer);

/** The constants of one module. */
export class ConstantScope implements Constants {
  readonly #table: ConstantTable;
  readonly #places = new Map<number, number>();

  constructor(table: ConstantTable) {
    this.#table = table;
  }

  address(value: number): number {
    number[0] = value;
    const bits = word[0]!;
    let address = this.#places.get(bits);
    if (address === undefined) {
      address = this.#table.take(bits);
      this.#places.set(bits, address);
    }
    return address;
  }

  /** Writes the constants to where the code reads them; before its first run. */
  write(memory: ArrayBufferLike): void {
    const words = new Uint32Array(memory);
    for (const [bits, address] of this.#places) words[address / 4] = bits;
  }

  close(): void {
    for (const bits of this.#places.keys()) this.#table.release(bits);
    this.#places.clear();
  }
}
