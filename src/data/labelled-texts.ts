import { type FileSource, sourceName } from "../platform/platform.ts";
import { describe, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { columnOf, parseDelimited } from "./delimited.ts";
import type { Examples, Unlabelled } from "./examples.ts";
import { holdsJsonLines, jsonLines } from "./json-lines.ts";
import { readText } from "./text-files.ts";

export interface TextColumns {
  /** Column with the text: its name in the header (in JSON lines: the key), or its number from 1 in a file without header. */
  readonly text: string | number;
  /** Column with the label. Undefined: the texts alone are read. */
  readonly label?: string | number | undefined;
  /** What stands between cells; default: a tab in .tsv files, else the one of , ; tab | that fits. */
  readonly delimiter?: string | undefined;
  /** Whether the first row names the columns. Default: it does, unless all columns are given by number. */
  readonly header?: boolean | undefined;
}

type Read<C> = C extends { readonly label: string | number } ? Examples<string> : Unlabelled<string>;
type Row = readonly [text: string, label: string | undefined, place: string];

/**
 * Texts and their labels from a table: CSV or TSV, or JSON lines (files that end in .jsonl or .ndjson); UTF-8, with or
 * without byte order mark, gzip or not, any line ends.
 *
 * @example `readLabelledTexts("reviews.csv", { text: "review", label: "stars" })`
 * @throws UsageError "not-text", "file-empty", "table-empty", "ragged-row", "bad-quotes", "unknown-column", "bad-json", "no-label"
 */
export async function readLabelledTexts<const C extends TextColumns>(file: FileSource, columns: C): Promise<Read<C>> {
  expectOptions<TextColumns>("readLabelledTexts", columns, { text: 1, label: 1, delimiter: 1, header: 1 });
  const name = sourceName(file);
  const parts: string[] = [];
  for await (const part of readText([file])) parts.push(part);
  const text = parts.join("");
  const rows = holdsJsonLines(name) ? fromJson(text, name, columns) : fromTable(text, name, columns);
  const empty = columns.label === undefined ? undefined : rows.find(([, label]) => label!.trim() === "");
  if (empty) throw new UsageError("no-label", `${empty[2]}: expected a label, got nothing`);
  return {
    inputs: rows.map(([text]) => text),
    ...(columns.label !== undefined && { labels: rows.map(([, label]) => label!.trim()) }),
    places: rows.map(([, , place]) => place),
  } as unknown as Read<C>;
}

function fromTable(source: string, name: string, columns: TextColumns): Row[] {
  const { text, label, delimiter } = columns;
  const numbered = [text, label].every((one) => one === undefined || /^\d+$/.test(String(one)));
  const table = parseDelimited(source, { name, delimiter, header: columns.header ?? !numbered });
  const at = columnOf(table, text, name);
  const labelAt = label === undefined ? -1 : columnOf(table, label, name);
  return table.rows.map((row, k) => [row[at]!, row[labelAt], table.places[k]!]);
}

function fromJson(source: string, name: string, { text, label }: TextColumns): Row[] {
  return jsonLines(source, name).map(({ value, place }) => [
    cell(value, text, place),
    label === undefined ? undefined : cell(value, label, place),
    place,
  ]);
}

function cell(row: object, column: string | number, place: string): string {
  const value: unknown = Object.hasOwn(row, column) ? (row as Record<string, unknown>)[column] : undefined;
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value === undefined)
    throw new UsageError(
      "unknown-column",
      `${place}: it has no key ${JSON.stringify(column)}, its keys are ${Object.keys(row).join(", ") || "none"}`,
    );
  throw new UsageError("bad-json", `${place}: expected a text at ${JSON.stringify(column)}, got ${describe(value)}`);
}
