import { type FileSource, sourceName } from "../platform/platform.ts";
import { describe, UsageError } from "../shared/errors.ts";
import { columnOf, parseDelimited } from "./delimited.ts";
import { holdsJsonLines, jsonLines } from "./json-lines.ts";
import { readText } from "./text-files.ts";

/** Some columns of a table as text; an empty text is no value. */
export interface Columns {
  readonly values: Readonly<Record<string, readonly string[]>>;
  /** Where row k stands, for messages. */
  readonly place: (row: number) => string;
  readonly rows: number;
}

export interface ReadColumnsOptions {
  /** Names of the header (in JSON lines: keys), or numbers from 1 in a file without one. */
  readonly columns: readonly string[];
  /** What stands between cells; default: a tab in .tsv files, else the one of , ; tab | that fits. */
  readonly delimiter?: string | undefined;
  /** Whether the first row names the columns. Default: it does, unless all columns are given by number. */
  readonly header?: boolean | undefined;
}

/**
 * Columns of a table: CSV or TSV of any dialect, or JSON lines (.jsonl, .ndjson); UTF-8 with or without byte
 * order mark, gzip or not, with any line ends.
 *
 * @throws UsageError "not-text", "file-empty", "table-empty", "ragged-row", "bad-quotes", "unknown-column", "bad-json"
 */
export async function readColumns(file: FileSource, options: ReadColumnsOptions): Promise<Columns> {
  const name = sourceName(file);
  const parts: string[] = [];
  for await (const part of readText([file])) parts.push(part);
  const text = parts.join("");
  return holdsJsonLines(name) ? fromJson(text, name, options) : fromTable(text, name, options);
}

function fromTable(text: string, name: string, { columns, delimiter, header }: ReadColumnsOptions): Columns {
  const numbered = columns.every((column) => /^\d+$/.test(column));
  const table = parseDelimited(text, { name, delimiter, header: header ?? !numbered });
  return {
    values: Object.fromEntries(
      columns.map((column) => {
        const at = columnOf(table, column, name);
        return [column, table.rows.map((row) => row[at]!)];
      }),
    ),
    place: (row) => table.places[row]!,
    rows: table.rows.length,
  };
}

function fromJson(text: string, name: string, { columns }: ReadColumnsOptions): Columns {
  const rows = jsonLines(text, name);
  for (const column of columns)
    if (!rows.some(({ value }) => Object.hasOwn(value, column)))
      throw new UsageError(
        "unknown-column",
        `${name}: no line has the key ${JSON.stringify(column)}, the first one has ${Object.keys(rows[0]!.value).join(", ") || "none"}`,
      );
  const cell = (value: object, column: string, place: string): string => {
    const found = (value as Record<string, unknown>)[column];
    if (found === undefined || found === null) return "";
    if (typeof found === "string" || typeof found === "number" || typeof found === "boolean") return String(found);
    throw new UsageError(
      "bad-json",
      `${place}: expected a number or a text at ${JSON.stringify(column)}, got ${describe(found)}`,
    );
  };
  return {
    values: Object.fromEntries(
      columns.map((column) => [column, rows.map(({ value, place }) => cell(value, column, place))]),
    ),
    place: (row) => rows[row]!.place,
    rows: rows.length,
  };
}
