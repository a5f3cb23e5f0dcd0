import type { TokenizerFile } from "./tokenizer-file.ts";

/** What a token is: a grapheme, a code point ("character"), a byte, a word, or a piece of a word ("bpe"). */
export type TokenizerKind = "grapheme" | "character" | "byte" | "word" | "bpe";

export const TOKENIZER_KINDS: readonly TokenizerKind[] = ["grapheme", "character", "byte", "word", "bpe"];

/** Options of `Tokenizer.encode`. */
export interface EncodeOptions {
  /**
   * Whether special tokens written in the text are encoded as such. Default false: they are encoded as plain text. Line ends and
   * "<unk>" in vocabularies of words are not affected.
   */
  readonly allowSpecial?: boolean | undefined;
}

/**
 * Converts text to tokens and back. A token is an integer from 0 to `vocabularySize` − 1. Streams give the same tokens as the whole
 * text, however it is divided into pieces.
 */
export interface Tokenizer {
  readonly kind: TokenizerKind;
  readonly vocabularySize: number;
  /** The text of each token, for display: vocabulary[token]. */
  readonly vocabulary: readonly string[];
  /** The token for everything that the vocabulary lacks; undefined if such text is an error. */
  readonly unknownToken: number | undefined;
  /** Special tokens by name. They stand for no text, and decoding leaves them out. */
  readonly specialTokens: Readonly<Record<string, number>>;
  /**
   * Converts text to tokens.
   * @throws UsageError "unknown-token" where the vocabulary lacks something and has no token for that
   */
  encode(text: string, options?: EncodeOptions): Int32Array;
  /**
   * Converts tokens to text.
   * @throws UsageError "token-out-of-range"
   */
  decode(tokens: ArrayLike<number>): string;
  /** Opens an encoder for text that comes in pieces; the tokens equal those of the whole text. */
  streamEncoder(options?: EncodeOptions): StreamEncoder;
  /** Opens a decoder for tokens that come one by one. */
  streamDecoder(): StreamDecoder;
  /** Only where the bytes of a file are its tokens: files are then read as they are, not as text. */
  readonly encodeBytes?: ((bytes: Uint8Array) => Int32Array) | undefined;
  /** Returns the content of `tokenizer.json`, which `tokenizerFromJSON` reads. */
  toJSON(): TokenizerFile;
}

/** Makes tokens of text that comes in pieces, the same as of the whole. */
export interface StreamEncoder {
  /** Returns the tokens that are settled by now; what further text may change is kept back. */
  push(text: string): Int32Array;
  /** Returns the remaining tokens. */
  end(): Int32Array;
}

/** Makes text of tokens that come one by one. */
export interface StreamDecoder {
  /** Returns the text that `token` completes; "" if more tokens are needed (bytes within a character). */
  push(token: number): string;
  /** Returns the remaining text. */
  end(): string;
}

/** How text is split into words: by the rules of Unicode, or at spaces (for text that is tokenized already). */
export type WordSegmentation = "unicode" | "space";

/** The token of what the vocabulary lacks, always token 0 where there is one. */
export const UNKNOWN = "<unk>";
/** The end of a line, in vocabularies of words. */
export const END_OF_LINE = "<eos>";
