import type { NormalizeStep } from "./normalize.ts";
import type { PreTokenizerSpec } from "./pre-tokenizer.ts";
import type { BpeSpec, ModelSpec } from "./subword-model.ts";
import { vocabOf } from "./subword-model.ts";

/** One step of what is done to text before it is cut. */
export type NormalizerSpec = { readonly type: string; readonly [field: string]: unknown };

/** A token that is found in text as a whole, before anything else. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly single_word: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
  /** Whether it stands for no text: it is left out where tokens become text. */
  readonly special: boolean;
}

/**
 * The content of a `tokenizer.json`, the format of Hugging Face's tokenizers library: its fields, its names. Two kinds of
 * ours have a part that only this package knows; the library refuses them by name ("UnicodeWords").
 */
export interface TokenizerFile {
  readonly version: "1.0";
  readonly truncation: null;
  readonly padding: null;
  readonly added_tokens: readonly AddedToken[];
  readonly normalizer: NormalizerSpec | null;
  readonly pre_tokenizer: PreTokenizerSpec | null;
  readonly post_processor: null;
  readonly decoder: { readonly type: string; readonly [field: string]: unknown } | null;
  readonly model: ModelSpec;
}

/** A file of these parts, the others empty. */
export function fileOf(parts: {
  readonly normalizer?: readonly NormalizerSpec[];
  readonly pre_tokenizer: PreTokenizerSpec | null;
  readonly model: ModelSpec;
  readonly decoder: "ByteLevel" | "Fuse" | null;
}): TokenizerFile {
  const { normalizer = [], pre_tokenizer, model, decoder } = parts;
  return {
    ...{ version: "1.0", truncation: null, padding: null, added_tokens: [] },
    ...{ normalizer: sequence(normalizer), pre_tokenizer, post_processor: null },
    decoder:
      decoder === "ByteLevel"
        ? { type: decoder, add_prefix_space: true, trim_offsets: true, use_regex: true }
        : decoder && { type: decoder },
    model,
  };
}

/** Normalizers as one. */
export function sequence(steps: readonly NormalizerSpec[]): NormalizerSpec | null {
  return steps.length > 1 ? { type: "Sequence", normalizers: steps } : (steps[0] ?? null);
}

/** A model of byte pair encoding as a file holds it. */
export const bpeSpec = (
  tokens: readonly string[],
  merges: readonly (readonly [string, string])[],
  unknown: string | null = null,
): BpeSpec => ({
  type: "BPE",
  ...{ dropout: null, unk_token: unknown, continuing_subword_prefix: null, end_of_word_suffix: null },
  ...{ fuse_unk: false, byte_fallback: false, ignore_merges: false },
  ...{ vocab: vocabOf(tokens), merges },
});

/** What each step is called in a file. */
export const STEP_SPECS: { readonly [S in NormalizeStep]: NormalizerSpec } = {
  nfc: { type: "NFC" },
  nfd: { type: "NFD" },
  nfkc: { type: "NFKC" },
  nfkd: { type: "NFKD" },
  lowercase: { type: "Lowercase" },
  "strip-accents": { type: "StripAccents" },
  trim: { type: "Strip", strip_left: true, strip_right: true },
};

/** Graphemes: \X is an extended grapheme cluster for Oniguruma. */
export const GRAPHEMES: PreTokenizerSpec = {
  type: "Split",
  pattern: { Regex: String.raw`\X` },
  behavior: "Isolated",
  invert: false,
};
/** The words of Intl.Segmenter, which no other library has. */
export const UNICODE_WORDS: PreTokenizerSpec = { type: "UnicodeWords" };
export const BETWEEN_SPACES: PreTokenizerSpec = { type: "WhitespaceSplit" };
/** Ends of lines become words of their own. */
export const LINE_ENDS: NormalizerSpec = { type: "Replace", pattern: { Regex: String.raw`\r?\n` }, content: " <eos> " };
