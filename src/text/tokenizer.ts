import type { TokenizerFile } from "./tokenizer-file.ts";

/** What a token is: see the file of each kind. */
export type TokenizerKind = "grapheme" | "character" | "byte" | "word" | "bpe";

export const TOKENIZER_KINDS: readonly TokenizerKind[] = ["grapheme", "character", "byte", "word", "bpe"];

export interface EncodeOptions {
  /**
   * Whether special tokens that are written in the text stand for themselves. Default false: text that anybody may have
   * written is text. Ends of lines and "<unk>" in vocabularies of words are not meant.
   */
  readonly allowSpecial?: boolean | undefined;
}

/**
 * Text to tokens and back. A token is a whole number from 0 to `vocabularySize` − 1.
 *
 * A stream gives the tokens that the whole text at once would give, however it is cut into pieces.
 */
export interface Tokenizer {
  readonly kind: TokenizerKind;
  readonly vocabularySize: number;
  /** What each token stands for, to be shown: tokens[id]. */
  readonly vocabulary: readonly string[];
  /** The token of everything that the vocabulary lacks; without one, such text is an error. */
  readonly unknownToken: number | undefined;
  /** Tokens that stand for no text, by what they are called; decoding leaves them out. */
  readonly specialTokens: Readonly<Record<string, number>>;
  /** @throws UsageError "unknown-token" where the vocabulary lacks something and has no token for that */
  encode(text: string, options?: EncodeOptions): Int32Array;
  /** @throws UsageError "token-out-of-range" */
  decode(tokens: ArrayLike<number>): string;
  /** Encodes a text that comes in pieces, with the tokens of the whole. */
  streamEncoder(options?: EncodeOptions): StreamEncoder;
  /** Decodes tokens that come one by one. */
  streamDecoder(): StreamDecoder;
  /** Only where the bytes of a file are its tokens: files are then read as they are, not as text. */
  readonly encodeBytes?: (bytes: Uint8Array) => Int32Array;
  /** The content of a `tokenizer.json`: everything `tokenizerFromJSON` needs to make the same tokenizer again. */
  toJSON(): TokenizerFile;
}

export interface StreamEncoder {
  /** The tokens that are settled by now; what further text may still change is kept back. */
  push(text: string): Int32Array;
  /** The rest. */
  end(): Int32Array;
}

export interface StreamDecoder {
  /** The text that `token` completes; "" when that needs more tokens (bytes within a character). */
  push(token: number): string;
  /** What was kept back. */
  end(): string;
}

/** How words are found: by the rules of Unicode, or as what stands between spaces (text that is tokenised already). */
export type WordSegmentation = "unicode" | "space";

/** The token of what the vocabulary lacks, always token 0 where there is one. */
export const UNKNOWN = "<unk>";
/** The end of a line, in vocabularies of words. */
export const END_OF_LINE = "<eos>";
