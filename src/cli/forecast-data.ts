import { readRunConfig } from "../checkpoint/read-run.ts";
import type { ForecastLayout } from "../data/forecast-layout.ts";
import { readTimeSeries } from "../data/read-time-series.ts";
import { findTimeColumns } from "../data/time-columns.ts";
import type { TimeSeriesSet } from "../data/time-series.ts";
import type { FileSource } from "../platform/platform.ts";
import type { ForecastSettings } from "../schema/forecast.ts";
import { UsageError } from "../shared/errors.ts";
import { quoted } from "./format.ts";
import { settingsIn } from "./run-settings.ts";

/** Where the columns are, as the schema names it. */
export type SeriesSettings = Pick<ForecastSettings, "target" | "timeZone"> &
  Partial<
    Pick<
      ForecastSettings,
      "series" | "time" | "resample" | "past" | "known" | "category" | "delimiter" | "decimal" | "header"
    >
  >;

/** @throws what `readTimeSeries` throws */
export const readSeriesFile = (file: FileSource, settings: SeriesSettings): Promise<TimeSeriesSet> => {
  const { target: targets, header, series, time: said, timeZone, resample, past, known, delimiter } = settings;
  const { category: categories, decimal } = settings;
  const time = said?.join() === "none" ? undefined : said;
  return readTimeSeries(file, {
    ...{ targets, series, time, timeZone, resample, past, known, categories, delimiter, decimal },
    ...(header && { header }),
  });
};

/**
 * Settings that the table can be read by, with the columns that hold the times: where nobody said which do, those that it shows, if they fit.
 * @throws what `readSeriesFile` throws
 */
export async function readableSettings(
  settings: ForecastSettings,
): Promise<{ readonly settings: ForecastSettings; readonly notice?: string }> {
  const { file, target, series, past = [], known = [], category = [], delimiter } = settings;
  const taken = [...target, ...past, ...known, ...category, ...(series === undefined ? [] : [series])];
  // Columns that are all given by number: the file names none.
  const named = settings.header || !taken.every((column) => /^\d+$/.test(column));
  const time = settings.time === undefined && named ? await findTimeColumns(file, { taken, delimiter }) : undefined;
  if (time === undefined) {
    await readSeriesFile(file, settings);
    return { settings };
  }
  const flag = `--time ${time.map(quoted).join(" ")}`;
  const timed = { ...settings, time };
  try {
    await readSeriesFile(file, timed);
  } catch (error) {
    if (!(error instanceof UsageError) || !MISFITS.includes(error.code)) throw error;
    const notice = `Rows count as equal steps, because their times (${flag}) do not fit: ${error.message}`;
    const untimed = { ...settings, time: ["none"] };
    await readSeriesFile(file, untimed);
    return { settings: untimed, notice };
  }
  return { settings: timed, notice: `Times: ${flag} (with --time none rows count as equal steps)` };
}

/** Errors of a table whose times are not those of its steps. */
const MISFITS = ["irregular-steps", "duplicate-time", "bad-time"];

/**
 * How a run that `train forecast` made was trained.
 * @throws UsageError "no-columns" for one of a program, which does not say it
 */
export async function settingsOf(folder: string): Promise<ForecastSettings> {
  const settings = settingsIn<ForecastSettings>(await readRunConfig(folder));
  if (Array.isArray(settings.target)) return settings as ForecastSettings;
  throw new UsageError(
    "no-columns",
    `${folder}: the run does not say which columns of a table it read, because it was not made by \`train forecast\`; load it in a program (loadForecaster)`,
  );
}

/** What is to be said of categories that did not occur in training: nothing is known of them. */
export const unseenKinds = ({ categories = {} }: ForecastLayout, { series }: TimeSeriesSet): string[] =>
  Object.entries(categories).flatMap(([name, kinds]) => {
    const found = new Set(series.map((one) => one.categories?.[name] ?? ""));
    const unseen = [...found].filter((kind) => kind !== "" && !kinds.includes(kind));
    return unseen.length === 0
      ? []
      : [`${unseen.map((kind) => JSON.stringify(kind)).join(", ")} in ${name} did not occur in training.`];
  });
