import { type FileSource, sourceName } from "../platform/platform.ts";
import { UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Abortable } from "../shared/signal.ts";
import { type BadRows, expectSome, readRow } from "./bad-rows.ts";
import { placesIn, readColumns } from "./columns.ts";
import type { Examples, Placed, Unlabelled } from "./examples.ts";

/** The columns that `readLabelledTexts` reads. */
export interface TextColumns extends Abortable, BadRows {
  /**
   * Column of the text: its name in the header (in JSON lines its key; in Parquet only a name), or its number from 1 in a file without
   * header.
   */
  readonly text: string | number;
  /** Column of the label. Undefined: only texts are read. */
  readonly label?: string | number | undefined;
  /** Delimiter of cells. Default: a tab in .tsv files, else the one of , ; tab | that fits. */
  readonly delimiter?: string | undefined;
  /** Whether the first row has the column names. Default: yes, unless all columns are given by number. */
  readonly header?: boolean | undefined;
}

type Read<C> = Placed<C extends { readonly label: string | number } ? Examples<string> : Unlabelled<string>>;

/**
 * Reads texts and their labels from a table: CSV, TSV, JSON lines (.jsonl or .ndjson), in Node also Parquet (.parquet). UTF-8, with or
 * without byte order mark, optionally gzip, with any line ends. In tables with tabs a quotation mark is an ordinary character.
 * @example `readLabelledTexts("reviews.csv", { text: "review", label: "stars" })`
 * @throws UsageError "not-text", "file-empty", "table-empty", "ragged-row", "bad-quotes", "unknown-column", "bad-json", "no-label",
 *   and what `readParquet` throws; the reason of `signal`
 */
export async function readLabelledTexts<const C extends TextColumns>(file: FileSource, columns: C): Promise<Read<C>> {
  expectOptions<TextColumns>("readLabelledTexts", columns, {
    text: "required",
    label: 1,
    delimiter: 1,
    header: 1,
    onBadRow: 1,
    signal: 1,
  });
  const { text, label, delimiter, header, onBadRow, signal } = columns;
  const wanted = label === undefined ? [text] : [text, label];
  const rows = readColumns(file, { columns: wanted, delimiter, header, required: true, onBadRow, signal });
  const placeOf = placesIn(file);
  const [inputs, labels, places]: [string[], string[], string[]] = [[], [], []];
  for await (const some of rows)
    for (const { cells, line } of some) {
      const place = placeOf(line);
      const own = label === undefined ? "" : readRow(() => labelOf(cells[1]!, place), { onBadRow });
      if (own === undefined) continue;
      inputs.push(cells[0]!);
      places.push(place);
      labels.push(own);
    }
  expectSome(sourceName(file), inputs.length);
  return { inputs, ...(label !== undefined && { labels }), places } as unknown as Read<C>;
}

function labelOf(cell: string, place: string): string {
  const label = cell.trim();
  if (label !== "") return label;
  throw new UsageError("no-label", `${place}: expected a label, got nothing`);
}
