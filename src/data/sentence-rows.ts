import { type FileSource, sourceName } from "../platform/platform.ts";
import { UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { columnOf, parseDelimited } from "./delimited.ts";
import { type TaggedSentences, tagCount, type UntaggedSentences } from "./tagged-sentences.ts";
import { readText } from "./text-files.ts";

export interface SentenceColumns {
  /** Column with the tokens of a sentence, separated by spaces: its name in the header, or its number from 1 in a file without header. */
  readonly tokens: string | number;
  /** Column with as many tags. Undefined: the tokens alone are read. */
  readonly tags?: string | number | undefined;
  /** Column with what the sentence is about. */
  readonly intent?: string | number | undefined;
  /** What stands between cells; default: a tab in .tsv files, else the one of , ; tab | that fits. */
  readonly delimiter?: string | undefined;
}

type Read<C> = C extends { readonly tags: string | number } ? TaggedSentences : UntaggedSentences;

/**
 * Sentences from a table with one a row, its tokens in one cell and its tags in another, as slot filling data come. UTF-8, with or
 * without byte order mark, gzip or not, any line ends.
 *
 * @example `readSentenceRows("atis.train.tsv", { tokens: 1, tags: 2, intent: 3 })`
 * @throws UsageError "not-text", "file-empty", "table-empty", "ragged-row", "bad-quotes", "unknown-column", "tag-count", "no-label"
 */
export async function readSentenceRows<const C extends SentenceColumns>(
  file: FileSource,
  columns: C,
): Promise<Read<C>> {
  expectOptions<SentenceColumns>("readSentenceRows", columns, { tokens: 1, tags: 1, intent: 1, delimiter: 1 });
  const name = sourceName(file);
  const parts: string[] = [];
  for await (const part of readText([file])) parts.push(part);
  const { tokens, tags, intent, delimiter } = columns;
  const numbered = [tokens, tags, intent].every((one) => one === undefined || /^\d+$/.test(String(one)));
  const table = parseDelimited(parts.join(""), { name, delimiter, header: !numbered });
  const cell = (column: string | number | undefined): ((row: readonly string[]) => string) | undefined => {
    if (column === undefined) return undefined;
    const at = columnOf(table, column, name);
    return (row) => row[at]!.trim();
  };
  const [tokensOf, tagsOf, intentOf] = [cell(tokens)!, cell(tags), cell(intent)];
  const words = (text: string): string[] => (text === "" ? [] : text.split(/\s+/u));
  const all = table.rows.map(tokensOf).map(words);
  const labels = tagsOf && table.rows.map(tagsOf).map(words);
  const intents = intentOf && table.rows.map(intentOf);
  for (const [k, place] of table.places.entries()) {
    const count = (labels ?? all)[k]!.length;
    if (all[k]!.length === 0 || count !== all[k]!.length) throw tagCount(place, all[k]!.length, count);
    if (intents?.[k] === "")
      throw new UsageError("no-label", `${place}: expected what the sentence is about (the intent), got nothing`);
  }
  return {
    tokens: all,
    ...(labels && { tags: labels }),
    ...(intents && { intents }),
    places: table.places,
  } as unknown as Read<C>;
}

/**
 * Sentences without tags, one a line, their tokens separated by spaces; empty lines are none.
 * @throws UsageError "not-text", "file-empty", "table-empty"
 */
export async function readSentenceLines(file: FileSource): Promise<UntaggedSentences> {
  const name = sourceName(file);
  const parts: string[] = [];
  for await (const part of readText([file])) parts.push(part);
  const lines = parts.join("").split(/\r\n|\n|\r/);
  const there = [...lines.entries()].filter(([, line]) => line.trim() !== "");
  if (there.length === 0) throw new UsageError("table-empty", `${name}: expected a sentence a line, got empty lines`);
  return {
    tokens: there.map(([, line]) => line.trim().split(/\s+/u)),
    places: there.map(([k]) => `${name}, line ${k + 1}`),
  };
}
