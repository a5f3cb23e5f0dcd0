import type { Machine } from "../compute/machine.ts";
import { part } from "../data/time-series.ts";
import { traceForecaster } from "../explain/trace-forecaster.ts";
import { loadForecaster } from "../run/load-forecaster.ts";
import { UsageError } from "../shared/errors.ts";
import { readSeriesFile, settingsOf } from "./forecast-data.ts";
import { isoTime } from "./forecast-table.ts";
import { counted } from "./format.ts";
import { type Inspected, type Reading, rowOf } from "./inspected.ts";
import { rangeOf } from "./step-maps.ts";

/** Has a forecaster read the end of a series. */
export async function inspectForecaster(
  folder: string,
  machine: Machine,
  { text, file, row }: Reading,
): Promise<Inspected> {
  if (text !== undefined)
    throw new UsageError(
      "bad-option",
      `--text: ${folder} forecasts series and reads no text; give a table, or nothing for the run's own, and --row N for which of its series`,
    );
  const forecaster = await loadForecaster(folder, machine);
  const settings = await settingsOf(folder);
  const table = file ?? settings.file;
  const { series: all } = await readSeriesFile(table, settings);
  const series = rowOf(all, { file: table, row, what: "series" });
  const trace = await traceForecaster(forecaster, series);
  const { targets, context } = forecaster.layout;
  const { origin } = forecaster.latestWindow(series);
  const seen = part(series, origin - context, origin);
  const times = seen.times && Array.from(seen.times, isoTime);
  return {
    trace,
    said: [
      `${series.id === "" ? "The series" : `Series ${JSON.stringify(series.id)}`}: the last ${counted(context, "step")}${times ? `, from ${times[0]} to ${times.at(-1)}` : ""}, −1 the one before what is predicted.`,
    ],
    read: targets.map((name) => {
      const values = seen.values[name]!;
      return { title: `${name}, as it was measured`, rows: [{ label: "", values }], ...rangeOf(values) };
    }),
    maps: [],
    curves: targets.map((label) => ({ label, data: withoutGaps(seen.values[label]!) })),
    steps: trace.tokens.map((token, t) => ({
      ...{ token, ...(times && { time: times[t] }) },
      values: Object.fromEntries(targets.map((name) => [name, seen.values[name]![t]])),
    })),
  };
}

/** What is missing is drawn as the network reads it: as the value before, at the beginning as the first one. */
function withoutGaps(values: Float64Array): Float64Array {
  let last = values.find((value) => !Number.isNaN(value)) ?? 0;
  return values.map((value) => {
    if (!Number.isNaN(value)) last = value;
    return last;
  });
}
