import type { FileSource } from "../platform/platform.ts";
import { sourceName } from "../platform/platform.ts";
import { describe, expectInteger, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Abortable } from "../shared/signal.ts";
import { type BadRows, expectSome, readRow } from "./bad-rows.ts";
import type { Placed } from "./examples.ts";
import type { TaggedSentences, UntaggedSentences } from "./tagged-sentences.ts";
import { readLines } from "./text-files.ts";

/** The columns that `readTokenColumns` reads. */
export interface TokenColumns extends Abortable {
  /**
   * Called for each sentence with a row that cannot be read, with the error that says where and why; the sentence is then left out.
   * Default: the first such row ends the reading.
   */
  readonly onBadRow?: BadRows["onBadRow"];
  /** Number of the column with the token, from 1. Default 1. */
  readonly token?: number | undefined;
  /** Number of the column with the tag, from 1, or "last" (default). "none" reads only tokens. */
  readonly tag?: number | "last" | "none" | undefined;
  /** Delimiter of cells. Default: a tab if the first line that is not a comment has one, else any number of spaces. */
  readonly delimiter?: string | undefined;
}

type Read<C> = C extends { readonly tag: "none" } ? UntaggedSentences : Placed<TaggedSentences>;

/** Rows of CoNLL-U that are no tokens of their own: "2-3" of a token written as one, "2.1" of one left out. */
const NO_TOKEN = /^\d+[-.]\d+$/;
const CONLLU_COLUMNS = 10;

/**
 * Reads sentences in the column format of the CoNLL tasks: one line per token, its cells in columns, an empty line between sentences.
 * UTF-8, with or without byte order mark, optionally gzip, with any line ends. Skipped are "-DOCSTART-" lines, comments (lines that
 * begin with "#" and have another number of cells), and in the ten columns of CoNLL-U rows that are not tokens.
 * @example `readTokenColumns("train.txt", { token: 1, tag: 4 })`
 * @throws UsageError "not-text", "file-empty", "table-empty", "ragged-row", "unknown-column", "no-label", "bad-option"; the reason of `signal`
 */
export async function readTokenColumns<const C extends TokenColumns>(
  file: FileSource,
  columns: C = {} as C,
): Promise<Read<C>> {
  expectOptions<TokenColumns>("readTokenColumns", columns, { token: 1, tag: 1, delimiter: 1, onBadRow: 1, signal: 1 });
  const name = sourceName(file);
  const { token, tag = "last", delimiter, signal }: TokenColumns = columns;
  if (delimiter !== undefined && !/^[^\r\n]$/u.test(delimiter))
    throw new UsageError("bad-option", `delimiter: expected one character, got ${describe(delimiter)}`);
  const lines = await readLines(file, { signal });
  const first = lines.findIndex((line) => line.trim() !== "" && !line.startsWith("#") && !isDocument(line));
  if (first < 0) throw new UsageError("table-empty", `${name}: expected lines with a token and its tag, got none`);
  const tabs = delimiter === undefined && lines[first]!.includes("\t");
  // Other white space may be a token: Chinese texts have one of their own (U+3000).
  const cut = (line: string): string[] =>
    tabs ? line.split("\t") : delimiter === undefined ? line.match(/[^ \t]+/g)! : line.split(delimiter);
  const count = cut(lines[first]!).length;
  const separator = tabs ? "a tab" : delimiter === undefined ? "spaces" : JSON.stringify(delimiter);
  const at = (column: string, number: number): number => {
    if (number <= count) return number - 1;
    const one = count === 1 ? `: cells are separated by something else than ${separator} (--delimiter)` : "";
    throw new UsageError(
      "unknown-column",
      `${name}, line ${first + 1}: expected the ${column} in column ${number}, there ${count === 1 ? "is one column" : `are ${count} columns`} only${one}`,
    );
  };
  const tokenAt = at("token", expectInteger("token", token ?? 1, { min: 1 }));
  const tagAt =
    tag === "none" ? undefined : at("tag", tag === "last" ? Math.max(2, count) : expectInteger("tag", tag, { min: 1 }));

  const rowOf = (cells: readonly string[], place: string) => {
    if (cells.length !== count)
      throw new UsageError(
        "ragged-row",
        `${place}: expected ${count} column${count === 1 ? "" : "s"} as in line ${first + 1}, got ${cells.length}; cells are separated by ${separator} (--delimiter)`,
      );
    const word = cells[tokenAt]!;
    const tag = tagAt === undefined ? undefined : cells[tagAt]!.trim();
    if (word === "" || tag === "")
      throw new UsageError("no-label", `${place}: expected ${word === "" ? "a token" : "a tag"}, got nothing`);
    return { word, tag };
  };

  const read: { readonly place: string; readonly tokens: string[]; readonly tags: string[]; bad: boolean }[] = [];
  let open: (typeof read)[number] | undefined;
  for (const [k, line] of lines.entries()) {
    if (line.trim() === "" || isDocument(line)) {
      open = undefined;
      continue;
    }
    const cells = cut(line);
    if (line.startsWith("#") && cells.length !== count) continue;
    if (count === CONLLU_COLUMNS && cells.length === count && NO_TOKEN.test(cells[0]!)) continue;
    const place = `${name}, line ${k + 1}`;
    if (open === undefined) {
      open = { place, tokens: [], tags: [], bad: false };
      read.push(open);
    }
    // Of a sentence that is left out anyway one reason is enough.
    const row = open.bad ? undefined : readRow(() => rowOf(cells, place), columns);
    if (row === undefined) open.bad = true;
    else {
      open.tokens.push(row.word);
      if (row.tag !== undefined) open.tags.push(row.tag);
    }
  }
  const good = read.filter(({ bad }) => !bad);
  expectSome(name, good.length);
  const untagged = { tokens: good.map(({ tokens }) => tokens), places: good.map((one) => one.place) };
  const tags = good.map((one) => one.tags);
  return (tagAt === undefined ? untagged : { ...untagged, tags }) as TaggedSentences | UntaggedSentences as Read<C>;
}

const isDocument = (line: string): boolean => line.startsWith("-DOCSTART-");
