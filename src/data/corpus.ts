import type { FileSource } from "../platform/platform.ts";
import { sourceName } from "../platform/platform.ts";
import { expectOneOf, UsageError } from "../shared/errors.ts";
import { partOf, pieces, type TokenSequence } from "../text/token-sequence.ts";
import { TOKENIZER_KINDS, type Tokenizer } from "../text/tokenizer.ts";
import { type TrainTokenizerOptions, trainTokenizer } from "../text/train-tokenizer.ts";
import { type ReadProgress, readText } from "./text-files.ts";
import { storeTokens, type TokenStore } from "./token-store.ts";
import { tokenStream } from "./token-stream.ts";

export interface CorpusOptions {
  /** Files of text, gzip or not, read one after the other as if they were one. */
  readonly files: readonly FileSource[];
  /** A tokenizer, or how to make one from all of `files`. Default: graphemes. */
  readonly tokenizer?: Tokenizer | TrainTokenizerOptions;
  /**
   * The part at the end that is kept for validation, as a fraction from 0 (none) to below 1, or files of its own.
   * Default 0.1: the first nine tenths, rounded down to whole tokens, are for training.
   */
  readonly validation?: number | readonly FileSource[];
  /** Bytes of tokens that are kept in memory; more go to a temporary file. Default 512 MiB for each store. */
  readonly memoryLimit?: number;
  /** Where the temporary file is made. Default: the system's folder for such. */
  readonly folder?: string;
  /** Told while the files are read: bytes of `file` so far, in which of the passes over them. */
  readonly onProgress?: (progress: {
    readonly file: string;
    readonly bytes: number;
    readonly pass: CorpusPass;
  }) => void;
}

/** What files are being read for. */
export type CorpusPass = "vocabulary" | "tokens";

export interface Corpus {
  readonly tokenizer: Tokenizer;
  readonly train: TokenSequence;
  /** Of length 0 when `validation` was 0. */
  readonly validation: TokenSequence;
  readonly sizes: {
    readonly vocabulary: number;
    readonly trainTokens: number;
    readonly validationTokens: number;
    readonly bytesPerToken: 1 | 2 | 4;
    readonly place: "memory" | "file";
  };
  /** Gives the stores back. */
  close(): void;
}

/**
 * Opens files of text as tokens for training and for validation. Files are read twice, once for the vocabulary, once
 * for the tokens; once when a tokenizer is given or bytes are the tokens.
 *
 * @throws UsageError "no-files", "too-few-tokens" when a part has fewer than two tokens, "out-of-range",
 *   and what `readText`, `trainTokenizer` and `storeTokens` throw
 */
export async function openCorpus(options: CorpusOptions): Promise<Corpus> {
  const validation = options.validation ?? 0.1;
  expectFiles("files", options.files);
  if (typeof validation === "number") expectFraction(validation);
  else expectFiles("validation", validation);

  const progress = (pass: CorpusPass): ReadProgress | undefined => {
    const tell = options.onProgress;
    return tell && ((read) => tell({ ...read, pass }));
  };
  const tokenizer = await tokenizerFor(
    options.tokenizer ?? { kind: "grapheme" },
    options.files,
    progress("vocabulary"),
  );
  const { memoryLimit, folder } = options;
  const store = (files: readonly FileSource[]) =>
    storeTokens(tokenStream(files, tokenizer, progress("tokens")), {
      vocabularySize: tokenizer.vocabularySize,
      ...(memoryLimit === undefined ? {} : { memoryLimit }),
      ...(folder === undefined ? {} : { folder }),
    });

  const stores: TokenStore[] = [];
  const close = () => {
    for (const one of stores) one.close();
  };
  try {
    const main = await store(options.files);
    stores.push(main);
    let train: TokenSequence = main;
    let held: TokenSequence;
    if (typeof validation === "number") {
      const end = Math.floor(main.length * (1 - validation));
      train = partOf(main, 0, end);
      held = partOf(main, end, main.length);
    } else {
      const own = await store(validation);
      stores.push(own);
      held = own;
    }
    expectTwoTokens("training", train, main.length, options.files);
    if (validation !== 0) expectTwoTokens("validation", held, main.length, options.files);
    return {
      tokenizer,
      train,
      validation: held,
      sizes: {
        vocabulary: tokenizer.vocabularySize,
        trainTokens: train.length,
        validationTokens: held.length,
        bytesPerToken: main.bytesPerToken,
        place: main.place,
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** How many characters (code points) tokens decode to: the unit of "bits per character", the same for every tokenizer. */
export function countCharacters(tokenizer: Tokenizer, tokens: TokenSequence): number {
  const decoder = tokenizer.streamDecoder();
  let characters = 0;
  const add = (text: string) => {
    for (let i = 0; i < text.length; i++) if (!isSecondHalf(text, i)) characters++;
  };
  for (const piece of pieces(tokens)) for (let i = 0; i < piece.length; i++) add(decoder.push(piece[i]!));
  add(decoder.end());
  return characters;
}

function isSecondHalf(text: string, i: number): boolean {
  return i > 0 && text.codePointAt(i - 1)! > 0xffff;
}

async function tokenizerFor(
  given: Tokenizer | TrainTokenizerOptions,
  files: readonly FileSource[],
  onProgress: ReadProgress | undefined,
): Promise<Tokenizer> {
  if ("encode" in given) return given;
  expectOneOf("tokenizer.kind", given.kind, TOKENIZER_KINDS);
  return trainTokenizer(given, readText(files, onProgress));
}

function expectFiles(argument: string, files: readonly FileSource[]): void {
  if (files.length === 0) throw new UsageError("no-files", `${argument}: expected at least one file, got none`);
}

function expectFraction(fraction: number): void {
  if (fraction >= 0 && fraction < 1) return;
  throw new UsageError(
    "out-of-range",
    `validation: expected a fraction from 0 to below 1 (0.1 keeps the last tenth), or files, got ${fraction}`,
  );
}

function expectTwoTokens(part: string, tokens: TokenSequence, all: number, files: readonly FileSource[]): void {
  if (tokens.length >= 2) return;
  throw new UsageError(
    "too-few-tokens",
    `${files.map(sourceName).join(", ")}: ${all} token${all === 1 ? "" : "s"} leave ${tokens.length} for ${part}; ` +
      "at least 2 are needed (one to predict from, one to predict): give more text, or another validation part",
  );
}
