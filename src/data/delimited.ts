import { describe, nearest, UsageError } from "../shared/errors.ts";
import { type CellRow, cellRows, QuoteError } from "./delimited-cells.ts";

/** Rows of a table, all with a cell for each column. */
export interface Table {
  /** Undefined: the file does not name its columns. */
  readonly header: readonly string[] | undefined;
  readonly rows: readonly (readonly string[])[];
  /** Where each row is: "reviews.csv, line 3", counted from 1. */
  readonly places: readonly string[];
  /** What stands between the cells of a row. */
  readonly delimiter: string;
}

export interface DelimitedOptions {
  /** For messages. */
  readonly name: string;
  /** Default: tab for names that end in .tsv, otherwise the one of , ; tab | that fits the first rows. */
  readonly delimiter?: string | undefined;
  /** Whether the first row names the columns. */
  readonly header: boolean;
}

/** Tried where nothing is said, in this order. */
const DELIMITERS = [",", ";", "\t", "|"] as const;
/** Rows that a delimiter is tried on. */
const TRIED = 20;

/**
 * Cells of a CSV or TSV text. In tables with commas, semicolons or bars a cell may stand in quotation marks (RFC 4180) and then
 * hold line ends; in those with tabs a quotation mark is a character like any other. Empty lines are no rows.
 *
 * @throws UsageError "table-empty", "ragged-row", "bad-quotes", "bad-option"
 */
export function parseDelimited(text: string, options: DelimitedOptions): Table {
  const { name } = options;
  if (options.delimiter !== undefined && !/^[^"\r\n]$/.test(options.delimiter))
    throw new UsageError("bad-option", `delimiter: expected one character, got ${describe(options.delimiter)}`);
  const delimiter = options.delimiter ?? (/\.(tsv|tab)(\.gz)?$/i.test(name) ? "\t" : guess(text));
  const rows = [...rowsOf(text, delimiter, name)];
  const first = options.header ? 1 : 0;
  if (rows.length <= first)
    throw new UsageError(
      "table-empty",
      `${name}: expected rows with examples, got ${rows.length === 0 ? "empty lines" : "a header and nothing below it"}`,
    );
  const columns = rows[0]!.cells.length;
  for (const { cells, line } of rows)
    if (cells.length !== columns)
      throw new UsageError(
        "ragged-row",
        `${name}, line ${line}: expected ${columns} cells as in the first line, got ${cells.length}; a cell that holds ${shown(delimiter)} must stand in quotation marks, or the delimiter is another one (--delimiter)`,
      );
  return {
    header: options.header ? rows[0]!.cells : undefined,
    rows: rows.slice(first).map(({ cells }) => cells),
    places: rows.slice(first).map(({ line }) => `${name}, line ${line}`),
    delimiter,
  };
}

function* rowsOf(text: string, delimiter: string, name: string): Generator<CellRow> {
  try {
    yield* cellRows(text, delimiter, { quotes: delimiter !== "\t" });
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
function guess(text: string): string {
  let best: { delimiter: string; cells: number } = { delimiter: ",", cells: 1 };
  for (const delimiter of DELIMITERS) {
    const counts: number[] = [];
    try {
      for (const { cells } of cellRows(text, delimiter, { quotes: delimiter !== "\t" })) {
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
export function columnOf({ header, rows, delimiter }: Table, column: string | number, file: string): number {
  const count = rows[0]!.length;
  const byName = header?.indexOf(String(column)) ?? -1;
  if (byName >= 0) return byName;
  const number = typeof column === "number" || /^\d+$/.test(column) ? Number(column) : Number.NaN;
  if (number >= 1 && number <= count) return number - 1;
  const near = header && nearest(String(column), header);
  const there = header ? header.map((name) => JSON.stringify(name)).join(", ") : `numbers from 1 to ${count}`;
  const one =
    count === 1
      ? `; there is one column only: cells are separated by something else than ${shown(delimiter)} (--delimiter)`
      : "";
  throw new UsageError(
    "unknown-column",
    `${file}: it has no column ${JSON.stringify(column)}, its columns are ${there}${near === undefined ? "" : `; did you mean ${near}?`}${one}`,
  );
}
