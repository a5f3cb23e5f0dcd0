import { describe, expectOneOf, UsageError } from "../shared/errors.ts";
import { ByteTokenizer } from "./bytes.ts";
import { CharacterTokenizer } from "./characters.ts";
import { END_OF_LINE, type Tokenizer, UNKNOWN } from "./tokenizer.ts";
import { WordTokenizer } from "./words.ts";

const MOST_TOKENS = 1 << 24;
const LONGEST_TOKEN = 4096;

/**
 * The tokenizer that `toJSON` described. `value` may come from anywhere: everything in it is checked.
 * @throws UsageError "bad-tokenizer", "unknown-choice"
 */
export function tokenizerFromJSON(value: unknown): Tokenizer {
  if (typeof value !== "object" || value === null) throw bad("an object", value);
  const json = value as Record<string, unknown>;
  const kind = expectOneOf("tokenizer.kind", json.kind, ["grapheme", "character", "byte", "word"]);
  if (kind === "byte") return new ByteTokenizer();
  const unknown = expectBoolean("unknown", json.unknown);
  const tokens = expectTokens(json.tokens);
  if (unknown && tokens[0] !== UNKNOWN) throw bad(`"${UNKNOWN}" as the first of tokens`, tokens[0]);
  if (kind !== "word") {
    const first = unknown ? 1 : 0;
    const notOne = kind === "character" ? tokens.slice(first).find((token) => [...token].length !== 1) : undefined;
    if (notOne !== undefined) throw bad("one character in each of tokens", notOne);
    return new CharacterTokenizer(kind, tokens, { unknown });
  }
  if (!tokens.includes(END_OF_LINE)) throw bad(`"${END_OF_LINE}" among tokens`, json.tokens);
  const segmentation = expectOneOf("tokenizer.segmentation", json.segmentation, ["unicode", "space"]);
  return new WordTokenizer(tokens, { unknown, segmentation, lowerCase: expectBoolean("lowerCase", json.lowerCase) });
}

function expectTokens(value: unknown): string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_TOKENS) {
    throw bad(`tokens as an array of 1 to ${MOST_TOKENS} strings`, value);
  }
  const seen = new Set<string>();
  for (const token of value as unknown[]) {
    if (typeof token !== "string" || token === "" || token.length > LONGEST_TOKEN) {
      throw bad(`strings of 1 to ${LONGEST_TOKEN} code units in tokens`, token);
    }
    if (seen.has(token)) throw bad("every string in tokens once", token);
    seen.add(token);
  }
  return [...seen];
}

function expectBoolean(name: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw bad(`${name} as true or false`, value);
  return value;
}

function bad(expected: string, came: unknown): UsageError {
  return new UsageError("bad-tokenizer", `tokenizer: expected ${expected}, got ${describe(came)}`);
}
