import type { FileSource } from "../platform/platform.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { type ReadHow, readBytes, readText } from "./text-files.ts";

/**
 * The tokens of files, read and encoded piece by piece, so that they may be larger than memory.
 * @throws UsageError as `readText`, or as `readBytes` where bytes are the tokens; "unknown-token"
 */
export async function* tokenStream(
  files: readonly FileSource[],
  tokenizer: Tokenizer,
  how: ReadHow = {},
): AsyncGenerator<Int32Array> {
  if (tokenizer.encodeBytes === undefined) {
    yield* encodeStream(tokenizer, readText(files, how));
    return;
  }
  for await (const chunk of readBytes(files, how)) yield tokenizer.encodeBytes(chunk);
}

/** The tokens of a stream of text. */
export async function* encodeStream(
  tokenizer: Tokenizer,
  source: Iterable<string> | AsyncIterable<string>,
): AsyncGenerator<Int32Array> {
  const encoder = tokenizer.streamEncoder();
  for await (const text of source) {
    const tokens = encoder.push(text);
    if (tokens.length > 0) yield tokens;
  }
  const rest = encoder.end();
  if (rest.length > 0) yield rest;
}
