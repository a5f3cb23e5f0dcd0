import { platform } from "#platform";
import { type FileSource, sourceName } from "../platform/platform.ts";
import { type Closeable, closing } from "../shared/closing.ts";
import { describe, expectBoolean, expectInteger, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Abortable } from "../shared/signal.ts";
import { partOf, type TokenSequence } from "../text/token-sequence.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { TrainTokenizerOptions } from "../text/train-tokenizer.ts";
import { lastAtMost } from "./ascending.ts";
import { bytesInPlace } from "./bytes-in-place.ts";
import { corpusTokenizer, endTokenOf } from "./corpus-tokenizer.ts";
import { shuffleDocuments } from "./document-order.ts";
import { documentTokens } from "./document-stream.ts";
import { type DocumentSplit, expectSplit } from "./documents.ts";
import { GrowingNumbers } from "./growing-numbers.ts";
import type { ReadProgress } from "./text-files.ts";
import { type StoredPart, TokenCache } from "./token-cache.ts";
import { MEMORY_LIMIT, storeTokens, type TokenStore } from "./token-store.ts";
import { tokenStream } from "./token-stream.ts";

/** Options of `openCorpus`. */
export interface CorpusOptions extends Abortable {
  /**
   * Text files, optionally gzip, read in order as one text. In Node a path may be a folder (all files in it and its subfolders except
   * hidden ones) or a pattern: "data/*.txt"; "**" stands for any folders.
   */
  readonly files: readonly FileSource[];
  /** A tokenizer, or options to make one from all of `files`. Default: graphemes. */
  readonly tokenizer?: Tokenizer | TrainTokenizerOptions | undefined;
  /**
   * Bytes of text to build the vocabulary from, in samples from all over `files`; the vocabulary then has a token "<unk>" for the rest.
   * Default: all text.
   */
  readonly vocabularySample?: number | undefined;
  /**
   * The part at the end that is kept for validation: a fraction from 0 (none) to below 1, or files. Default 0.1: the first nine tenths,
   * rounded down to whole tokens, are for training.
   */
  readonly validation?: number | readonly FileSource[] | undefined;
  /**
   * What a document is. Each document is encoded by itself and ends with `endToken`, and a validation part starts with a document.
   * Default: the files are one text.
   */
  readonly documents?: DocumentSplit | undefined;
  /**
   * The special token that ends documents and after which generation starts. Default: the first special token of the tokenizer; a new
   * tokenizer without any gets "<|endoftext|>".
   */
  readonly endToken?: string | undefined;
  /** Whether to shuffle the training documents, in a new order in each epoch. Default false. */
  readonly shuffle?: boolean | undefined;
  /** Seed of `shuffle`. Default 0. */
  readonly seed?: number | undefined;
  /**
   * Bytes of tokens to keep in memory; larger corpora go to a file, or stay in their files if tokens are bytes. Default 256 MiB per
   * part.
   */
  readonly memoryLimit?: number | undefined;
  /** Folder for the temporary file. Default: that of the system. */
  readonly folder?: string | undefined;
  /**
   * Folder in which tokens beyond `memoryLimit` are kept and reused, as long as the files (by size and modification time), the
   * tokenizer and `documents` stay the same. Default: none.
   */
  readonly cache?: string | undefined;
  /** Called while files are read, with the bytes of `file` so far and the pass over the files. */
  readonly onProgress?:
    | ((progress: { readonly file: string; readonly bytes: number; readonly pass: CorpusPass }) => void)
    | undefined;
}

/** The pass over the files that is reported. */
export type CorpusPass = "vocabulary" | "tokens";

/** Texts as tokens, divided into a training and a validation part: see `openCorpus`. */
export interface Corpus extends Closeable {
  /** The tokenizer of the corpus. */
  readonly tokenizer: Tokenizer;
  /** Tokens for training. With `shuffle` an `EpochTokens`, whose `inEpoch(epoch)` has the order of an epoch. */
  readonly train: TokenSequence;
  /** Tokens for validation; of length 0 if `validation` is 0. */
  readonly validation: TokenSequence;
  /** Sizes of the vocabulary, of both parts, and of a token; where the tokens are kept. */
  readonly sizes: {
    readonly vocabularySize: number;
    readonly trainTokens: number;
    readonly validationTokens: number;
    /** Documents for training and for validation; undefined where the files are one text. */
    readonly documents?: { readonly train: number; readonly validation: number } | undefined;
    readonly bytesPerToken: 1 | 2 | 4;
    readonly place: "memory" | "file";
  };
  /** Frees the stored tokens. */
  close(): void;
}

/**
 * Opens text files as tokens for training and validation. Files are read twice, for the vocabulary and for the tokens; once if a
 * tokenizer is given or tokens are bytes; not at all if tokens are the bytes of plain files larger than `memoryLimit`.
 * @throws UsageError "no-files", "too-few-tokens" when a part has fewer than two tokens, "out-of-range",
 *   and what `readText`, `trainTokenizer` and `storeTokens` throw; the reason of `signal`: no temporary file and no entry of the cache
 *   stays behind
 */
export async function openCorpus(options: CorpusOptions): Promise<Corpus> {
  expectOptions("openCorpus", options, {
    files: "required",
    tokenizer: 1,
    vocabularySample: 1,
    validation: 1,
    documents: 1,
    endToken: 1,
    shuffle: 1,
    seed: 1,
    memoryLimit: 1,
    folder: 1,
    cache: 1,
    onProgress: 1,
    signal: 1,
  });
  expectFiles("files", options.files);
  const shuffle = expectBoolean("shuffle", options.shuffle ?? false);
  const seed = expectInteger("seed", options.seed ?? 0, { min: 0 });
  const validation = options.validation ?? 0.1;
  if (typeof validation === "number") expectFraction(validation);
  else expectFiles("validation", validation);
  const split = options.documents === undefined ? undefined : expectSplit(options.documents);
  if (split === undefined && (shuffle || options.endToken !== undefined))
    throw new UsageError("bad-option", "documents: shuffle and endToken need it, to know what a document is");
  options.signal?.throwIfAborted();
  const files = await found(options.files);
  const held = typeof validation === "number" ? undefined : await found(validation);

  const progress = (pass: CorpusPass): ReadProgress | undefined => {
    const tell = options.onProgress;
    return tell && ((read) => tell({ ...read, pass }));
  };
  const tokenizer = await corpusTokenizer({ ...options, files, split }, progress("vocabulary"));
  const endToken = split === undefined ? undefined : endTokenOf(tokenizer, options.endToken);
  const open = (sources: readonly FileSource[], name: string): Promise<StoredPart> =>
    openPart(sources, name, { ...options, tokenizer, split, endToken, onProgress: progress("tokens") });
  const stores: TokenStore[] = [];
  const close = () => {
    for (const one of stores) one.close();
  };
  try {
    const main = await open(files, "tokens");
    stores.push(main.store);
    const own = held && (await open(held, "validation"));
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
    return closing<Corpus>({
      tokenizer,
      train: shuffle ? shuffleDocuments(part, starts, seed) : part,
      validation: rest,
      sizes: {
        vocabularySize: tokenizer.vocabularySize,
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
    });
  } catch (error) {
    close();
    throw error;
  }
}

interface PartOptions extends Pick<CorpusOptions, "memoryLimit" | "folder" | "cache" | "signal"> {
  readonly tokenizer: Tokenizer;
  readonly split: DocumentSplit | undefined;
  readonly endToken: number | undefined;
  readonly onProgress: ReadProgress | undefined;
}

/** The tokens of files: read in place, from the cache, or encoded now. `name` is that of the part in the cache. */
async function openPart(sources: readonly FileSource[], name: string, options: PartOptions): Promise<StoredPart> {
  const { tokenizer, split, endToken, memoryLimit, folder, onProgress, signal } = options;
  const { vocabularySize } = tokenizer;
  const bytes = split === undefined && tokenizer.encodeBytes && bytesInPlace(sources, memoryLimit ?? MEMORY_LIMIT);
  if (bytes) return { store: bytes, starts: new Float64Array(0) };
  const cut = { split, endToken };
  const cache = options.cache && (await TokenCache.open(options.cache, name, { sources, tokenizer, cut }));
  const known = cache && (await cache.find());
  if (known) return known;
  const starts = new GrowingNumbers();
  const stream =
    split === undefined || endToken === undefined
      ? tokenStream(sources, tokenizer, { onProgress, signal })
      : documentTokens(sources, tokenizer, {
          ...{ split, endToken, onProgress, signal, onStart: (place) => starts.push(place) },
        });
  const path = cache ? () => cache.begin() : undefined;
  try {
    const store = await storeTokens(stream, { vocabularySize, memoryLimit, folder, path });
    const part = { store, starts: starts.values() };
    if (cache && store.place === "file") await cache.keep(part, vocabularySize);
    return part;
  } catch (error) {
    if (cache) await cache.drop();
    throw error;
  }
}

/** Paths of folders and patterns become those of files. */
async function found(sources: readonly FileSource[]): Promise<FileSource[]> {
  const all = await Promise.all(
    sources.map(async (one) => (typeof one === "string" ? platform.findFiles(one) : [one])),
  );
  return all.flat();
}

/** The last start that is at most `wanted`, but not that of the first document, so that something is learned from. */
const lastStart = (starts: Float64Array, wanted: number): number =>
  starts[Math.max(1, lastAtMost(starts, wanted))] ?? 0;

function expectFiles(argument: string, files: readonly FileSource[]): void {
  if (!Array.isArray(files))
    throw new UsageError(
      "bad-option",
      `${argument}: expected a list of paths, URLs and Blobs, such as ["novel.txt"], got ${describe(files)}`,
    );
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
