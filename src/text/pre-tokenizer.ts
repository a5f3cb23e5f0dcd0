import { describe, UsageError } from "../shared/errors.ts";
import { compilePattern, escaped, partsOf, WORD } from "./pattern.ts";

/** How a tokenizer file says into which pieces text is cut before a model sees it. */
export type PreTokenizerSpec = { readonly type: string; readonly [field: string]: unknown };

export interface PreTokenizer {
  readonly cut: Cut;
  /** Whether the model sees the bytes of a piece (UTF-8) in place of its characters. */
  readonly bytes: boolean;
}

/**
 * Where GPT-2 cuts: English contractions, letters, numbers and other characters, each with one space before, and runs of
 * white space.
 * @see Radford et al., "Language models are unsupervised multitask learners" (2019)
 */
export const WORDS_WITH_SPACE = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

export const BYTE_LEVEL = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true } as const;

/** Cuts a text into pieces, in order. */
export type Cut = (text: string) => string[];
/** What \w is to Rust, in which the library's own pre-tokenizer is written: what joins letters, too. */
const RUST_WORD = String.raw`${WORD}\u200c\u200d`;
const ASCII_PUNCTUATION = String.raw`[!-\/:-@\[-\x60{-~\p{P}]`;

/**
 * What `spec` describes; null cuts nothing.
 * @throws UsageError "bad-tokenizer" with the name of what is not known here
 */
export function preTokenizer(spec: PreTokenizerSpec | null): PreTokenizer {
  const parts = flat(spec);
  const bytes = parts.at(-1)?.type === "ByteLevel";
  const earlier = parts.slice(0, -1).find((part) => part.type === "ByteLevel");
  if (earlier) throw unknown("ByteLevel before another pre-tokenizer");
  const cuts = parts.map(cutOf).filter((cut): cut is Cut => cut !== undefined);
  return {
    bytes,
    cut: (text) => cuts.reduce<string[]>((pieces, cut) => pieces.flatMap(cut), text === "" ? [] : [text]),
  };
}

function flat(spec: PreTokenizerSpec | null): PreTokenizerSpec[] {
  if (spec === null || spec === undefined) return [];
  if (typeof spec !== "object" || typeof spec.type !== "string") throw unknown(`pre_tokenizer ${describe(spec)}`);
  if (spec.type !== "Sequence") return [spec];
  const parts = spec.pretokenizers;
  if (!Array.isArray(parts)) throw unknown("Sequence without pretokenizers");
  return parts.flatMap((part) => flat(part as PreTokenizerSpec));
}

function cutOf(spec: PreTokenizerSpec): Cut | undefined {
  switch (spec.type) {
    case "ByteLevel":
      if (spec.add_prefix_space === true) throw unknown("ByteLevel with add_prefix_space");
      return spec.use_regex === false ? undefined : byPattern(WORDS_WITH_SPACE, "Isolated", false);
    case "Split":
      return byPattern(patternOf(spec.pattern), spec.behavior, spec.invert === true);
    case "Whitespace":
      return byPattern(String.raw`[${RUST_WORD}]+|[^${RUST_WORD}\s]+`, "Removed", true);
    case "WhitespaceSplit":
      return byPattern(String.raw`\s`, "Removed", false);
    case "Digits":
      return byPattern(spec.individual_digits === true ? String.raw`\p{N}` : String.raw`\p{N}+`, "Isolated", false);
    case "Punctuation":
      return byPattern(ASCII_PUNCTUATION, spec.behavior ?? "Isolated", false);
    default:
      throw unknown(spec.type);
  }
}

/** Cut at what the pattern finds, or with `invert` at what it does not find; that is a piece of its own or left out. */
function byPattern(source: string, behavior: unknown, invert: boolean): Cut {
  if (behavior !== "Isolated" && behavior !== "Removed") throw unknown(splitWith("behavior", behavior));
  const pattern = compilePattern(source);
  const removed = behavior === "Removed";
  return (text) => {
    const pieces: string[] = [];
    for (const part of partsOf(text, pattern)) if (!(removed && part.matched !== invert)) pieces.push(part.text);
    return pieces;
  };
}

function patternOf(value: unknown): string {
  const { Regex, String: text } = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  if (typeof Regex === "string") return Regex;
  if (typeof text === "string" && text !== "") return escaped(text);
  throw unknown(splitWith("pattern", value));
}

const splitWith = (name: string, value: unknown): string =>
  value === undefined ? `Split without ${name}` : `Split with ${name} ${describe(value)}`;

const unknown = (what: string): UsageError =>
  new UsageError(
    "bad-tokenizer",
    `tokenizer: the pre-tokenizer ${what} is not known here; known are ByteLevel, Split (Isolated, Removed), Whitespace, WhitespaceSplit, Digits, Punctuation, Sequence`,
  );
