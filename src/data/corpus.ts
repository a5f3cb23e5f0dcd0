import { platform } from "#platform";
import type { FileSource } from "../platform/platform.ts";
import { sourceName } from "../platform/platform.ts";
import { expectOneOf, UsageError } from "../shared/errors.ts";
import { partOf, pieces, type TokenSequence } from "../text/token-sequence.ts";
import { TOKENIZER_KINDS, type Tokenizer } from "../text/tokenizer.ts";
import { type TrainTokenizerOptions, trainTokenizer } from "../text/train-tokenizer.ts";
import { shuffleDocuments } from "./document-order.ts";
import { documentText, documentTokens, Starts } from "./document-stream.ts";
import { type DocumentSplit, expectSplit } from "./documents.ts";
import { type ReadProgress, readText } from "./text-files.ts";
import { storeTokens, type TokenStore } from "./token-store.ts";
import { tokenStream } from "./token-stream.ts";

export interface CorpusOptions {
  /**
   * Files of text, gzip or not, read one after the other as if they were one. In Node a path may be a folder (all files in
   * it and in its folders, without hidden ones) or a pattern: "data/*.txt", and "**" stands for any folders.
   */
  readonly files: readonly FileSource[];
  /** A tokenizer, or how to make one from all of `files`. Default: graphemes. */
  readonly tokenizer?: Tokenizer | TrainTokenizerOptions;
  /**
   * The part at the end that is kept for validation, as a fraction from 0 (none) to below 1, or files of its own.
   * Default 0.1: the first nine tenths, rounded down to whole tokens, are for training.
   */
  readonly validation?: number | readonly FileSource[];
  /**
   * What a document is. Each is encoded by itself and ends with `endToken`, and a validation part begins with one. Default:
   * the files are one text.
   */
  readonly documents?: DocumentSplit | undefined;
  /**
   * The special token at the end of documents, which is also what generation begins after. Default the first special token
   * of the tokenizer; a tokenizer that is made without any gets "<|endoftext|>".
   */
  readonly endToken?: string | undefined;
  /**
   * Seed of the order in which documents for training stand, another one in each epoch. Default: they stand in the order
   * of the files in every epoch.
   */
  readonly shuffle?: number | undefined;
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
  /** With `shuffle` an `EpochTokens`: `inEpoch(epoch)` has the order of an epoch. */
  readonly train: TokenSequence;
  /** Of length 0 when `validation` was 0. */
  readonly validation: TokenSequence;
  readonly sizes: {
    readonly vocabulary: number;
    readonly trainTokens: number;
    readonly validationTokens: number;
    /** Documents for training and for validation; undefined where the files are one text. */
    readonly documents?: { readonly train: number; readonly validation: number } | undefined;
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
  expectFiles("files", options.files);
  const validation = options.validation ?? 0.1;
  if (typeof validation === "number") expectFraction(validation);
  else expectFiles("validation", validation);
  const split = options.documents === undefined ? undefined : expectSplit(options.documents);
  if (split === undefined && (options.shuffle !== undefined || options.endToken !== undefined))
    throw new UsageError("bad-option", "documents: shuffle and endToken need it, to know what a document is");
  const files = await found(options.files);
  const held = typeof validation === "number" ? undefined : await found(validation);

  const progress = (pass: CorpusPass): ReadProgress | undefined => {
    const tell = options.onProgress;
    return tell && ((read) => tell({ ...read, pass }));
  };
  const tokenizer = await tokenizerFor({ ...options, files, split }, progress("vocabulary"));
  const endToken = split === undefined ? undefined : endTokenOf(tokenizer, options.endToken);
  const { memoryLimit, folder } = options;
  const open = async (sources: readonly FileSource[]): Promise<Part> => {
    const starts = new Starts();
    const onProgress = progress("tokens");
    const stream =
      split === undefined || endToken === undefined
        ? tokenStream(sources, tokenizer, onProgress)
        : documentTokens(sources, tokenizer, { split, endToken, onProgress, onStart: (place) => starts.add(place) });
    const store = await storeTokens(stream, {
      vocabularySize: tokenizer.vocabularySize,
      ...(memoryLimit === undefined ? {} : { memoryLimit }),
      ...(folder === undefined ? {} : { folder }),
    });
    return { store, starts: starts.all };
  };

  const stores: TokenStore[] = [];
  const close = () => {
    for (const one of stores) one.close();
  };
  try {
    const main = await open(files);
    stores.push(main.store);
    const own = held && (await open(held));
    if (own) stores.push(own.store);
    const { length } = main.store;
    const wanted = typeof validation === "number" ? Math.floor(length * (1 - validation)) : length;
    // A document is either learned from or validated with.
    const end = split === undefined || wanted === length ? wanted : lastStart(main.starts, wanted);
    const starts = main.starts.filter((start) => start < end);
    const part = partOf(main.store, 0, end);
    const rest = own?.store ?? partOf(main.store, end, length);
    expectTwoTokens("training", part, length, files);
    if (validation !== 0) expectTwoTokens("validation", rest, length, files);
    return {
      tokenizer,
      train: options.shuffle === undefined ? part : shuffleDocuments(part, starts, options.shuffle),
      validation: rest,
      sizes: {
        vocabulary: tokenizer.vocabularySize,
        trainTokens: part.length,
        validationTokens: rest.length,
        ...(split !== undefined && {
          documents: {
            train: starts.length,
            validation: own ? own.starts.length : main.starts.length - starts.length,
          },
        }),
        bytesPerToken: main.store.bytesPerToken,
        place: main.store.place,
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

interface Part {
  readonly store: TokenStore;
  /** Where documents begin. */
  readonly starts: Float64Array;
}

/** Paths of folders and patterns become those of files. */
async function found(sources: readonly FileSource[]): Promise<FileSource[]> {
  const all = await Promise.all(
    sources.map(async (one) => (typeof one === "string" ? platform.findFiles(one) : [one])),
  );
  return all.flat();
}

/** The last of the ascending numbers that is at most `wanted`; the one after it where that is 0, so that something is learned from. */
function lastStart(starts: Float64Array, wanted: number): number {
  const last = starts.findLast((start) => start <= wanted) ?? 0;
  return last > 0 ? last : (starts[1] ?? 0);
}

function endTokenOf(tokenizer: Tokenizer, name: string | undefined): number {
  const known = Object.keys(tokenizer.specialTokens);
  const wanted = name ?? known[0];
  if (wanted !== undefined && Object.hasOwn(tokenizer.specialTokens, wanted)) return tokenizer.specialTokens[wanted]!;
  throw new UsageError(
    "unknown-special-token",
    `documents: they end with a special token, but the tokenizer has ${name === undefined ? "none" : `no ${JSON.stringify(name)}${known.length > 0 ? `; it has ${known.join(", ")}` : ""}`}`,
  );
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
  options: Pick<CorpusOptions, "tokenizer" | "endToken"> & {
    readonly files: readonly FileSource[];
    readonly split: DocumentSplit | undefined;
  },
  onProgress: ReadProgress | undefined,
): Promise<Tokenizer> {
  const { tokenizer: given = { kind: "grapheme" } as const, files, split, endToken } = options;
  if ("encode" in given) return given;
  expectOneOf("tokenizer.kind", given.kind, TOKENIZER_KINDS);
  if (split === undefined) return trainTokenizer(given, readText(files, onProgress));
  const special = given.specialTokens ?? [];
  const name = endToken ?? special[0] ?? END_OF_DOCUMENT;
  // Words and pairs do not reach from one document into the next; characters need nothing between.
  const between = given.kind === "word" || given.kind === "bpe" ? "\n" : "";
  return trainTokenizer(
    { ...given, specialTokens: special.includes(name) ? special : [name, ...special] },
    documentText(files, { split, between, onProgress }),
  );
}

const END_OF_DOCUMENT = "<|endoftext|>";

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
