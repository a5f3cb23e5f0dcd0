import { describe, UsageError } from "../shared/errors.ts";
import { bytesToCharacters, CHARACTER_OF_BYTE } from "./byte-alphabet.ts";
import { mergePairs, PAIR, type PairMerge } from "./pair-merges.ts";
import { byCodePoint } from "./vocabulary.ts";

/** What a tokenizer file calls the model: from a piece of text to tokens. */
export interface BpeSpec {
  readonly type: "BPE";
  readonly dropout: null;
  readonly unk_token: string | null;
  readonly continuing_subword_prefix: null;
  readonly end_of_word_suffix: null;
  readonly fuse_unk: boolean;
  readonly byte_fallback: false;
  readonly ignore_merges: boolean;
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges: readonly (readonly [string, string])[];
}
/** A vocabulary of whole words, as a tokenizer file says it. */
export interface WordLevelSpec {
  readonly type: "WordLevel";
  readonly vocab: Readonly<Record<string, number>>;
  readonly unk_token: string;
}
/** How pieces become tokens, as a tokenizer file says it. */
export type ModelSpec = BpeSpec | WordLevelSpec;

/** Gives `emit` the tokens of a piece; −1 is a character, or a piece, that the vocabulary lacks. */
export type PieceModel = (piece: string, emit: (token: number) => void) => void;

/** Pieces whose tokens are remembered: most text is made of few. */
const REMEMBERED = 1 << 16;
const LONGEST_REMEMBERED = 64;

/**
 * Pairs of a file as merges by number.
 * @throws UsageError "bad-tokenizer" when a pair, or what becomes of it, is no token
 */
export function mergesOf(spec: Pick<BpeSpec, "merges">, ids: ReadonlyMap<string, number>): Map<number, PairMerge> {
  const merges = new Map<number, PairMerge>();
  spec.merges.forEach(([first, second], rank) => {
    const [a, b, token] = [ids.get(first), ids.get(second), ids.get(first + second)];
    if (a === undefined || b === undefined || token === undefined)
      throw new UsageError(
        "bad-tokenizer",
        `tokenizer: merge ${rank} joins ${describe(first)} and ${describe(second)}, but one of them or both together are no token: the file is damaged`,
      );
    if (!merges.has(a * PAIR + b)) merges.set(a * PAIR + b, { rank, token });
  });
  return merges;
}

/** A model of byte pair encoding, on bytes or on characters. */
export function bpeModel(spec: BpeSpec, ids: ReadonlyMap<string, number>, bytes: boolean): PieceModel {
  const merges = mergesOf(spec, ids);
  const byteIds = CHARACTER_OF_BYTE.map((character) => ids.get(character) ?? -1);
  const encoder = new TextEncoder();
  const known = new Map<string, readonly number[]>();
  const whole = (piece: string): number => ids.get(bytes ? bytesToCharacters(encoder.encode(piece)) : piece) ?? -1;
  const tokensOf = (piece: string): readonly number[] => {
    if (spec.ignore_merges) {
      const token = whole(piece);
      if (token >= 0) return [token];
    }
    const symbols = bytes
      ? Array.from(encoder.encode(piece), (byte) => byteIds[byte]!)
      : Array.from(piece, (character) => ids.get(character) ?? -1);
    const fused = spec.fuse_unk ? symbols.filter((s, k) => s >= 0 || symbols[k - 1] !== -1) : symbols;
    // What is unknown is never part of a pair, but must outlast the merging.
    return mergePairs(
      fused.map((s) => (s < 0 ? UNKNOWN_SYMBOL : s)),
      merges,
    ).map((s) => (s === UNKNOWN_SYMBOL ? -1 : s));
  };
  return (piece, emit) => {
    let tokens = known.get(piece);
    if (!tokens) {
      tokens = tokensOf(piece);
      if (piece.length <= LONGEST_REMEMBERED) {
        if (known.size >= REMEMBERED) known.clear();
        known.set(piece, tokens);
      }
    }
    for (const token of tokens) emit(token);
  };
}

const UNKNOWN_SYMBOL = PAIR - 1;

/** A model whose tokens are whole pieces. */
export function wordModel(ids: ReadonlyMap<string, number>): PieceModel {
  return (piece, emit) => emit(ids.get(piece) ?? -1);
}

/** A vocabulary as a file holds it. */
export const vocabOf = (tokens: readonly string[]): Record<string, number> =>
  Object.fromEntries(tokens.map((token, id) => [token, id]));

/** The characters that stand for the bytes, in the order of their code points. */
export const BYTE_ALPHABET: readonly string[] = [...CHARACTER_OF_BYTE].sort(byCodePoint);
