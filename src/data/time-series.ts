import type { TimeStep } from "./time-step.ts";
import type { TimeZone } from "./time-zone.ts";

/** Numbers at equal steps. */
export interface TimeSeries {
  /** Which one of several; empty where there is one only. */
  readonly id: string;
  /** N */
  readonly length: number;
  /** Milliseconds since 1970 UTC of each step [N]; undefined: steps are only counted. */
  readonly times: Float64Array | undefined;
  /** By column [N]; NaN where nothing was measured. */
  readonly values: Readonly<Record<string, Float64Array>>;
  /** What the whole series is, such as its shop: by column; empty where it is not known. Undefined: nothing is said. */
  readonly categories: Readonly<Record<string, string>> | undefined;
}

/** What each column of a set of series is. */
export interface SeriesColumns {
  /** To be forecast. */
  readonly targets: readonly string[];
  /** Known up to now only, such as a measurement of something else. */
  readonly past: readonly string[];
  /** Known beforehand, such as a price that was decided on. */
  readonly known: readonly string[];
}

/** Series of the same columns and the same step. */
export interface TimeSeriesSet extends SeriesColumns {
  readonly series: readonly TimeSeries[];
  /** Columns with a category of each series; undefined: none. */
  readonly categories: readonly string[] | undefined;
  /** Undefined without times. */
  readonly step: TimeStep | undefined;
  /** Whose calendar hours, days and months are meant. */
  readonly zone: TimeZone;
  /** What a user should know: gaps, missing values, rows that were out of order. */
  readonly notices: readonly string[];
}

export const columnsOf = ({ targets, past, known }: SeriesColumns): readonly string[] => [
  ...new Set([...targets, ...past, ...known]),
];

/** Steps `from` to before `to`. */
export function part(series: TimeSeries, from: number, to: number): TimeSeries {
  const values = Object.entries(series.values).map(([name, all]) => [name, all.subarray(from, to)] as const);
  return {
    id: series.id,
    length: Math.max(0, Math.min(to, series.length) - from),
    times: series.times?.subarray(from, to),
    values: Object.fromEntries(values),
    categories: series.categories,
  };
}

/** How many steps come before the last one with a target: what is behind it is the future. */
export function observedLength({ values, length }: TimeSeries, targets: readonly string[]): number {
  let end = length;
  while (end > 0 && targets.every((name) => Number.isNaN(values[name]![end - 1]!))) end--;
  return end;
}
