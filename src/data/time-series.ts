import { describe, UsageError } from "../shared/errors.ts";
import { mapValues } from "../shared/records.ts";
import type { TimeStep } from "./time-step.ts";
import type { TimeZone } from "./time-zone.ts";

/** A series of numbers at equal time steps. */
export interface TimeSeries {
  /** Identifies the series; empty if there is only one. */
  readonly id: string;
  /** N */
  readonly length: number;
  /** Milliseconds since 1970 UTC of each step [N]; undefined if the series has no times. */
  readonly times: Float64Array | undefined;
  /** Values by column [N]; NaN where a value is missing. */
  readonly values: Readonly<Record<string, Float64Array>>;
  /** Static categories by column, such as a shop; empty where unknown. Undefined: none. */
  readonly categories: Readonly<Record<string, string>> | undefined;
}

/** The roles of the columns of a set of series. */
export interface SeriesColumns {
  /** To be forecast. */
  readonly targets: readonly string[];
  /** Known for the past only, such as a measurement of something else. */
  readonly past: readonly string[];
  /** Known in advance, such as a price. */
  readonly known: readonly string[];
}

/** Series with the same columns and the same time step. */
export interface TimeSeriesSet extends SeriesColumns {
  readonly series: readonly TimeSeries[];
  /** Columns with static categories; undefined: none. */
  readonly categories: readonly string[] | undefined;
  /** The time step; undefined without times. */
  readonly step: TimeStep | undefined;
  /** The time zone of hours, days and months. */
  readonly timeZone: TimeZone;
  /** Messages for the user: gaps, missing values, rows out of order. */
  readonly notices: readonly string[];
}

export const columnsOf = ({ targets, past, known }: SeriesColumns): readonly string[] => [
  ...new Set([...targets, ...past, ...known]),
];

/** What a caller says of the columns of series. */
type GivenColumns = { readonly [Role in keyof SeriesColumns | "categories"]?: readonly string[] | undefined };

/** Refuses columns that are no list of names, and a column that has two roles. @throws UsageError "bad-option" */
export function expectColumns({ targets, past, known, categories }: GivenColumns): void {
  const seen = new Map<string, string>();
  for (const [role, names] of Object.entries({ targets, past, known, categories })) {
    if (names === undefined) continue;
    const listed = Array.isArray(names) && names.every((name) => typeof name === "string");
    if (!listed)
      throw new UsageError(
        "bad-option",
        `${role}: expected a list of names of columns, such as ["sales"], got ${describe(names)}`,
      );
    for (const name of names) {
      const other = seen.get(name);
      if (other !== undefined)
        throw new UsageError(
          "bad-option",
          `${role}: the column ${JSON.stringify(name)} is named ${other === role ? "twice" : `in ${other} too`}; each has one role`,
        );
      seen.set(name, role);
    }
  }
  if (targets?.length === 0) throw new UsageError("bad-option", "targets: expected at least one column, got none");
}

/** How messages call a column of a series. */
export const columnName = (id: string, column: string): string =>
  `${id === "" ? "" : `series ${JSON.stringify(id)}, `}column ${JSON.stringify(column)}`;

/** D columns of one length as steps of all columns, [N, D]. */
export function interleaved(columns: readonly Float64Array[]): Float64Array {
  const D = columns.length;
  const all = new Float64Array((columns[0]?.length ?? 0) * D);
  for (const [d, column] of columns.entries()) for (let n = 0; n < column.length; n++) all[n * D + d] = column[n]!;
  return all;
}

/** Steps `from` to before `to`. */
export function part(series: TimeSeries, from: number, to: number): TimeSeries {
  return {
    id: series.id,
    length: Math.max(0, Math.min(to, series.length) - from),
    times: series.times?.subarray(from, to),
    values: mapValues(series.values, (all) => all.subarray(from, to)),
    categories: series.categories,
  };
}

/** How many steps come before the last one with a target: what is behind it is the future. */
export function observedLength({ values, length }: TimeSeries, targets: readonly string[]): number {
  let end = length;
  while (end > 0 && targets.every((name) => Number.isNaN(values[name]![end - 1]!))) end--;
  return end;
}
