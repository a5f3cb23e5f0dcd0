import { UsageError } from "../shared/errors.ts";
import type { Abortable } from "../shared/signal.ts";
import { CHARACTER_OF_BYTE } from "./byte-alphabet.ts";
import { learnMerges } from "./learn-merges.ts";
import { PAIR } from "./pair-merges.ts";
import { BYTE_LEVEL, type PreTokenizerSpec, preTokenizer, WORDS_WITH_SPACE } from "./pre-tokenizer.ts";
import { TextSections } from "./sections.ts";
import type { EmitPiece, Segmenter } from "./segments.ts";
import { SubwordTokenizer } from "./subword.ts";
import { BYTE_ALPHABET } from "./subword-model.ts";
import { UNKNOWN } from "./tokenizer.ts";
import { bpeSpec } from "./tokenizer-file.ts";
import { byCodePoint } from "./vocabulary.ts";

export type BpeAlphabet = "byte" | "character";

/** More would not fit into the numbers of pairs. */
export const MOST_MERGE_TOKENS = PAIR / 4;

const PRE_TOKENIZERS: { readonly [A in BpeAlphabet]: PreTokenizerSpec } = {
  byte: BYTE_LEVEL,
  character: { type: "Split", pattern: { Regex: WORDS_WITH_SPACE }, behavior: "Isolated", invert: false },
};

/** The pieces of a stream of text within which pairs are joined: words with the space before them. */
export function bpePieces(alphabet: BpeAlphabet, emit: EmitPiece): Segmenter {
  const { cut } = preTokenizer(PRE_TOKENIZERS[alphabet]);
  return new TextSections(cut, emit);
}

export interface BpeOptions extends Abortable {
  readonly alphabet: BpeAlphabet;
  /** Most tokens, the alphabet among them. */
  readonly size: number;
  /** Pairs that occur less often are not joined. */
  readonly minCount: number;
  /** Whether characters that the alphabet lacks become "<unk>"; bytes lack none. */
  readonly unknown: boolean;
}

/**
 * Byte pair encoding learned from pieces and how often each occurred.
 * @throws UsageError "out-of-range" when the alphabet alone is larger than `size`
 */
export async function bpeFrom(counts: ReadonlyMap<string, number>, options: BpeOptions): Promise<SubwordTokenizer> {
  const { alphabet, size, minCount, signal } = options;
  const bytes = alphabet === "byte";
  const unknown = options.unknown && !bytes;
  const letters = bytes ? BYTE_ALPHABET : alphabetOf(counts);
  const first = unknown ? [UNKNOWN, ...letters] : [...letters];
  if (first.length > size)
    throw new UsageError(
      "out-of-range",
      `vocabularySize: expected at least ${first.length} (${bytes ? "the 256 bytes" : `the ${letters.length} characters of the text`}${unknown ? ` and ${UNKNOWN}` : ""}, without special tokens), got ${size}`,
    );
  const ids = new Map(first.map((token, id) => [token, id]));
  const byteIds = CHARACTER_OF_BYTE.map((character) => ids.get(character)!);
  const encoder = new TextEncoder();
  const words = [...counts].map(([piece, times]) => ({
    tokens: bytes
      ? Array.from(encoder.encode(piece), (byte) => byteIds[byte]!)
      : Array.from(piece, (character) => ids.get(character)!),
    times,
  }));
  const { tokens, merges } = await learnMerges(words, { tokens: first, size, minCount, signal });
  return new SubwordTokenizer({
    preTokenizer: PRE_TOKENIZERS[alphabet],
    model: bpeSpec(tokens, merges, unknown ? UNKNOWN : null),
    decoder: bytes ? "ByteLevel" : "Fuse",
    tokens,
  });
}

function alphabetOf(counts: ReadonlyMap<string, number>): string[] {
  const letters = new Set<string>();
  for (const piece of counts.keys()) for (const character of piece) letters.add(character);
  return [...letters].sort(byCodePoint);
}
