import { UsageError } from "../shared/errors.ts";
import { UNKNOWN } from "./tokenizer.ts";

/** Ids of UTF-16 code units are looked up in a table: a Map costs five times as much. */
const UNITS = 0x10000;

/** Pieces of text and their ids, in both directions. */
export class Vocabulary {
  readonly #tokens: readonly string[];
  readonly #unknown: boolean;
  readonly #ids = new Map<string, number>();
  readonly #idOfUnit = new Int32Array(UNITS).fill(-1);
  readonly #noun: string;

  /**
   * @param tokens the pieces in the order of their ids; the first is "<unk>" if `options.unknown`
   * @param options.noun what a piece is called in messages: "characters"
   */
  constructor(tokens: readonly string[], options: { readonly unknown: boolean; readonly noun: string }) {
    this.#tokens = tokens;
    this.#unknown = options.unknown;
    this.#noun = options.noun;
    for (let id = 0; id < tokens.length; id++) {
      const token = tokens[id]!;
      if (token.length === 1) this.#idOfUnit[token.charCodeAt(0)] = id;
      else this.#ids.set(token, id);
    }
  }

  id(piece: string): number {
    const id = piece.length === 1 ? this.#idOfUnit[piece.charCodeAt(0)]! : (this.#ids.get(piece) ?? -1);
    return id >= 0 ? id : this.#missing(piece);
  }

  /** The id of the piece that is the one code unit `unit`. */
  idOfUnit(unit: number): number {
    const id = this.#idOfUnit[unit]!;
    return id >= 0 ? id : this.#missing(String.fromCharCode(unit));
  }

  /** @throws UsageError "token-out-of-range" */
  piece(id: number): string {
    const piece = this.#tokens[id];
    if (piece === undefined) throw tokenOutOfRange(id, this.#tokens.length);
    return piece;
  }

  #missing(piece: string): number {
    if (this.#unknown) return 0;
    throw new UsageError(
      "unknown-token",
      `the text has ${quote(piece)}, which is not among the ${this.#tokens.length} ${this.#noun} of the vocabulary; leave it out, ` +
        `or train with a vocabulary that has ${UNKNOWN} (unknown: true; on the command line --min-count 2) or with the tokenizer "byte", which knows any text`,
    );
  }
}

export function tokenOutOfRange(id: number, size: number): UsageError {
  return new UsageError("token-out-of-range", `tokens: expected whole numbers from 0 to ${size - 1}, got ${id}`);
}

/** A piece with its code points: what is seen is often not enough to know it. */
function quote(piece: string): string {
  const points = Array.from(
    piece.slice(0, 16),
    (c) => `U+${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`,
  );
  return `${JSON.stringify(piece.slice(0, 40))} (${points.join(" ")})`;
}

/** Order by code point: the order of JavaScript's `sort` is by UTF-16 code unit, which puts U+1F600 before U+FF01. */
export function byCodePoint(a: string, b: string): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    // Both texts are equal up to here, so a surrogate on one side only stands for a code point above all others.
    const xHigh = x >= 0xd800 && x < 0xe000;
    const yHigh = y >= 0xd800 && y < 0xe000;
    return xHigh === yHigh ? x - y : xHigh ? 1 : -1;
  }
  return a.length - b.length;
}
