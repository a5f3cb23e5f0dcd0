import { platform } from "#platform";
import { type FileSource, sourceName } from "../platform/platform.ts";
import { FailureError, LongshortError, UsageError } from "../shared/errors.ts";
import type { Abortable } from "../shared/signal.ts";
import { type BadRows, readRows } from "./bad-rows.ts";
import type { CellRow } from "./delimited-cells.ts";

/** Whether a file's name says that it holds a table in Parquet. */
export const holdsParquet = (name: string): boolean => /\.parquet$/i.test(name);

/**
 * Columns of a Parquet file as text, one of its row groups at a time; `line` counts rows from 1. Times are written as ISO 8601, without an
 * offset where the file gives them none (days, too).
 *
 * @throws UsageError "unknown-column", "table-empty", "not-a-number" (lists and objects), and for files as `platform.readChunks`; FailureError
 *   "bad-parquet", in a browser "not-on-this-platform"; the reason of `signal`
 */
export async function* readParquet(
  file: FileSource,
  columns: readonly string[],
  { signal, onBadRow }: Abortable & BadRows = {},
): AsyncGenerator<readonly CellRow[]> {
  const name = sourceName(file);
  signal?.throwIfAborted();
  const source = await platform.openFile(file, { signal });
  let row = 0;
  try {
    const table = await platform.openParquet(source);
    expectColumns(columns, name, table.columns);
    for (const count of table.groups) {
      const first = row;
      row += count;
      if (count === 0) continue;
      const rows = await table.rows(columns, first, row);
      signal?.throwIfAborted();
      const read = (one: (typeof rows)[number], line: number): CellRow => {
        const place = (column: string) => `${name}, row ${line}, column ${JSON.stringify(column)}`;
        const cell = (column: string) => textOf(one[column], table.local.has(column), () => place(column));
        return { cells: columns.map(cell), line };
      };
      yield readRows([...rows.entries()], ([k, one]) => read(one, first + k + 1), { onBadRow });
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw notParquet(name, cause);
  } finally {
    await source.close();
  }
  if (row === 0) throw new UsageError("table-empty", `${name}: expected rows, got none`);
}

/**
 * The names of all columns and the first rows as text, to see what is in them; what is no number, text or time is an empty text.
 * @throws as `readParquet`
 */
export async function beginningOfParquet(
  file: FileSource,
  count: number,
): Promise<{ readonly names: readonly string[]; readonly rows: readonly (readonly string[])[] }> {
  const source = await platform.openFile(file);
  try {
    const { columns: names, groups, local, rows } = await platform.openParquet(source);
    const there = groups.reduce((sum, one) => sum + one, 0);
    const found = there === 0 ? [] : await rows(names, 0, Math.min(count, there));
    const shown = (value: unknown, name: string): string =>
      typeof value === "object" && !(value instanceof Date)
        ? ""
        : textOf(value, local.has(name), () => sourceName(file));
    return { names, rows: found.map((row) => names.map((name) => shown(row[name], name))) };
  } catch (cause) {
    throw notParquet(sourceName(file), cause);
  } finally {
    await source.close();
  }
}

function notParquet(name: string, cause: unknown): LongshortError {
  if (cause instanceof LongshortError) return cause;
  return new FailureError(
    "bad-parquet",
    `${name}: expected a Parquet file, uncompressed or with Snappy, gzip, Brotli, LZ4 or Zstandard (${cause instanceof Error ? cause.message : String(cause)}); write it again, or as CSV`,
    { cause },
  );
}

function expectColumns(columns: readonly string[], file: string, there: readonly string[]): void {
  const missing = columns.find((column) => !there.includes(column));
  if (missing === undefined) return;
  throw new UsageError(
    "unknown-column",
    `${file}: it has no column ${JSON.stringify(missing)}, its columns are ${there.map((name) => JSON.stringify(name)).join(", ")}`,
  );
}

function textOf(value: unknown, local: boolean, place: () => string): string {
  if (value === null || value === undefined) return "";
  if (value instanceof Date) return local ? value.toISOString().slice(0, -1) : value.toISOString();
  if (typeof value !== "object") return String(value);
  throw new UsageError("not-a-number", `${place()}: expected a number, a text or a time, got a nested value`);
}
