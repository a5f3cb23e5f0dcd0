import { countOf, describe, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { ReadTimeSeriesOptions } from "./read-time-series.ts";
import { columnName, columnsOf, expectColumns, type TimeSeries, type TimeSeriesSet } from "./time-series.ts";
import { after, parseStep } from "./time-step.ts";
import { timeZone } from "./time-zone.ts";

/** One series in memory. */
export interface SeriesValues {
  /** Identifies the series. Default: empty. */
  readonly id?: string | undefined;
  /** Time of the first step: a date, or milliseconds since 1970 UTC. Required with `step`, and meaningless without it. */
  readonly start?: Date | number | undefined;
  /** Values by column, all of the same length; NaN where a value is missing, or null, which JSON makes of NaN. Other columns are not read. */
  readonly values: Readonly<Record<string, ArrayLike<number | null>>>;
  /** Static categories by the names in `categories`; empty where unknown. */
  readonly categories?: Readonly<Record<string, string>> | undefined;
}

/** Options of `timeSeriesSet`. */
export interface TimeSeriesSetOptions extends Pick<ReadTimeSeriesOptions, "targets" | "past" | "known" | "categories"> {
  /** The series. */
  readonly series: readonly SeriesValues[];
  /** Time between steps: "15min", "1h", "1d", "1mo". Default: none, steps are only counted. */
  readonly step?: string | undefined;
  /** IANA time zone. Default "UTC". */
  readonly timeZone?: string | undefined;
}

/**
 * Makes a set of time series from arrays.
 * @example `timeSeriesSet({ targets: ["sales"], series: [{ start: new Date("2024-01-01"), values: { sales: [3, 1, 4, 1, 5] } }], step: "1d" })`
 * @throws UsageError "bad-option", "unknown-column", "not-a-number" (infinity, text), "bad-step", "unknown-time-zone"
 */
export function timeSeriesSet(options: TimeSeriesSetOptions): TimeSeriesSet {
  expectOptions("timeSeriesSet", options, {
    series: "required",
    step: 1,
    timeZone: 1,
    targets: "required",
    past: 1,
    known: 1,
    categories: 1,
  });
  const { targets, past = [], known = [], categories } = options;
  expectColumns(options);
  if (!Array.isArray(options.series))
    throw new UsageError("bad-option", `series: expected a list of { start, values }, got ${describe(options.series)}`);
  const zone = timeZone(options.timeZone ?? "UTC");
  const step = options.step === undefined ? undefined : parseStep(options.step);
  const names = columnsOf({ targets, past, known });
  const series = (options.series as readonly SeriesValues[]).map(
    ({ id = "", start, values: given, categories: named }): TimeSeries => {
      const length = given?.[names[0]!]?.length ?? 0;
      const values = names.map((name) => {
        const what = columnName(id, name);
        const column = given?.[name];
        if (column === undefined || column === null)
          throw new UsageError("unknown-column", `${what}: expected numbers, got ${describe(column)}`);
        if (column.length !== length)
          throw new UsageError(
            "bad-option",
            `${what} has ${countOf(column)} steps, ${JSON.stringify(names[0])} has ${length}`,
          );
        return [name, Float64Array.from({ length }, (_, k) => numberOf(column[k], what, k))] as const;
      });
      const first = start instanceof Date || typeof start === "number" ? Number(start) : Number.NaN;
      if (!step && start !== undefined)
        throw new UsageError(
          "bad-option",
          `series ${JSON.stringify(id)} has a start: expected the time between steps too, such as step: "1h"`,
        );
      if (step && !Number.isFinite(first))
        throw new UsageError(
          "bad-option",
          `series ${JSON.stringify(id)}: expected the moment of its first step, a date or milliseconds since 1970 UTC, got ${describe(start)}`,
        );
      const times = step && Float64Array.from({ length }, (_, k) => after(first, k, step, zone));
      const own = categories && categoriesOf(id, categories, named ?? {});
      return { id, length, times, values: Object.fromEntries(values), categories: own };
    },
  );
  return { targets, past, known, categories, series, step, timeZone: zone, notices: [] };
}

/** A value of a step. @throws UsageError "not-a-number" */
function numberOf(value: unknown, what: string, k: number): number {
  if (value === null) return Number.NaN;
  if (typeof value === "number" && Math.abs(value) !== Number.POSITIVE_INFINITY) return value;
  throw new UsageError(
    "not-a-number",
    `${what}, step ${k + 1}: expected a finite number, or NaN or null where it is missing, got ${describe(value)}`,
  );
}

function categoriesOf(id: string, names: readonly string[], given: Readonly<Record<string, string>>) {
  const found = names.map((name) => {
    const value = given[name];
    if (typeof value === "string") return [name, value] as const;
    throw new UsageError(
      "bad-option",
      `series ${JSON.stringify(id)}: expected a text for the category ${JSON.stringify(name)}, got ${describe(value)}`,
    );
  });
  return Object.fromEntries(found);
}
