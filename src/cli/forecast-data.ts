import { readConfig } from "../checkpoint/run-folder.ts";
import { readTimeSeries } from "../data/read-time-series.ts";
import type { TimeSeriesSet } from "../data/time-series.ts";
import type { ForecastSettings } from "../schema/forecast.ts";
import { UsageError } from "../shared/errors.ts";

/** Where the columns are, as the schema names it. */
export type SeriesSettings = Pick<ForecastSettings, "target" | "timeZone"> &
  Partial<Pick<ForecastSettings, "series" | "time" | "resample" | "past" | "known" | "delimiter" | "header">>;

/** @throws what `readTimeSeries` throws */
export const readSeriesFile = (file: string, settings: SeriesSettings): Promise<TimeSeriesSet> => {
  const { target: targets, header, series, time, timeZone, resample, past, known, delimiter } = settings;
  return readTimeSeries(file, {
    ...{ targets, series, time, timeZone, resample, past, known, delimiter },
    ...(header && { header }),
  });
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
