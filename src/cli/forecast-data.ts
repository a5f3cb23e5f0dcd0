import { readConfig } from "../checkpoint/run-folder.ts";
import { collectTimeSeries, readTimeSeries } from "../data/read-time-series.ts";
import type { TimeSeriesSet } from "../data/time-series.ts";
import type { ForecastSettings } from "../schema/forecast.ts";
import { UsageError } from "../shared/errors.ts";
import { holdsParquet, readParquet } from "./parquet.ts";

/** Where the columns are, as the schema names it. */
export type SeriesSettings = Pick<ForecastSettings, "target" | "timeZone"> &
  Partial<Pick<ForecastSettings, "series" | "time" | "resample" | "past" | "known" | "delimiter" | "header">>;

/** @throws UsageError what `readTimeSeries` throws */
export const readSeriesFile = (file: string, settings: SeriesSettings): Promise<TimeSeriesSet> => {
  const { target: targets, header, ...rest } = settings;
  const { series, time, timeZone, resample, past, known, delimiter } = rest;
  const options = {
    ...{ targets, series, time, timeZone, resample, past, known, delimiter },
    ...(header && { header }),
  };
  return holdsParquet(file)
    ? collectTimeSeries(options, (columns) => readParquet(file, columns))
    : readTimeSeries(file, options);
};

/**
 * How a run that `train forecast` made was trained.
 * @throws UsageError "no-columns" for one of a program, which does not say it
 */
export async function settingsOf(folder: string): Promise<ForecastSettings> {
  const { training } = (await readConfig(folder)) as { readonly training?: ForecastSettings };
  if (training !== undefined) return training;
  throw new UsageError(
    "no-columns",
    `${folder}: the run does not say which columns of a table it read, because it was not made by \`train forecast\`; load it in a program (loadForecaster)`,
  );
}
