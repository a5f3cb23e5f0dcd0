import { describe, UsageError } from "../shared/errors.ts";
import { TokenHash } from "./token-hash.ts";

/** Tokens that may lie in memory or in a file: known by length, read by range. */
export interface TokenSequence {
  readonly length: number;
  /** What tells these tokens from others, where it is known without reading them: see `hashOf`. */
  readonly hash?: string | undefined;
  /**
   * Copies the tokens from `start` to `start + count` to `target`, from index `at` on.
   * @throws RangeError when the sequence has no such range
   */
  copyTo(target: Int32Array, at: number, start: number, count: number): void;
}

/** What functions over tokens take: a sequence, or whole numbers in any array. */
export type Tokens = TokenSequence | ArrayLike<number>;

const PIECE = 1 << 16;

/** Any tokens as a sequence. @throws UsageError "not-tokens" */
export function expectTokens(argument: string, given: Tokens): TokenSequence {
  const isList = typeof given === "object" && given !== null && Number.isInteger(given.length);
  if (isList && "copyTo" in given) return given;
  const tokens = isList && wholeNumbers(given as ArrayLike<number>);
  if (!tokens)
    throw new UsageError(
      "not-tokens",
      `${argument}: expected tokens (whole numbers as a tokenizer makes them, or a part of a corpus), got ${describe(given)}`,
    );
  return {
    length: tokens.length,
    copyTo(target, at, start, count) {
      expectRange(tokens.length, start, count);
      target.set(tokens.subarray(start, start + count), at);
    },
  };
}

/** Typed arrays of whole numbers are read in place. */
function wholeNumbers(given: ArrayLike<number>): Int32Array | Uint16Array | Uint8Array | undefined {
  if (given instanceof Int32Array || given instanceof Uint16Array || given instanceof Uint8Array) return given;
  const whole = Int32Array.from(given, Number);
  return whole.every((token, k) => token === given[k]) ? whole : undefined;
}

/** The part from `start` to `end` (not included) of a sequence; nothing is copied. */
export function partOf(sequence: TokenSequence, start: number, end: number): TokenSequence {
  expectRange(sequence.length, start, end - start);
  return {
    length: end - start,
    hash: sequence.hash && `${sequence.hash} ${start}-${end}`,
    copyTo(target, at, from, count) {
      expectRange(end - start, from, count);
      sequence.copyTo(target, at, start + from, count);
    },
  };
}

/**
 * All tokens in order, in pieces of at most 65,536: the way to look at a sequence that is larger than memory. The
 * array of a piece is used again for the next one.
 */
export function* pieces(sequence: TokenSequence): Generator<Int32Array> {
  const buffer = new Int32Array(Math.min(PIECE, sequence.length));
  for (let start = 0; start < sequence.length; start += PIECE) {
    const count = Math.min(PIECE, sequence.length - start);
    sequence.copyTo(buffer, 0, start, count);
    yield buffer.subarray(0, count);
  }
}

/** What tells these tokens from others. Reads them all, unless their store did so while it took them up. */
export function hashOf(sequence: TokenSequence): string {
  if (sequence.hash !== undefined) return sequence.hash;
  const hash = new TokenHash();
  for (const piece of pieces(sequence)) hash.add(piece);
  return hash.digest();
}

/** @throws RangeError: the callers of this package check their arguments before they read */
export function expectRange(length: number, start: number, count: number): void {
  if (start >= 0 && count >= 0 && start + count <= length) return;
  throw new RangeError(`tokens ${start} to ${start + count} were asked for; the sequence has ${length}`);
}
