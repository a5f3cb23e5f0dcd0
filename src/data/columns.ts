import { type FileSource, sourceName } from "../platform/platform.ts";
import { describe, UsageError } from "../shared/errors.ts";
import type { Abortable } from "../shared/signal.ts";
import { type BadRows, readRows } from "./bad-rows.ts";
import { readDelimited } from "./delimited.ts";
import type { CellRow } from "./delimited-cells.ts";
import { holdsJsonLines, type JsonRow, readJsonLines } from "./json-lines.ts";
import { holdsParquet, readParquet } from "./parquet.ts";

export interface ReadColumnsOptions extends Abortable, BadRows {
  /** Names of the header (in JSON lines: keys), or numbers from 1 in a file without one. */
  readonly columns: readonly (string | number)[];
  /** Delimiter of cells. Default: a tab in .tsv files, else the one of , ; tab | that fits. */
  readonly delimiter?: string | undefined;
  /** Whether the first row names the columns. Default: it does, unless all columns are given by number. */
  readonly header?: boolean | undefined;
  /** Whether every line of JSON must have all columns. Default false: what is missing is an empty text. */
  readonly required?: boolean | undefined;
}

/**
 * Columns of a table: CSV or TSV of any dialect, or JSON lines (.jsonl, .ndjson), in UTF-8 with or without byte order mark, gzip or not, with any
 * line ends; in Node also Parquet (.parquet). They are read in pieces, so that the table may be larger than memory.
 *
 * @returns rows as they come, some at a time; cells in the order of the columns, an empty text where there is no value
 * @throws while they are read: UsageError "not-text", "file-empty", "table-empty", "ragged-row", "bad-quotes", "unknown-column", "bad-json", and what
 *   `readParquet` throws; the reason of `signal`
 */
export function readColumns(file: FileSource, options: ReadColumnsOptions): AsyncIterable<readonly CellRow[]> {
  const name = sourceName(file);
  if (holdsParquet(name)) return readParquet(file, options.columns.map(String), options);
  return holdsJsonLines(name) ? cellsOfJson(file, options) : readDelimited(file, options);
}

/** Where a row of a table stands, for messages. */
export function placesIn(file: FileSource): (line: number) => string {
  const name = sourceName(file);
  return holdsParquet(name) ? (row) => `${name}, row ${row}` : (line) => `${name}, line ${line}`;
}

async function* cellsOfJson(
  file: FileSource,
  { columns, required = false, signal, onBadRow }: ReadColumnsOptions,
): AsyncGenerator<readonly CellRow[]> {
  const place = placesIn(file);
  const lacking = new Set(columns);
  let keys: string | undefined;
  const cell = (row: JsonRow["value"], column: string | number, line: number): string => {
    const value = Object.hasOwn(row, column) ? row[column] : undefined;
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return String(value);
    if (!required && (value === undefined || value === null)) return "";
    if (value !== undefined)
      throw new UsageError(
        "bad-json",
        `${place(line)}: expected ${required ? "a text" : "a number or a text"} at ${JSON.stringify(column)}, got ${describe(value)}`,
      );
    throw new UsageError(
      "unknown-column",
      `${place(line)}: it has no key ${JSON.stringify(column)}, its keys are ${Object.keys(row).join(", ") || "none"}`,
    );
  };
  for await (const rows of readJsonLines(file, { signal, onBadRow })) {
    keys ??= Object.keys(rows[0]!.value).join(", ");
    for (const column of lacking) if (rows.some(({ value }) => Object.hasOwn(value, column))) lacking.delete(column);
    yield readRows(rows, ({ value, line }) => ({ cells: columns.map((column) => cell(value, column, line)), line }), {
      onBadRow,
    });
  }
  for (const column of lacking)
    throw new UsageError(
      "unknown-column",
      `${sourceName(file)}: no line has the key ${JSON.stringify(column)}, the first one has ${keys || "none"}`,
    );
}
