import { type FileSource, sourceName } from "../platform/platform.ts";
import { UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Abortable } from "../shared/signal.ts";
import { type BadRows, expectSome, readRows } from "./bad-rows.ts";
import { readDelimited } from "./delimited.ts";
import type { CellRow } from "./delimited-cells.ts";
import type { Placed } from "./examples.ts";
import { type TaggedSentences, tagCount, type UntaggedSentences } from "./tagged-sentences.ts";
import { readLines } from "./text-files.ts";

/** The columns that `readSentenceRows` reads. */
export interface SentenceColumns extends Abortable, BadRows {
  /** Column with the tokens of a sentence, separated by spaces: its name in the header, or its number from 1 in a file without header. */
  readonly tokens: string | number;
  /** Column with as many tags. Undefined: only tokens are read. */
  readonly tags?: string | number | undefined;
  /** Column with the intent of the sentence. */
  readonly intent?: string | number | undefined;
  /** Delimiter of cells. Default: a tab in .tsv files, else the one of , ; tab | that fits. */
  readonly delimiter?: string | undefined;
}

type Read<C> = C extends { readonly tags: string | number } ? Placed<TaggedSentences> : UntaggedSentences;

/**
 * Reads sentences from a table with one sentence per row, its tokens in one cell and its tags in another, as in slot filling data.
 * UTF-8, with or without byte order mark, optionally gzip, with any line ends.
 * @example `readSentenceRows("atis.train.tsv", { tokens: 1, tags: 2, intent: 3 })`
 * @throws UsageError "not-text", "file-empty", "table-empty", "ragged-row", "bad-quotes", "unknown-column", "tag-count", "no-label"; the reason of
 *   `signal`
 */
export async function readSentenceRows<const C extends SentenceColumns>(
  file: FileSource,
  columns: C,
): Promise<Read<C>> {
  expectOptions<SentenceColumns>("readSentenceRows", columns, {
    tokens: "required",
    tags: 1,
    intent: 1,
    delimiter: 1,
    onBadRow: 1,
    signal: 1,
  });
  const name = sourceName(file);
  const { tokens, tags, intent, delimiter, onBadRow, signal } = columns;
  const wanted = [tokens, tags, intent].filter((one) => one !== undefined);
  const all = { tokens: [] as string[][], tags: [] as string[][], intents: [] as string[], places: [] as string[] };
  const sentenceOf = ({ cells, line }: CellRow) => {
    const place = `${name}, line ${line}`;
    const own = wordsOf(cells[0]!);
    const labels = tags === undefined ? undefined : wordsOf(cells[1]!);
    const count = (labels ?? own).length;
    if (own.length === 0 || count !== own.length) throw tagCount(place, own.length, count);
    const about = intent === undefined ? undefined : cells.at(-1)!.trim();
    if (about === "")
      throw new UsageError("no-label", `${place}: expected what the sentence is about (the intent), got nothing`);
    return { own, labels, about, place };
  };
  for await (const rows of readDelimited(file, { columns: wanted, delimiter, onBadRow, signal }))
    for (const { own, labels, about, place } of readRows(rows, sentenceOf, { onBadRow })) {
      all.tokens.push(own);
      all.places.push(place);
      if (labels) all.tags.push(labels);
      if (about !== undefined) all.intents.push(about);
    }
  expectSome(name, all.tokens.length);
  return {
    tokens: all.tokens,
    ...(tags !== undefined && { tags: all.tags }),
    ...(intent !== undefined && { intents: all.intents }),
    places: all.places,
  } as unknown as Read<C>;
}

const wordsOf = (text: string): string[] => (text.trim() === "" ? [] : text.trim().split(/\s+/u));

/**
 * Reads sentences without tags, one per line, with tokens separated by spaces. Empty lines are skipped.
 * @throws UsageError "not-text", "file-empty", "table-empty"; the reason of `signal`
 */
export async function readSentenceLines(file: FileSource, options: Abortable = {}): Promise<UntaggedSentences> {
  expectOptions("readSentenceLines", options, { signal: 1 });
  const name = sourceName(file);
  const lines = await readLines(file, options);
  const sentences = lines
    .map((line, k) => ({ words: wordsOf(line), place: `${name}, line ${k + 1}` }))
    .filter(({ words }) => words.length > 0);
  if (sentences.length === 0)
    throw new UsageError("table-empty", `${name}: expected a sentence a line, got empty lines`);
  return {
    tokens: sentences.map(({ words }) => words),
    places: sentences.map(({ place }) => place),
  };
}
