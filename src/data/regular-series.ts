import { UsageError } from "../shared/errors.ts";
import { mapValues } from "../shared/records.ts";
import type { TimeSeries } from "./time-series.ts";
import { after, formatStep, lengthOf, positionOf, type TimeStep } from "./time-step.ts";
import { DAY, type TimeZone, wallClock } from "./time-zone.ts";

/** Rows of one series in the order of their times. */
export interface DatedRows {
  readonly id: string;
  readonly times: ArrayLike<number>;
  readonly values: Readonly<Record<string, ArrayLike<number>>>;
  readonly categories?: Readonly<Record<string, string>> | undefined;
  readonly place: (row: number) => string;
}

/** Rows that are this many times fewer than the steps they are spread over are no series but have a wrong date. */
const SPARSEST = 100;

/**
 * Puts rows on equal steps. Steps without a row become missing values.
 *
 * @throws UsageError "irregular-steps" (rows between the steps, or far more steps than rows), "duplicate-time"
 */
export function onSteps(rows: DatedRows, step: TimeStep, zone: TimeZone): TimeSeries {
  const anchor = rows.times[0]!;
  const at = Array.from({ length: rows.times.length }, (_, k) => {
    const position = positionOf(rows.times[k]!, anchor, step, zone);
    if (Math.abs(position - Math.round(position)) < 1e-6) return Math.round(position);
    throw new UsageError(
      "irregular-steps",
      `${rows.place(k)}: the times are not equally far apart: most are ${formatStep(step)}, this one is at step ${position.toFixed(3)} of its series. Put them on equal steps first, for example --resample ${formatStep(sensible(step))} (the mean of what falls into each)`,
    );
  });
  for (let k = 1; k < at.length; k++) if (at[k] === at[k - 1]) throw duplicate(rows, k);
  return collect(rows, at, anchor, step, zone);
}

/** In seconds, what clocks are read at. */
const ROUND = [1, 5, 10, 15, 30, ...[1, 5, 10, 15, 30].map((m) => 60 * m), ...[1, 2, 3, 4, 6, 12].map((h) => 3600 * h)];

/** Days that are about so many months, as these; a clock that is read at about so many minutes, as these. */
function sensible(step: TimeStep): TimeStep {
  const { count, unit } = step;
  if (unit === "millisecond" && DAY % count !== 0) {
    const round = ROUND.map((s) => 1000 * s).find((ms) => Math.abs(Math.log(count / ms)) < 0.1);
    return { count: round ?? count, unit };
  }
  const months = Math.round(lengthOf(step) / lengthOf({ count: 1, unit: "month" }));
  const apart = Math.abs(lengthOf(step) - lengthOf({ count: months, unit: "month" }));
  return step.unit === "day" && months > 0 && apart < 2 * DAY ? { count: months, unit: "month" } : step;
}

/** The mean of what falls into each step; hours, days and months begin where those of the calendar do. */
export function resampled(rows: DatedRows, step: TimeStep, zone: TimeZone): TimeSeries {
  const anchor = beginOf(rows.times[0]!, step, zone);
  const at = Array.from(rows.times as Float64Array, (time) => Math.floor(positionOf(time, anchor, step, zone) + 1e-9));
  return collect(rows, at, anchor, step, zone);
}

function collect(rows: DatedRows, at: readonly number[], anchor: number, step: TimeStep, zone: TimeZone): TimeSeries {
  const length = at.at(-1)! + 1;
  if (length > at.length * SPARSEST + 1000)
    throw new UsageError(
      "irregular-steps",
      `${rows.place(at.length - 1)}: ${at.length} rows would be spread over ${length} steps of ${formatStep(step)}; is this date right? Otherwise choose a longer step, --resample 1d`,
    );
  const values = mapValues(rows.values, (given) => {
    const [sums, counts] = [new Float64Array(length), new Uint32Array(length)];
    for (const [k, position] of at.entries()) {
      if (Number.isNaN(given[k]!)) continue;
      sums[position]! += given[k]!;
      counts[position]! += 1;
    }
    return sums.map((sum, k) => (counts[k] === 0 ? Number.NaN : sum / counts[k]!));
  });
  const times = Float64Array.from({ length }, (_, k) => after(anchor, k, step, zone));
  return { id: rows.id, length, times, values, categories: rows.categories };
}

/** Where the step that a moment falls into begins on the calendar. */
function beginOf(moment: number, { count, unit }: TimeStep, zone: TimeZone): number {
  const shown = wallClock(moment, zone);
  const offset = shown - moment;
  if (unit === "millisecond") return Math.floor(shown / count) * count - offset;
  // 1 January 1970 was a Thursday; weeks begin on Mondays.
  if (unit === "day") {
    const shift = count % 7 === 0 ? 4 : 0;
    const days = Math.floor(shown / DAY);
    const begin = (Math.floor((days - shift) / count) * count + shift) * DAY;
    return begin - zone.offset(begin - offset);
  }
  const date = new Date(shown);
  const months = Math.floor((date.getUTCFullYear() * 12 + date.getUTCMonth()) / count) * count;
  const begin = Date.UTC(Math.floor(months / 12), months % 12);
  return begin - zone.offset(begin - offset);
}

const duplicate = (rows: DatedRows, k: number): UsageError =>
  new UsageError(
    "duplicate-time",
    `${rows.place(k)}: the same time as in the row before${rows.id === "" ? "" : ` of series ${JSON.stringify(rows.id)}`}; if the file holds several series, name the column that tells them apart (--series), or take means (--resample)`,
  );
