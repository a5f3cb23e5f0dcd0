import type { FileSource } from "../platform/platform.ts";
import { UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { type Columns, readColumns } from "./columns.ts";
import { finiteNumber } from "./examples.ts";
import { type DatedRows, onSteps, resampled } from "./regular-series.ts";
import { columnsOf, type TimeSeries, type TimeSeriesSet } from "./time-series.ts";
import { formatStep, parseStep, usualStep } from "./time-step.ts";
import { momentsOf, type TimeZone, timeZone } from "./time-zone.ts";
import { momentOf, parseTimestamp } from "./timestamps.ts";

export interface ReadTimeSeriesOptions {
  /** Columns to be forecast. */
  readonly targets: readonly string[];
  /** Columns that help and are known up to now only; default none. */
  readonly past?: readonly string[] | undefined;
  /** Columns that help and are known beforehand; default none. */
  readonly known?: readonly string[] | undefined;
  /** Column that says which series a row belongs to. Default: all rows are one series. */
  readonly series?: string | undefined;
  /** Column with the time, or columns with year, month, day, hour, minute, second in this order. Default: rows are equal steps in their order. */
  readonly time?: string | readonly string[] | undefined;
  /** IANA name: whose clocks times without an offset are of, and whose days and hours count. Default "UTC". */
  readonly timeZone?: string | undefined;
  /** "1h", "1d", "1w", "1mo": means over steps of this length. Default: the file's own steps, which must be equal. */
  readonly resample?: string | undefined;
  readonly delimiter?: string | undefined;
  readonly header?: boolean | undefined;
}

/** What tables write where nothing was measured. */
const MISSING = /^(|na|n\/a|nan|null|none|nil|\?|-|#n\/a)$/i;

/**
 * Series from a table: CSV or TSV of any dialect, or JSON lines. One row a step; empty cells, NA, NaN, null and ? are missing values.
 *
 * @example `readTimeSeries("sales.csv", { targets: ["sales"], series: "shop", time: "day", known: ["price"] })`
 * @throws UsageError what `readColumns` throws; "not-a-number" (text, infinity), "bad-time", "unknown-time-zone", "bad-step", "duplicate-time",
 *   "irregular-steps", "no-target" (a series without a single value), "bad-option"
 */
export const readTimeSeries = (file: FileSource, options: ReadTimeSeriesOptions): Promise<TimeSeriesSet> => {
  expectOptions("readTimeSeries", options, {
    targets: 1,
    past: 1,
    known: 1,
    series: 1,
    time: 1,
    timeZone: 1,
    resample: 1,
    delimiter: 1,
    header: 1,
  });
  return collectTimeSeries(options, (columns) =>
    readColumns(file, { columns, delimiter: options.delimiter, header: options.header }),
  );
};

/** Series of the columns that `read` gives. Errors as `readTimeSeries`. */
export async function collectTimeSeries(
  options: ReadTimeSeriesOptions,
  read: (columns: readonly string[]) => Promise<Columns>,
): Promise<TimeSeriesSet> {
  const { series: idColumn, past = [], known = [], targets } = options;
  if (targets.length === 0) throw new UsageError("bad-option", "targets: expected at least one column, got none");
  const names = columnsOf({ targets, past, known });
  const timeColumns = options.time === undefined ? [] : [options.time].flat();
  const zone = timeZone(options.timeZone ?? "UTC");
  const step = options.resample === undefined ? undefined : parseStep(options.resample);
  if (step && timeColumns.length === 0)
    throw new UsageError("bad-option", "resample: expected the column with the times too (time, --time)");
  const wanted = [...names, ...timeColumns, ...(idColumn === undefined ? [] : [idColumn])];
  const table = await read([...new Set(wanted)]);
  const measured = Object.fromEntries(names.map((name) => [name, numbers(table, name)]));
  const groups = new Map<string, number[]>();
  for (let row = 0; row < table.rows; row++) {
    const id = idColumn === undefined ? "" : table.values[idColumn]![row]!.trim();
    const group = groups.get(id);
    if (group) group.push(row);
    else groups.set(id, [row]);
  }
  const notices: string[] = [];
  const dated = [...groups].map(([id, rows]) => datedRows(table, { id, rows, measured, timeColumns, zone, notices }));
  const taken =
    timeColumns.length === 0
      ? undefined
      : (step ??
        usualStep(
          dated.map(({ times }) => times),
          zone,
        ));
  const series = dated.map((rows): TimeSeries => {
    const { id, times, values } = rows;
    if (taken) return step ? resampled(rows, step, zone) : onSteps(rows, taken, zone);
    return { id, length: times.length, times: undefined, values: values as Record<string, Float64Array> };
  });
  for (const one of series) expectTargets(one, targets, table);
  if (taken && !step) notices.push(...gapsOf(dated, series, formatStep(taken)));
  notices.push(...missingOf(series, names));
  return { targets, past, known, series, step: taken, zone, notices };
}

function numbers({ values, place, rows }: Columns, name: string): Float64Array {
  const cells = values[name]!;
  const read = new Float64Array(rows);
  for (let row = 0; row < rows; row++)
    read[row] = MISSING.test(cells[row]!.trim())
      ? Number.NaN
      : finiteNumber(cells[row]!, () => `${place(row)}, column ${JSON.stringify(name)}`, "a finite number");
  return read;
}

interface Group {
  readonly id: string;
  readonly rows: readonly number[];
  readonly measured: Readonly<Record<string, Float64Array>>;
  readonly timeColumns: readonly string[];
  readonly zone: TimeZone;
  readonly notices: string[];
}

/** The rows of a group in the order of their times, or of the file. */
function datedRows(table: Columns, { id, rows, measured, timeColumns, zone, notices }: Group): DatedRows {
  let order = rows;
  let times = Float64Array.from(rows, (_, k) => k);
  if (timeColumns.length > 0) {
    let before = Number.NEGATIVE_INFINITY;
    const moments = rows.map((row) => {
      before = momentIn(table, row, timeColumns, zone, before);
      return before;
    });
    const sorted = [...moments.keys()].sort((a, b) => moments[a]! - moments[b]! || a - b);
    if (sorted.some((k, at) => k !== at))
      notices.push(`${id === "" ? "" : `Series ${JSON.stringify(id)}: `}rows were put in the order of their times.`);
    order = sorted.map((k) => rows[k]!);
    times = Float64Array.from(sorted, (k) => moments[k]!);
  }
  const values = Object.entries(measured).map(
    ([name, all]) => [name, Float64Array.from(order, (row) => all[row]!)] as const,
  );
  return { id, times, values: Object.fromEntries(values), place: (k) => table.place(order[k]!) };
}

/** @param before the moment of the row before, which says which of two hours is meant when clocks are put back */
function momentIn(
  { values, place }: Columns,
  row: number,
  columns: readonly string[],
  zone: TimeZone,
  before: number,
): number {
  const where = (): string => `${place(row)}, column ${columns.map((name) => JSON.stringify(name)).join(", ")}`;
  const cells = columns.map((name) => values[name]![row]!);
  const { value, local } =
    cells.length === 1
      ? parseTimestamp(cells[0]!, where)
      : {
          value: momentOf(
            cells.map((cell) => finiteNumber(cell, where, "a whole number")),
            where,
          ),
          local: true,
        };
  if (!local) return value;
  const [first, ...later] = momentsOf(value, zone);
  return first > before ? first : (later.find((moment) => moment > before) ?? first);
}

function expectTargets(series: TimeSeries, targets: readonly string[], { place }: Columns): void {
  for (const name of targets)
    if (series.values[name]!.every(Number.isNaN))
      throw new UsageError(
        "no-target",
        `${place(0).replace(/, line.*/, "")}: ${series.id === "" ? "" : `series ${JSON.stringify(series.id)}, `}column ${JSON.stringify(name)} holds no number at all`,
      );
}

function gapsOf(dated: readonly DatedRows[], series: readonly TimeSeries[], step: string): string[] {
  let [steps, there, longest] = [0, 0, 0];
  for (const [k, one] of series.entries()) {
    steps += one.length;
    there += dated[k]!.times.length;
    const taken = new Set(dated[k]!.times as Float64Array);
    let run = 0;
    for (const time of one.times!) {
      run = taken.has(time) ? 0 : run + 1;
      longest = Math.max(longest, run);
    }
  }
  if (there === steps) return [];
  return [
    `${steps - there} of ${steps} steps of ${step} have no row (the longest gap is ${longest}); they count as missing.`,
  ];
}

function missingOf(series: readonly TimeSeries[], names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const missing = series.reduce((sum, { values }) => sum + values[name]!.filter(Number.isNaN).length, 0);
    const all = series.reduce((sum, { length }) => sum + length, 0);
    return missing === 0 ? [] : [`Column ${JSON.stringify(name)}: ${missing} of ${all} values are missing.`];
  });
}
