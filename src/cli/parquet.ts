import { existsSync } from "node:fs";
import type { Columns } from "../data/columns.ts";
import { FailureError, UsageError } from "../shared/errors.ts";
import type { ForecastRow } from "./forecast-table.ts";

/** Whether a file's name says that it holds a table in Parquet. */
export const holdsParquet = (file: string): boolean => /\.parquet$/i.test(file);

/**
 * Columns of a Parquet file as text. The library that reads it is loaded here, because few commands need it.
 *
 * @throws UsageError "file-not-found", "unknown-column", "table-empty", "not-a-number" (lists and objects); FailureError "bad-parquet"
 */
export async function readParquet(file: string, columns: readonly string[]): Promise<Columns> {
  if (!existsSync(file)) throw new UsageError("file-not-found", `${file}: there is no such file`);
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } = await import("hyparquet");
  let rows: Record<string, unknown>[];
  try {
    const buffer = await asyncBufferFromFile(file);
    const metadata = await parquetMetadataAsync(buffer);
    const there = metadata.schema.slice(1).map(({ name }) => name);
    const missing = columns.find((name) => !there.includes(name));
    if (missing !== undefined)
      throw new UsageError(
        "unknown-column",
        `${file}: it has no column ${JSON.stringify(missing)}, its columns are ${there.map((name) => JSON.stringify(name)).join(", ")}`,
      );
    rows = await parquetReadObjects({ file: buffer, metadata, columns: [...columns] });
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new FailureError(
      "bad-parquet",
      `${file}: expected a Parquet file, uncompressed or with Snappy (${cause instanceof Error ? cause.message : String(cause)}); write it again, or as CSV`,
      { cause },
    );
  }
  if (rows.length === 0) throw new UsageError("table-empty", `${file}: expected rows, got none`);
  const place = (row: number): string => `${file}, row ${row + 1}`;
  return {
    place,
    rows: rows.length,
    values: Object.fromEntries(
      columns.map((name) => [
        name,
        rows.map((row, k) => textOf(row[name], () => `${place(k)}, column ${JSON.stringify(name)}`)),
      ]),
    ),
  };
}

function textOf(value: unknown, place: () => string): string {
  if (value === null || value === undefined) return "";
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== "object") return String(value);
  throw new UsageError("not-a-number", `${place()}: expected a number, a text or a time, got a nested value`);
}

/** A table of forecasts as a Parquet file. */
export async function parquetOf(rows: readonly ForecastRow[]): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const text = (of: (row: ForecastRow) => string) => ({ data: rows.map(of), type: "STRING" as const });
  const number = (of: (row: ForecastRow) => number) => ({ data: rows.map(of), type: "DOUBLE" as const });
  const levels = Object.keys(rows[0]?.quantiles ?? {});
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: "series", ...text(({ series }) => series) },
        { name: "time", ...text(({ time }) => time) },
        { name: "target", ...text(({ target }) => target) },
        { name: "value", ...number(({ value }) => value) },
        ...levels.map((level) => ({ name: level, ...number(({ quantiles }) => quantiles[level]!) })),
      ],
    }),
  );
}
