import type { FileSource } from "../platform/platform.ts";
import { expectInteger, expectOneOf, UsageError } from "../shared/errors.ts";
import { TOKENIZER_KINDS, type Tokenizer } from "../text/tokenizer.ts";
import { trainTokenizer } from "../text/train-tokenizer.ts";
import type { CorpusOptions } from "./corpus.ts";
import { documentText } from "./document-stream.ts";
import type { DocumentSplit } from "./documents.ts";
import { type ReadProgress, readText } from "./text-files.ts";
import { hasMoreThan, sampleText } from "./text-sample.ts";

const END_OF_DOCUMENT = "<|endoftext|>";

/** The tokenizer of a corpus: the given one, or a new one from its files, with a token for the end of a document if there are any. */
export async function corpusTokenizer(
  options: Pick<CorpusOptions, "tokenizer" | "vocabularySample" | "endToken" | "signal"> & {
    readonly files: readonly FileSource[];
    readonly split: DocumentSplit | undefined;
  },
  onProgress: ReadProgress | undefined,
): Promise<Tokenizer> {
  const { tokenizer: asked = { kind: "grapheme" } as const, files, split, endToken, signal } = options;
  if ("encode" in asked) return asked;
  expectOneOf("tokenizer.kind", asked.kind, TOKENIZER_KINDS);
  const sample = expectInteger("vocabularySample", options.vocabularySample ?? Number.MAX_SAFE_INTEGER, { min: 1 });
  const sampled = options.vocabularySample !== undefined && (await hasMoreThan(sample, files));
  const given = { signal, ...asked, ...(sampled && { unknown: asked.unknown ?? true }) };
  const how = { onProgress, signal };
  const texts = sampled ? [sampleText(files, sample, how)] : files.map((file) => readText([file], how));
  if (split === undefined) return trainTokenizer(inTurn(texts), given);
  const special = given.specialTokens ?? [];
  const name = endToken ?? special[0] ?? END_OF_DOCUMENT;
  // Words and pairs do not reach from one document into the next; characters need nothing between.
  const between = given.kind === "word" || given.kind === "bpe" ? "\n" : "";
  return trainTokenizer(documentText(texts, { split, between }), {
    ...given,
    specialTokens: special.includes(name) ? special : [name, ...special],
  });
}

async function* inTurn(texts: readonly AsyncIterable<string>[]): AsyncGenerator<string> {
  for (const text of texts) yield* text;
}

/** The token that ends documents. @throws UsageError "unknown-special-token" */
export function endTokenOf(tokenizer: Tokenizer, name: string | undefined): number {
  const known = Object.keys(tokenizer.specialTokens);
  const wanted = name ?? known[0];
  if (wanted !== undefined && Object.hasOwn(tokenizer.specialTokens, wanted)) return tokenizer.specialTokens[wanted]!;
  throw new UsageError(
    "unknown-special-token",
    `documents: they end with a special token, but the tokenizer has ${name === undefined ? "none" : `no ${JSON.stringify(name)}${known.length > 0 ? `; it has ${known.join(", ")}` : ""}`}`,
  );
}
