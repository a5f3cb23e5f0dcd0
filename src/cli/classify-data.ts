import { type BadRows, readRow } from "../data/bad-rows.ts";
import { type Examples, type Placed, pick, type Series, targetsOf, type Unlabelled } from "../data/examples.ts";
import { readLabelledTexts } from "../data/labelled-texts.ts";
import { readSeriesTable } from "../data/series-table.ts";
import { readLabelledSeries } from "../data/ts-archive.ts";
import { type FileSource, sourceName } from "../platform/platform.ts";
import type { ClassifySettings } from "../schema/classify.ts";
import { UsageError } from "../shared/errors.ts";
import { type TellBadRows, withBadRows } from "./bad-rows.ts";

type Columns = Pick<ClassifySettings, "delimiter"> &
  Partial<Pick<ClassifySettings, "text" | "label" | "header" | "series" | "channels" | "id" | "time">> &
  Partial<Pick<ClassifySettings, "skipBadRows" | "regression">>;

/** Whether a file holds series: it is said, or its name does. */
export const holdsSeries = (file: FileSource, { series }: Columns): boolean =>
  series === true || /\.ts(\.gz)?$/i.test(sourceName(file));

/** The columns of a table of series, one row per step; undefined if the file is none. @throws UsageError "missing-option", "bad-option" */
function seriesColumns({ channels, id, time, text, series, ...columns }: Columns) {
  if (channels === undefined) {
    const alone = id !== undefined ? "--id" : time !== undefined ? "--time" : undefined;
    if (alone === undefined) return undefined;
    throw new UsageError(
      "bad-option",
      `${alone}: a column of a table of series; --channels says which columns its numbers are`,
    );
  }
  if (id === undefined)
    throw new UsageError("missing-option", "--id: expected the column that says which series a row belongs to");
  if (text !== undefined || series === true)
    throw new UsageError(
      "bad-option",
      `--channels: the file is a table of series; leave out ${series ? "--series" : "--text"}`,
    );
  return { channels, series: id, time, ...layout(columns) };
}

/**
 * @param tell hears of rows that are left out
 * @throws UsageError "missing-option", "bad-option", and what the readers throw
 */
export const readExamples = (file: string, columns: Columns, tell?: TellBadRows): Promise<Examples> =>
  withBadRows(columns, tell, async (how) => {
    const examples = await examplesIn(file, columns, how);
    return columns.regression && how.onBadRow ? withNumbers(examples, how) : examples;
  });

async function examplesIn(file: string, columns: Columns, how: BadRows): Promise<Placed<Examples>> {
  const { text = "text", label = "label" } = columns;
  const table = seriesColumns(columns);
  if (table) return readSeriesTable(file, { ...table, ...how, label });
  if (holdsSeries(file, columns)) return readLabelledSeries(file, how);
  const named = columns.text !== undefined && columns.label !== undefined;
  return namingColumns(
    readLabelledTexts(file, { text, label, ...layout(columns), ...how }),
    named
      ? undefined
      : "--text and --label say which they are (series are files that end in .ts, or given with --series)",
  );
}

/** Those whose labels are numbers, as a regression needs them. */
function withNumbers(examples: Placed<Examples>, how: BadRows): Examples {
  const { labels, places } = examples;
  const good = [...labels.keys()].filter(
    (k) => readRow(() => targetsOf({ labels: [labels[k]!], places: [places[k]!] }), how) !== undefined,
  );
  return pick(examples, good);
}

/**
 * The same without labels, where the file may have none.
 * @param hint what to do where it has no column with the text
 */
export const readInputs = (
  file: FileSource,
  columns: Columns,
  hint: string,
  tell?: TellBadRows,
): Promise<Placed<Unlabelled | Examples<Series>>> =>
  withBadRows<Placed<Unlabelled | Examples<Series>>>(columns, tell, async (how) => {
    const table = seriesColumns(columns);
    if (table) return readSeriesTable(file, { ...table, ...how });
    if (holdsSeries(file, columns)) return readLabelledSeries(file, how);
    const { text = "text" } = columns;
    return namingColumns(readLabelledTexts(file, { text, ...layout(columns), ...how }), hint);
  });

const layout = ({ delimiter, header }: Pick<Columns, "delimiter" | "header">) => ({
  delimiter,
  ...(header && { header }),
});

/** Where a column is not there, it is said what to do, if there is something. */
async function namingColumns<T>(reading: Promise<T>, hint: string | undefined): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (hint === undefined || !(error instanceof UsageError && error.code === "unknown-column")) throw error;
    throw new UsageError("missing-option", `${error.message}; ${hint}`, { cause: error });
  }
}
