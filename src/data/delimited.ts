import { type FileSource, sourceName } from "../platform/platform.ts";
import { describe, nearest, UsageError } from "../shared/errors.ts";
import type { Abortable } from "../shared/signal.ts";
import { type BadRows, expectSome, readRows } from "./bad-rows.ts";
import { type CellRow, cellRows, QuoteError, type Rest } from "./delimited-cells.ts";
import { readTable } from "./text-files.ts";

export interface DelimitedOptions extends Abortable, BadRows {
  /** Which ones are read: names of the header, or numbers from 1. Default: all. */
  readonly columns?: readonly (string | number)[];
  /** Default: tab for names that end in .tsv, otherwise the one of , ; tab | that fits the first rows. */
  readonly delimiter?: string | undefined;
  /** Whether the first row names the columns. Default: it does, unless all columns are given by number. */
  readonly header?: boolean | undefined;
}

/** What is known of a table from its first row. */
interface Head {
  readonly name: string;
  /** Undefined: the file does not name its columns. */
  readonly header: readonly string[] | undefined;
  readonly width: number;
  readonly delimiter: string;
}

/** Tried where nothing is said, in this order. */
const DELIMITERS = [",", ";", "\t", "|"] as const;
/** Rows that a delimiter is tried on, and characters that they are looked for in. */
const [TRIED, SAMPLE] = [20, 1 << 16];
/** Characters that a row may have: a quotation mark that is never closed would take all that follows. */
const LONGEST = 1 << 26;

/**
 * Columns of a CSV or TSV file, read in pieces: no more of it is held at a time than a row and a piece of 256 KiB. In tables with commas, semicolons
 * or bars a cell may stand in quotation marks (RFC 4180) and then hold line ends; in those with tabs a quotation mark is a character like
 * any other. Empty lines are no rows.
 *
 * @returns rows as they come, some at a time, with the cells of these columns in this order
 * @throws UsageError "not-text", "file-empty", "table-empty", "ragged-row", "bad-quotes", "unknown-column", "bad-option"
 */
export async function* readDelimited(file: FileSource, options: DelimitedOptions): AsyncGenerator<readonly CellRow[]> {
  const { columns } = options;
  const name = sourceName(file);
  if (options.delimiter !== undefined && !/^[^"\r\n]$/.test(options.delimiter))
    throw new UsageError("bad-option", `delimiter: expected one character, got ${describe(options.delimiter)}`);
  const named = options.header ?? !columns?.every((column) => /^\d+$/.test(String(column)));
  let head: Head | undefined;
  let chosen: readonly number[] = [];
  let [some, count] = [false, 0];
  for await (const { delimiter, rows } of piecesOf(file, name, options)) {
    const begins = head === undefined;
    if (begins) {
      const [{ cells }] = rows as [CellRow, ...CellRow[]];
      head = { name, delimiter, width: cells.length, header: named ? cells : undefined };
      chosen = columns?.map((column) => columnOf(head!, column)) ?? [...cells.keys()];
    }
    const there = begins && named ? rows.slice(1) : rows;
    some ||= there.length > 0;
    const data = readRows(there, (row) => evenRow(head!, row), options);
    count += data.length;
    if (data.length > 0) yield data.map(({ cells, line }) => ({ cells: chosen.map((at) => cells[at]!), line }));
  }
  if (some) expectSome(name, count);
  else
    throw new UsageError(
      "table-empty",
      `${name}: expected rows with examples, got ${head === undefined ? "empty lines" : "a header and nothing below it"}`,
    );
}

function evenRow({ name, width, delimiter }: Head, row: CellRow): CellRow {
  const { cells, line } = row;
  if (cells.length === width) return row;
  throw new UsageError(
    "ragged-row",
    `${name}, line ${line}: expected ${width} cells as in the first line, got ${cells.length}; a cell that holds ${shown(delimiter)} must stand in quotation marks, or the delimiter is another one (--delimiter)`,
  );
}

/** All rows of a file, never none at a time. */
async function* piecesOf(
  file: FileSource,
  name: string,
  { delimiter: asked, signal }: DelimitedOptions,
): AsyncGenerator<{ readonly delimiter: string; readonly rows: readonly CellRow[] }> {
  const tabs = /\.(tsv|tab)(\.gz)?$/i.test(name) ? "\t" : undefined;
  let delimiter = asked ?? tabs;
  let [text, line, wanted] = ["", 1, SAMPLE];
  const read = (more: boolean): CellRow[] => {
    delimiter ??= guess(text, more);
    const rows: CellRow[] = [];
    const rest = collect(cellRows(text, delimiter, { quotes: delimiter !== "\t", line, more }), rows, name);
    [text, line] = [text.slice(rest.at), rest.line];
    // A row that does not end yet is read again only when twice as much of it is there.
    wanted = 2 * text.length;
    return rows;
  };
  for await (const part of readTable(file, { signal })) {
    text += part;
    if (text.length > LONGEST)
      throw new UsageError(
        "bad-quotes",
        `${name}, line ${line}: the row that begins here has more than ${LONGEST} characters; is a quotation mark not closed?`,
      );
    if (text.length < wanted) continue;
    const rows = read(true);
    if (rows.length > 0) yield { delimiter: delimiter!, rows };
  }
  const rows = read(false);
  if (rows.length > 0) yield { delimiter: delimiter!, rows };
}

function collect(found: Generator<CellRow, Rest>, rows: CellRow[], name: string): Rest {
  try {
    for (;;) {
      const { done, value } = found.next();
      if (done) return value;
      rows.push(value);
    }
  } catch (cause) {
    if (!(cause instanceof QuoteError)) throw cause;
    throw new UsageError(
      "bad-quotes",
      `${name}, line ${cause.line}: ${cause.message}; within quotation marks write "" for one`,
      { cause },
    );
  }
}

/** The delimiter that cuts the first rows into the most cells, as many in each; a comma where none does. */
function guess(text: string, more: boolean): string {
  let best: { delimiter: string; cells: number } = { delimiter: ",", cells: 1 };
  for (const delimiter of DELIMITERS) {
    const counts: number[] = [];
    try {
      for (const { cells } of cellRows(text, delimiter, { quotes: delimiter !== "\t", more })) {
        counts.push(cells.length);
        if (counts.length === TRIED) break;
      }
    } catch {
      // Quotation marks that are wrong with this delimiter say nothing about the others.
    }
    if (counts.length > 0 && counts[0]! > best.cells && counts.every((count) => count === counts[0]))
      best = { delimiter, cells: counts[0]! };
  }
  return best.delimiter;
}

const shown = (delimiter: string): string => (delimiter === "\t" ? "a tab" : JSON.stringify(delimiter));

/** The number of a column, given by its name or its number from 1. @throws UsageError "unknown-column" */
function columnOf({ name, header, width, delimiter }: Head, column: string | number): number {
  const byName = header?.indexOf(String(column)) ?? -1;
  const again = byName < 0 ? -1 : header!.indexOf(String(column), byName + 1);
  if (again >= 0)
    throw new UsageError(
      "unknown-column",
      `${name}: columns ${byName + 1} and ${again + 1} are both called ${JSON.stringify(column)}; rename one of them`,
    );
  if (byName >= 0) return byName;
  const number = typeof column === "number" || /^\d+$/.test(column) ? Number(column) : Number.NaN;
  if (number >= 1 && number <= width) return number - 1;
  const near = header && nearest(String(column), header);
  const there = header ? header.map((name) => JSON.stringify(name)).join(", ") : `numbers from 1 to ${width}`;
  const one =
    width === 1
      ? `; there is one column only: cells are separated by something else than ${shown(delimiter)} (--delimiter)`
      : "";
  throw new UsageError(
    "unknown-column",
    `${name}: it has no column ${JSON.stringify(column)}, its columns are ${there}${near === undefined ? "" : `; did you mean ${near}?`}${one}`,
  );
}
