import { describe, UsageError } from "../shared/errors.ts";
import type { EncodeOptions, StreamDecoder, StreamEncoder } from "./tokenizer.ts";

/** What tokenizers have in common: whole texts go through their streams. */
export abstract class StreamTokenizer {
  abstract readonly vocabulary: readonly string[];
  abstract streamEncoder(options?: EncodeOptions): StreamEncoder;
  abstract streamDecoder(): StreamDecoder;

  get vocabularySize(): number {
    return this.vocabulary.length;
  }

  /** @throws UsageError "bad-option" for what is no text */
  encode(text: string, options?: EncodeOptions): Int32Array {
    if (typeof text !== "string") throw new UsageError("bad-option", `encode: expected a text, got ${describe(text)}`);
    const encoder = this.streamEncoder(options);
    return joined([encoder.push(text), encoder.end()]);
  }

  decode(tokens: ArrayLike<number>): string {
    const decoder = this.streamDecoder();
    const parts: string[] = [];
    for (let i = 0; i < tokens.length; i++) parts.push(decoder.push(tokens[i]!));
    parts.push(decoder.end());
    return parts.join("");
  }
}

/** Concatenates tokens; nothing is copied where only one part has any. */
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
