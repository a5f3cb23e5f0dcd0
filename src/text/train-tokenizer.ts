import { takeTurns } from "../platform/turns.ts";
import { describe, expectInteger, expectOneOf, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Abortable } from "../shared/signal.ts";
import { bpeFrom, bpePieces, MOST_MERGE_TOKENS } from "./bpe.ts";
import { ByteTokenizer } from "./bytes.ts";
import { CharacterTokenizer, characterPieces } from "./characters.ts";
import { expectSteps, type NormalizeStep, normalizer } from "./normalize.ts";
import { prepared } from "./prepared.ts";
import type { Segmenter } from "./segments.ts";
import {
  END_OF_LINE,
  TOKENIZER_KINDS,
  type Tokenizer,
  type TokenizerKind,
  UNKNOWN,
  type WordSegmentation,
} from "./tokenizer.ts";
import { byCodePoint } from "./vocabulary.ts";
import { WordTokenizer, wordSegmenter } from "./words.ts";

/** Text in any division: a string, several strings, or a stream of strings. */
export type TextSource = string | Iterable<string> | AsyncIterable<string>;

export const textsOf = (source: TextSource): Iterable<string> | AsyncIterable<string> =>
  typeof source === "string" ? [source] : source;

/** Options of `trainTokenizer`. */
export interface TrainTokenizerOptions extends Abortable {
  /** What a token is. */
  readonly kind: TokenizerKind;
  /** Tokens that occur less often are left out; for "bpe" pairs that occur less often are not merged. Default 1, for "bpe" 2. */
  readonly minCount?: number | undefined;
  /**
   * Maximum number of tokens, including special ones, "<unk>" and "<eos>"; the rarest are left out. Default: no limit; for "bpe" 4096.
   * Ignored for bytes.
   */
  readonly vocabularySize?: number | undefined;
  /**
   * Whether there is a token "<unk>" for what the vocabulary lacks; without one such text is an error. Default: true for words, for
   * "bpe" on characters, and if `minCount` or `vocabularySize` is given. Ignored for bytes.
   */
  readonly unknown?: boolean | undefined;
  /** For words: how text is split. Default "unicode". */
  readonly segmentation?: WordSegmentation | undefined;
  /**
   * For "bpe": what pairs are made of. "byte" (default) has all 256 bytes and can encode any text; "character" has the characters of
   * the text.
   */
  readonly alphabet?: "byte" | "character" | undefined;
  /** Changes to text before it is split into tokens, in this order. Decoding does not undo them. Default none. */
  readonly normalize?: readonly NormalizeStep[] | undefined;
  /**
   * Tokens that stand for no text, such as "<|endoftext|>" between documents; they get the last numbers. They never come from text
   * unless `encode` allows it, and decoding leaves them out. Default none.
   */
  readonly specialTokens?: readonly string[] | undefined;
}

/** More kinds of characters than Unicode has would be a sign of something else than text. */
const MOST_CHARACTERS = 1_000_000;
/** When so many different words were seen, the rarest are forgotten (a Map ends at 2^24). */
const MOST_WORDS = 8_000_000;

/**
 * Builds a tokenizer from a text, which may be larger than memory. The same text gives the same vocabulary: characters and graphemes in
 * the order of their code points; words by descending count, then by code points, after "<unk>" and "<eos>"; for "bpe" the alphabet,
 * then pairs in the order in which they are merged.
 *
 * When more than 8 million different words occur, the rarest are forgotten and counting continues, as in word2vec's ReduceVocab
 * (Mikolov et al. 2013, arXiv:1301.3781); counts of rare words in such texts are too low.
 * @throws UsageError "text-empty", "too-many-characters", "unknown-choice", "not-an-integer", "out-of-range"; the reason of `signal`
 */
export async function trainTokenizer(source: TextSource, options: TrainTokenizerOptions): Promise<Tokenizer> {
  expectOptions("trainTokenizer", options, {
    kind: "required",
    minCount: 1,
    vocabularySize: 1,
    unknown: 1,
    segmentation: 1,
    alphabet: 1,
    normalize: 1,
    specialTokens: 1,
    signal: 1,
  });
  if (typeof source !== "string" && !(Symbol.iterator in Object(source) || Symbol.asyncIterator in Object(source)))
    throw new UsageError(
      "bad-option",
      `trainTokenizer: expected a text, or texts one after the other, got ${describe(source)}`,
    );
  const steps = expectSteps("normalize", options.normalize ?? []);
  const special = options.specialTokens ?? [];
  const normalized = steps.length === 0 ? source : normalizedText(source, steps);
  return prepared(await trainInner(options, normalized, special.length), steps, special);
}

async function* normalizedText(source: TextSource, steps: readonly NormalizeStep[]): AsyncGenerator<string> {
  const stage = normalizer(steps);
  for await (const text of textsOf(source)) yield stage.push(text);
  yield stage.end();
}

/** @param special how many tokens of `vocabularySize` others need */
async function trainInner(options: TrainTokenizerOptions, source: TextSource, special: number): Promise<Tokenizer> {
  const kind = expectOneOf("kind", options.kind, TOKENIZER_KINDS);
  const minCount = expectInteger("minCount", options.minCount ?? (kind === "bpe" ? 2 : 1), { min: 1 });
  const { signal } = options;
  signal?.throwIfAborted();
  const trimmed = options.vocabularySize !== undefined || minCount > 1;
  const unknown = options.unknown ?? (kind === "word" || trimmed);
  switch (kind) {
    case "bpe": {
      const alphabet = expectOneOf("alphabet", options.alphabet ?? "byte", ["byte", "character"]);
      const size = expectInteger("vocabularySize", options.vocabularySize ?? 4096, { min: 1, max: MOST_MERGE_TOKENS });
      const counts = await count(source, (add) => bpePieces(alphabet, add), forgetRarest(MOST_WORDS), options);
      return bpeFrom(counts, { alphabet, size: size - special, minCount, unknown: options.unknown ?? true, signal });
    }
    case "byte":
      return new ByteTokenizer();
    case "grapheme":
    case "character": {
      const counts = await count(
        source,
        (add) => characterPieces(kind, add),
        failAbove(MOST_CHARACTERS, kind),
        options,
      );
      const pieces = keepMostFrequent(counts, { ...options, minCount, reserved: (unknown ? 1 : 0) + special });
      pieces.sort(byCodePoint);
      return new CharacterTokenizer(kind, unknown ? [UNKNOWN, ...pieces] : pieces, { unknown });
    }
    case "word": {
      const segmentation = expectOneOf("segmentation", options.segmentation ?? "unicode", ["unicode", "space"]);
      const counts = await count(source, (add) => wordSegmenter(segmentation, add), forgetRarest(MOST_WORDS), options);
      const first = unknown ? [UNKNOWN, END_OF_LINE] : [END_OF_LINE];
      for (const token of first) counts.delete(token);
      const words = keepMostFrequent(counts, { ...options, minCount, reserved: first.length + special });
      return new WordTokenizer([...first, ...words], { segmentation, unknown });
    }
  }
}

async function count(
  source: TextSource,
  segmenterTo: (add: (piece: string | number) => void) => Segmenter,
  limit: (counts: Map<string, number>) => void,
  { signal }: Abortable,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const unitCounts = new Float64Array(0x10000);
  const segmenter = segmenterTo((piece) => {
    if (typeof piece === "number") unitCounts[piece]!++;
    else counts.set(piece, (counts.get(piece) ?? 0) + 1);
  });
  let length = 0;
  const turns = takeTurns(signal);
  for await (const text of textsOf(source)) {
    length += text.length;
    // In slices, so that the limit also holds within one huge string.
    for (let at = 0; at < text.length; at += 1 << 20) {
      await turns();
      segmenter.push(text.slice(at, at + (1 << 20)));
      limit(counts);
    }
  }
  segmenter.end();
  if (length === 0) throw new UsageError("text-empty", "the text is empty: there is nothing to learn from");
  unitCounts.forEach((times, unit) => {
    if (times > 0) counts.set(String.fromCharCode(unit), times);
  });
  return counts;
}

function failAbove(most: number, kind: string): (counts: Map<string, number>) => void {
  return (counts) => {
    if (counts.size <= most) return;
    throw new UsageError(
      "too-many-characters",
      `the text has more than ${most} different ${kind}s, so it is hardly text; use the tokenizer "byte" (--tokenizer byte)`,
    );
  };
}

function forgetRarest(most: number): (counts: Map<string, number>) => void {
  let rare = 1;
  return (counts) => {
    for (; counts.size > most; rare++) {
      for (const [word, times] of counts) if (times <= rare) counts.delete(word);
    }
  };
}

function keepMostFrequent(
  counts: ReadonlyMap<string, number>,
  options: { readonly minCount: number; readonly vocabularySize?: number | undefined; readonly reserved: number },
): string[] {
  const smallest = options.reserved + 1;
  const size = options.vocabularySize ?? Number.POSITIVE_INFINITY;
  if (size !== Number.POSITIVE_INFINITY) expectInteger("vocabularySize", size, { min: smallest });
  const kept = [...counts].filter(([, times]) => times >= options.minCount);
  kept.sort(([a, aTimes], [b, bTimes]) => bTimes - aTimes || byCodePoint(a, b));
  return kept.slice(0, size - options.reserved).map(([piece]) => piece);
}
