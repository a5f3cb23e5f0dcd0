import { type FileSource, sourceName } from "../platform/platform.ts";
import { expectOneOf, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { mapValues } from "../shared/records.ts";
import type { Abortable } from "../shared/signal.ts";
import { placesIn, readColumns } from "./columns.ts";
import { type DatedRows, onSteps, resampled } from "./regular-series.ts";
import { SeriesCollector } from "./series-collector.ts";
import { columnName, columnsOf, expectColumns, type TimeSeries, type TimeSeriesSet } from "./time-series.ts";
import { commonStep, formatStep, parseStep } from "./time-step.ts";
import { timeZone } from "./time-zone.ts";

/** Options of `readTimeSeries`. */
export interface ReadTimeSeriesOptions extends Abortable {
  /** Columns to forecast. */
  readonly targets: readonly string[];
  /** Covariates that are known for the past only. Default none. */
  readonly past?: readonly string[] | undefined;
  /** Covariates that are known in advance. Default none. */
  readonly known?: readonly string[] | undefined;
  /** Columns with text that is the same in all rows of a series, such as its region. Default none. */
  readonly categories?: readonly string[] | undefined;
  /** Column that identifies the series of a row. Default: all rows are one series. */
  readonly series?: string | undefined;
  /** Column with the time, or columns with year, month, day, hour, minute, second in this order. Default: rows are equal steps. */
  readonly time?: string | readonly string[] | undefined;
  /** IANA time zone of times without an offset, and of days and hours. Default "UTC". */
  readonly timeZone?: string | undefined;
  /** "1h", "1d", "1w", "1mo": takes means over steps of this length. Default: the steps of the file, which must be equal. */
  readonly resample?: string | undefined;
  /** Delimiter of cells. Default: detected. */
  readonly delimiter?: string | undefined;
  /** What decimals of numbers begin with. Default "."; with "," no number may have a point. */
  readonly decimal?: "." | "," | undefined;
  /** Whether the first row has the column names. Default: detected. */
  readonly header?: boolean | undefined;
}

/**
 * Reads time series from a table: CSV or TSV of any dialect, or JSON lines, optionally gzip; in Node also Parquet. One row per step.
 * Empty cells, NA, NaN, null and ? are missing values; true and false are 1 and 0. The table is read in pieces: memory is 8 bytes per
 * number and as many for the time and the line of each row, twice that while reading.
 * @example `readTimeSeries("sales.csv", { targets: ["sales"], series: "shop", time: "day", known: ["price"] })`
 * @throws what `readColumns` throws; UsageError "not-a-number" (text, infinity), "bad-time", "unknown-time-zone", "bad-step", "duplicate-time",
 *   "irregular-steps", "no-target" (a series without a single value), "category-changes", "bad-option"; the reason of `signal`
 */
export async function readTimeSeries(file: FileSource, options: ReadTimeSeriesOptions): Promise<TimeSeriesSet> {
  expectOptions("readTimeSeries", options, {
    targets: "required",
    past: 1,
    known: 1,
    categories: 1,
    series: 1,
    time: 1,
    timeZone: 1,
    resample: 1,
    delimiter: 1,
    decimal: 1,
    header: 1,
    signal: 1,
  });
  const { series: idColumn, past = [], known = [], targets, categories, delimiter, decimal, header, signal } = options;
  if (decimal !== undefined) expectOneOf("decimal", decimal, [".", ","]);
  expectColumns(options);
  const names = columnsOf({ targets, past, known });
  const timeColumns = options.time === undefined ? [] : [options.time].flat();
  const zone = timeZone(options.timeZone ?? "UTC");
  const step = options.resample === undefined ? undefined : parseStep(options.resample);
  if (step && timeColumns.length === 0)
    throw new UsageError("bad-option", "resample: expected the column with the times too (time, --time)");
  const collector = new SeriesCollector({
    ...{ names, timeColumns, idColumn, zone, decimal, place: placesIn(file) },
    categoryColumns: categories,
  });
  for await (const rows of readColumns(file, { columns: collector.columns, delimiter, header, signal }))
    for (const row of rows) collector.add(row);
  const { dated, notices } = collector.finish();
  const taken =
    timeColumns.length === 0
      ? undefined
      : (step ??
        commonStep(
          dated.map(({ times }) => times),
          zone,
        ));
  const series = dated.map((rows): TimeSeries => {
    if (taken) return step ? resampled(rows, step, zone) : onSteps(rows, taken, zone);
    const values = mapValues(rows.values, (all) => Float64Array.from(all));
    return { id: rows.id, length: values[names[0]!]!.length, times: undefined, values, categories: rows.categories };
  });
  for (const one of series) expectTargets(one, targets, sourceName(file));
  if (taken && !step) notices.push(...gapsOf(dated, series, formatStep(taken)));
  notices.push(...missingOf(series, names));
  return { targets, past, known, categories, series, step: taken, timeZone: zone, notices };
}

function expectTargets(series: TimeSeries, targets: readonly string[], file: string): void {
  for (const name of targets)
    if (series.values[name]!.every(Number.isNaN))
      throw new UsageError("no-target", `${file}: ${columnName(series.id, name)} holds no number at all`);
}

function gapsOf(dated: readonly DatedRows[], series: readonly TimeSeries[], step: string): string[] {
  let [steps, there, longest] = [0, 0, 0];
  for (const [k, one] of series.entries()) {
    const given = dated[k]!.times;
    steps += one.length;
    there += given.length;
    let [at, run] = [0, 0];
    // Both ascend.
    for (const time of one.times!) {
      while (given[at]! < time) at++;
      run = given[at] === time ? 0 : run + 1;
      longest = Math.max(longest, run);
    }
  }
  if (there === steps) return [];
  return [
    `${steps - there} of ${steps} steps of ${step} have no row (the longest gap is ${longest}); they count as missing.`,
  ];
}

/** Of many columns with missing values those with the most. */
const COLUMNS_TOLD = 5;

function missingOf(series: readonly TimeSeries[], names: readonly string[]): string[] {
  const all = series.reduce((sum, { length }) => sum + length, 0);
  const found = names
    .map((name) => ({
      name: JSON.stringify(name),
      missing: series.reduce((sum, { values }) => sum + values[name]!.filter(Number.isNaN).length, 0),
    }))
    .filter(({ missing }) => missing > 0)
    .sort((a, b) => b.missing - a.missing);
  const told = found
    .slice(0, COLUMNS_TOLD)
    .map(({ name, missing }) => `Column ${name}: ${missing} of ${all} values are missing.`);
  if (found.length > told.length)
    told.push(`${found.length - told.length} more columns have up to ${found[told.length]!.missing} missing values.`);
  return told;
}
