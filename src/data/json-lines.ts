import { describe, UsageError } from "../shared/errors.ts";

/** A JSON object and where it stands: "reviews.jsonl, line 3". */
export interface JsonRow {
  readonly value: object;
  readonly place: string;
}

/** Whether a file's name says that it holds JSON lines, gzip or not. */
export const holdsJsonLines = (name: string): boolean => /\.(jsonl|ndjson)(\.gz)?$/i.test(name);

/** The objects of a text with one a line; empty lines are none. @throws UsageError "bad-json", "table-empty" */
export function jsonLines(text: string, name: string): JsonRow[] {
  const rows = text.split(/\r?\n/).flatMap((line, k): JsonRow[] => {
    if (line.trim() === "") return [];
    const place = `${name}, line ${k + 1}`;
    return [{ value: parseLine(line, place), place }];
  });
  if (rows.length > 0) return rows;
  throw new UsageError("table-empty", `${name}: expected JSON objects, one a line, got empty lines`);
}

function parseLine(line: string, place: string): object {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new UsageError("bad-json", `${place}: it is no JSON (${(cause as Error).message})`, { cause });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new UsageError("bad-json", `${place}: expected a JSON object, got ${describe(value)}`);
}
