import type { FileSource } from "../platform/platform.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { type DocumentPiece, type DocumentSplit, documentSplitter } from "./documents.ts";
import { type ReadHow, readText } from "./text-files.ts";

/** The documents of texts, in pieces; none reaches from one text into the next. */
async function* documentsOf(
  texts: readonly AsyncIterable<string>[],
  split: DocumentSplit,
): AsyncGenerator<DocumentPiece> {
  for (const pieces of texts) {
    const splitter = documentSplitter(split);
    for await (const text of pieces) yield* splitter.push(text);
    yield* splitter.end();
  }
}

/** The text of documents for a vocabulary, with `between` after each. */
export async function* documentText(
  texts: readonly AsyncIterable<string>[],
  { split, between }: { readonly split: DocumentSplit; readonly between: string },
): AsyncGenerator<string> {
  for await (const { text, ends } of documentsOf(texts, split)) yield ends ? text + between : text;
}

/** The tokens of documents, each encoded by itself, with `endToken` after each; `starts` is told where each begins. */
export async function* documentTokens(
  files: readonly FileSource[],
  tokenizer: Tokenizer,
  options: ReadHow & {
    readonly split: DocumentSplit;
    readonly endToken: number;
    readonly onStart: (place: number) => void;
  },
): AsyncGenerator<Int32Array> {
  let encoder = tokenizer.streamEncoder();
  let place = 0;
  let start = 0;
  const { onProgress, signal } = options;
  const texts = files.map((file) => readText([file], { onProgress, signal }));
  for await (const { text, ends } of documentsOf(texts, options.split)) {
    const tokens = encoder.push(text);
    place += tokens.length;
    if (tokens.length > 0) yield tokens;
    if (!ends) continue;
    const rest = encoder.end();
    yield rest;
    yield Int32Array.of(options.endToken);
    options.onStart(start);
    place += rest.length + 1;
    start = place;
    encoder = tokenizer.streamEncoder();
  }
}
