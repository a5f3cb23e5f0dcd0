import type { SeriesForecast } from "../run/forecaster.ts";
import { csvLine } from "./format.ts";

/** A row of a table of forecasts: one step of one column of one series. */
export interface ForecastRow {
  readonly series: string;
  /** ISO time in UTC, or the number of the step from 1 where the series has no times. */
  readonly time: string;
  readonly target: string;
  readonly value: number;
  /** "q0.1" and so on. */
  readonly quantiles: Readonly<Record<string, number>>;
}

/** All steps of all series, column by column. */
export function forecastRows(forecasts: readonly SeriesForecast[]): ForecastRow[] {
  return forecasts.flatMap(({ id, origin, times, targets }) =>
    Object.entries(targets).flatMap(([target, { point, quantiles }]) =>
      Array.from(point, (value, h) => ({
        series: id,
        time: times ? isoTime(times[h]!) : String(origin + h + 1),
        target,
        value,
        quantiles: Object.fromEntries(quantiles.map(({ level, values }) => [`q${level}`, values[h]!])),
      })),
    ),
  );
}

/** 2024-01-31 where it is midnight, else 2024-01-31T10:00:00Z; in UTC. */
export const isoTime = (moment: number): string =>
  new Date(moment)
    .toISOString()
    .replace(".000Z", "Z")
    .replace(/T00:00:00Z$/, "");

/** The table as CSV, with the columns that tell something. */
export function forecastCsv(rows: readonly ForecastRow[]): string {
  const many = rows.some(({ series }) => series !== "");
  const [first] = rows;
  const head = [...(many ? ["series"] : []), "time", "target", "value", ...Object.keys(first?.quantiles ?? {})];
  const lines = rows.map(({ series, time, target, value, quantiles }) => [
    ...(many ? [series] : []),
    ...[time, target, String(value), ...Object.values(quantiles).map(String)],
  ]);
  return [head, ...lines].map(csvLine).join("");
}
