import { type FileSource, sourceName } from "../platform/platform.ts";
import { UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { type BadRows, expectSome, readRows } from "./bad-rows.ts";
import type { Examples, Placed, Series, Unlabelled } from "./examples.ts";
import { type ReadTimeSeriesOptions, readTimeSeries } from "./read-time-series.ts";
import { interleaved, type TimeSeries } from "./time-series.ts";

/** The columns that `readSeriesTable` reads. */
export interface SeriesTableColumns extends Pick<ReadTimeSeriesOptions, "time" | "delimiter" | "header" | "signal"> {
  /**
   * Called for each series with missing values or without a label, with the error that says so; it is then left out. Default: the first
   * one ends the reading. A row that cannot be read ends it in any case, as what follows would stand at another step.
   */
  readonly onBadRow?: BadRows["onBadRow"];
  /** Columns with the numbers of a step, in the order of the channels. */
  readonly channels: readonly string[];
  /** Column that identifies the series of a row. */
  readonly series: string;
  /** Column of the label, the same in all rows of a series. Undefined: only series are read. */
  readonly label?: string | undefined;
}

type Read<C> = Placed<C extends { readonly label: string } ? Examples<Series> : Unlabelled<Series>>;

/**
 * Reads series and their labels from a long table, one row per step: CSV or TSV of any dialect, or JSON lines, optionally gzip; in Node
 * also Parquet. Rows are steps in their order, or by `time`, whose steps must be equal. Series may have different lengths.
 * @example `readSeriesTable("motions.csv", { channels: ["ax", "ay"], series: "id", label: "motion" })`
 * @throws UsageError "missing-value", "no-label", and what `readTimeSeries` throws
 */
export async function readSeriesTable<const C extends SeriesTableColumns>(
  file: FileSource,
  columns: C,
): Promise<Read<C>> {
  expectOptions<SeriesTableColumns>("readSeriesTable", columns, {
    ...{ channels: "required", series: "required", label: 1, time: 1, delimiter: 1, header: 1, signal: 1, onBadRow: 1 },
  });
  const { channels, label, series: id, time, delimiter, header, signal } = columns;
  const { series } = await readTimeSeries(file, {
    ...{ targets: channels, series: id, time, delimiter, header, signal },
    ...(label !== undefined && { categories: [label] }),
  });
  const read = readRows(
    series,
    (one) => {
      const place = `${sourceName(file)}, series ${JSON.stringify(one.id)}`;
      const input = together(one, channels, place);
      const own = label === undefined ? "" : (one.categories?.[label] ?? "");
      if (label !== undefined && own === "")
        throw new UsageError("no-label", `${place}: expected a label in column ${JSON.stringify(label)}`);
      return { input, own, place };
    },
    columns,
  );
  expectSome(sourceName(file), read.length);
  return {
    inputs: read.map(({ input }) => input),
    ...(label !== undefined && { labels: read.map(({ own }) => own) }),
    places: read.map(({ place }) => place),
  } as unknown as Read<C>;
}

/** Columns as steps of all channels. @throws UsageError "missing-value" */
function together({ values }: TimeSeries, channels: readonly string[], place: string): Series {
  const columns = channels.map((name) => {
    const missing = values[name]!.findIndex(Number.isNaN);
    if (missing < 0) return values[name]!;
    throw new UsageError(
      "missing-value",
      `${place}: column ${JSON.stringify(name)} has no value at step ${missing + 1}: fill in the values first, or leave the series out`,
    );
  });
  return { channels: channels.length, values: interleaved(columns) };
}
