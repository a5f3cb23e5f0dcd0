import type { TimeSeriesSet } from "../data/time-series.ts";
import { DAY, dayClock } from "../data/time-zone.ts";
import type { SeriesForecast } from "../run/forecaster.ts";
import { csvLine } from "./format.ts";

/** A row of a table of forecasts: one step of one column of one series. */
export interface ForecastRow {
  readonly series: string;
  /** As `timeFormat` writes it, or the number of the step from 1 where the series has no times. */
  readonly time: string;
  readonly target: string;
  readonly value: number;
  /** "q0.1" and so on. */
  readonly quantiles: Readonly<Record<string, number>>;
}

/** All steps of all series, column by column. */
export function forecastRows(forecasts: readonly SeriesForecast[], data: Calendar): ForecastRow[] {
  const written = timeFormat(
    data,
    forecasts.flatMap(({ times = [] }) => [...times]),
  );
  return forecasts.flatMap(({ id, origin, times, targets }) =>
    Object.entries(targets).flatMap(([target, { point, quantiles }]) =>
      Array.from(point, (value, h) => ({
        series: id,
        time: times ? written(times[h]!) : String(origin + h + 1),
        target,
        value,
        quantiles: Object.fromEntries(quantiles.map(({ level, values }) => [`q${level}`, values[h]!])),
      })),
    ),
  );
}

type Calendar = Pick<TimeSeriesSet, "step" | "timeZone">;

/**
 * How the times of a table are written, all of them alike, since a column of two notations is none to other programs: 2024-01-31 where each step is a
 * day or longer and begins with a day of the zone, else 2024-01-31T10:00:00Z.
 */
export function timeFormat({ step, timeZone }: Calendar, moments: readonly number[]): (moment: number) => string {
  const whole = step !== undefined && step.unit !== "millisecond";
  const days = whole && moments.every((moment) => dayClock(moment, timeZone) % DAY === 0);
  return (moment) =>
    days
      ? new Date(dayClock(moment, timeZone)).toISOString().slice(0, 10)
      : new Date(moment).toISOString().replace(".000Z", "Z");
}

/** Of the digits of a number as many as the network computes with: a float32 has seven. */
const plain = (value: number): string => String(Number(value.toPrecision(7)));

/** The table as CSV, with the columns that tell something. */
export function forecastCsv(rows: readonly ForecastRow[]): string {
  const many = rows.some(({ series }) => series !== "");
  const [first] = rows;
  const head = [...(many ? ["series"] : []), "time", "target", "value", ...Object.keys(first?.quantiles ?? {})];
  const lines = rows.map(({ series, time, target, value, quantiles }) => [
    ...(many ? [series] : []),
    ...[time, target, plain(value), ...Object.values(quantiles).map(plain)],
  ]);
  return [head, ...lines].map(csvLine).join("");
}
