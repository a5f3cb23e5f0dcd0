import { describe, UsageError } from "../shared/errors.ts";
import type { Segmenter } from "./segments.ts";
import type { StreamDecoder, StreamEncoder } from "./tokenizer.ts";
import type { TokenBuffer } from "./windows.ts";

/** The tokens of a whole text. @throws UsageError "bad-option" for what is no text */
export function encodeWhole(encoder: StreamEncoder, text: string): Int32Array {
  if (typeof text !== "string") throw new UsageError("bad-option", `encode: expected a text, got ${describe(text)}`);
  return joined([encoder.push(text), encoder.end()]);
}

/** The text of tokens. */
export function decodeWhole(decoder: StreamDecoder, tokens: ArrayLike<number>): string {
  const parts: string[] = [];
  for (let i = 0; i < tokens.length; i++) parts.push(decoder.push(tokens[i]!));
  parts.push(decoder.end());
  return parts.join("");
}

/** An encoder of what cuts text into pieces and puts their tokens into a buffer. */
export const bufferedEncoder = (pieces: Segmenter, buffer: TokenBuffer): StreamEncoder => ({
  push(text) {
    pieces.push(text);
    return buffer.take();
  },
  end() {
    pieces.end();
    return buffer.take();
  },
});

/** Tokens one behind the other; nothing is copied where they are in one part. */
export function joined(parts: readonly Int32Array[]): Int32Array {
  const full = parts.filter((part) => part.length > 0);
  if (full.length === 1) return full[0]!;
  const all = new Int32Array(full.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of full) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
