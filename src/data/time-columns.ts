import { type FileSource, sourceName } from "../platform/platform.ts";
import { UsageError } from "../shared/errors.ts";
import { readDelimited } from "./delimited.ts";
import { holdsJsonLines, readJsonLines } from "./json-lines.ts";
import { beginningOfParquet, holdsParquet } from "./parquet.ts";
import { parseTimestamp } from "./timestamps.ts";

export interface FindTimeOptions {
  /** Columns that are something else. */
  readonly taken: readonly string[];
  readonly delimiter?: string | undefined;
}

/** Rows that are looked at. */
const ROWS = 50;
const PARTS = ["year", "month", "day", "hour", "minute", "second"];

/**
 * The column of a table that holds times, where one does and no other: its first cells are all dates that no number could be (2024-01-31,
 * 2024-01-31 10:00). Or the columns year, month and so on, where they are called so. Undefined where that is not plain.
 *
 * @throws what `readDelimited`, `readJsonLines` and `readParquet` throw of the first rows
 */
export async function findTimeColumns(
  file: FileSource,
  { taken, delimiter }: FindTimeOptions,
): Promise<readonly string[] | undefined> {
  const { names, rows } = await firstRows(file, delimiter);
  const free = names.filter((name) => !taken.includes(name));
  const dated = free.filter((name) => rows.length > 0 && rows.every((row) => isDate(row[names.indexOf(name)] ?? "")));
  if (dated.length > 0) return dated.length === 1 ? dated : undefined;
  const parts = PARTS.map((part) => free.find((name) => name.toLowerCase() === part));
  const missing = parts.indexOf(undefined);
  const there = parts.slice(0, missing < 0 ? parts.length : missing) as string[];
  return there.length >= 2 ? there : undefined;
}

async function firstRows(
  file: FileSource,
  delimiter: string | undefined,
): Promise<{ readonly names: readonly string[]; readonly rows: readonly (readonly string[])[] }> {
  const name = sourceName(file);
  if (holdsParquet(name)) return beginningOfParquet(file, ROWS);
  if (holdsJsonLines(name)) {
    for await (const objects of readJsonLines(file)) {
      const names = Object.keys(objects[0]!.value);
      return { names, rows: objects.slice(0, ROWS).map(({ value }) => names.map((key) => String(value[key] ?? ""))) };
    }
    return { names: [], rows: [] };
  }
  for await (const [head, ...rows] of readDelimited(file, { header: false, delimiter }))
    return { names: head!.cells, rows: rows.slice(0, ROWS).map(({ cells }) => cells) };
  return { names: [], rows: [] };
}

/** Numbers are no dates here: 20240131 and 1700000000 may be anything. */
function isDate(cell: string): boolean {
  if (!Number.isNaN(Number(cell))) return false;
  try {
    parseTimestamp(cell, () => "");
    return true;
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}
