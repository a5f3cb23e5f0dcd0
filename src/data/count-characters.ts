import { pieces, type TokenSequence } from "../text/token-sequence.ts";
import type { Tokenizer } from "../text/tokenizer.ts";

/** Counts the characters (code points) that tokens decode to: the unit of "bits per character", the same for every tokenizer. */
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
