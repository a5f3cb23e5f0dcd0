import { type FileSource, sourceName } from "../platform/platform.ts";
import { describe, UsageError } from "../shared/errors.ts";
import { type BadRows, expectSome, readRow } from "./bad-rows.ts";
import { type ReadHow, readTable } from "./text-files.ts";

/** A JSON object and the line it stands in, from 1. */
export interface JsonRow {
  readonly value: Readonly<Record<string, unknown>>;
  readonly line: number;
}

/** Whether a file's name says that it holds JSON lines, gzip or not. */
export const holdsJsonLines = (name: string): boolean => /\.(jsonl|ndjson)(\.gz)?$/i.test(name);

/**
 * The objects of a file with one a line, as they come, some at a time; empty lines are none. Whole numbers beyond 2^53 come as texts, with all their
 * digits. No more text is held at a time than a line and a piece.
 * @throws UsageError "bad-json", "table-empty", "not-text", "file-empty"
 */
export async function* readJsonLines(
  file: FileSource,
  how: ReadHow & BadRows = {},
): AsyncGenerator<readonly JsonRow[]> {
  const name = sourceName(file);
  let [line, open, any, some] = [0, "", false, false];
  const rowsOf = (lines: readonly string[]): JsonRow[] =>
    lines.flatMap((text): JsonRow[] => {
      line += 1;
      if (text.trim() === "") return [];
      some = true;
      const value = readRow(() => parseLine(text, `${name}, line ${line}`), how);
      return value === undefined ? [] : [{ value, line }];
    });
  for await (const part of readTable(file, how)) {
    const lines = part.split("\n");
    lines[0] = open + lines[0]!;
    open = lines.pop()!;
    const rows = rowsOf(lines);
    any ||= rows.length > 0;
    if (rows.length > 0) yield rows;
  }
  const rows = rowsOf([open]);
  if (rows.length > 0) yield rows;
  else if (some) expectSome(name, Number(any));
  else throw new UsageError("table-empty", `${name}: expected JSON objects, one a line, got empty lines`);
}

/** Texts and numbers, as JSON writes them. */
const VALUES = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** The line with whole numbers that a double cannot hold as texts: they are names of something, of which the last digits count. */
const withDigits = (line: string): string =>
  /\d{16}/.test(line)
    ? line.replace(VALUES, (value) =>
        /^-?[1-9]\d+$/.test(value) && !Number.isSafeInteger(Number(value)) ? `"${value}"` : value,
      )
    : line;

function parseLine(line: string, place: string): JsonRow["value"] {
  let value: unknown;
  try {
    value = JSON.parse(withDigits(line));
  } catch (cause) {
    throw new UsageError("bad-json", `${place}: not valid JSON (${(cause as Error).message})`, { cause });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonRow["value"];
  throw new UsageError("bad-json", `${place}: expected a JSON object, got ${describe(value)}`);
}
