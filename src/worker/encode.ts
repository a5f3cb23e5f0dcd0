import { UsageError } from "../shared/errors.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { MAX_TOKENS } from "./protocol.ts";

/** A text as tokens; what the vocabulary lacks and has no token for is left out, what is too long is cut. @throws UsageError "no-tokens" */
export function encoded(
  tokenizer: Tokenizer,
  text: string,
  most = MAX_TOKENS,
): { readonly tokens: Int32Array; readonly leftOut: string[]; readonly cut: boolean } {
  // No text of more characters has fewer tokens than are kept, but for vocabularies of words.
  const head = text.slice(0, most * 16);
  const leftOut = new Set<string>();
  let tokens = known(tokenizer, head);
  if (!tokens) {
    const parts: Int32Array[] = [];
    for (const { segment } of new Intl.Segmenter("en", { granularity: "grapheme" }).segment(head)) {
      const part = known(tokenizer, segment);
      if (part) parts.push(part);
      else leftOut.add(segment);
    }
    tokens = Int32Array.from(parts.flatMap((part) => Array.from(part)));
  }
  if (tokens.length === 0) throw new UsageError("no-tokens", "there is no character in this text that the model knows");
  const cut = tokens.length > most || head.length < text.length;
  return { tokens: tokens.slice(0, most), leftOut: [...leftOut], cut };
}

/** The tokens of a text, undefined if there is anything in it that has none. */
function known(tokenizer: Tokenizer, text: string): Int32Array | undefined {
  try {
    return tokenizer.encode(text);
  } catch (error) {
    if (error instanceof UsageError && error.code === "unknown-token") return undefined;
    throw error;
  }
}
