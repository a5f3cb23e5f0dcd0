import type { Machine } from "../compute/machine.ts";
import { part } from "../data/time-series.ts";
import type { ReadTrace } from "../explain/read-trace.ts";
import { traceForecaster } from "../explain/trace-forecaster.ts";
import { loadForecaster } from "../run/load-forecaster.ts";
import { UsageError } from "../shared/errors.ts";
import { readSeriesFile, settingsOf } from "./forecast-data.ts";
import { timeFormat } from "./forecast-table.ts";
import { counted } from "./format.ts";
import { expectNone, type Inspected, type Reading, rowOf } from "./inspected.ts";
import { influence, rangeOf } from "./step-maps.ts";

/** Has a forecaster read the end of a series. */
export async function inspectForecaster(folder: string, machine: Machine, reading: Reading): Promise<Inspected> {
  expectNone(reading, folder, "step");
  const { text, file, row, step = 0 } = reading;
  if (text !== undefined)
    throw new UsageError(
      "bad-option",
      `--text: ${folder} forecasts series and reads no text; give a table, or nothing for the run's own, and --row N for which of its series`,
    );
  const forecaster = await loadForecaster(folder, { machine });
  const settings = await settingsOf(folder);
  const table = file ?? settings.file;
  const data = await readSeriesFile(table, settings);
  const series = rowOf(data.series, { file: table, row, what: "series" });
  const trace = await traceForecaster(forecaster, series);
  const { targets, context, horizon, decoding } = forecaster.layout;
  const furthest = decoding === "direct" ? horizon - 1 : 0;
  if (step > furthest)
    throw new UsageError(
      "out-of-range",
      `--step: expected ${furthest === 0 ? "0, the first predicted step" : `a number from 0 to ${furthest}, one of the predicted steps`}, got ${step}`,
    );
  const { cell, parts } = forecaster.model;
  // Where what is known beforehand ends with the series, nothing is forecast.
  const hangs: ReadTrace[] = [];
  if (!parts.decoder || trace.tokens.length > context)
    for (const target of targets)
      hangs.push(
        await traceForecaster(forecaster, series, { names: [cell.states[0]!.name], gradients: true, step, target }),
      );
  const { origin } = forecaster.latestWindow(series);
  const seen = part(series, origin - context, origin);
  // Where a second stack goes on over the steps to come, what is forecast of them stands below it.
  const [forecast] = trace.tokens.length > context ? await forecaster.forecast({ series: [series] }) : [];
  const times = seen.times && [...seen.times, ...(forecast?.times ?? [])];
  const written = times?.map(timeFormat(data, times));
  const shown = (name: string): number[] => [...seen.values[name]!, ...(forecast ? forecast.targets[name]!.point : [])];
  return {
    trace,
    said: [
      `${series.id === "" ? "" : `Series ${JSON.stringify(series.id)}: `}${counted(context, "step")} read${written ? `, ${written[0]} to ${written[context - 1]}` : ""}; −1 is the last${forecast ? `, and from 0 on ${counted(forecaster.layout.horizon, "step")} forecast` : ""}`,
    ],
    read: targets.map((name) => {
      const values = shown(name);
      const title = `${name}, measured${forecast ? "; from 0 on forecast" : ""}`;
      return { title, rows: [{ label: "", values }], ...rangeOf(values) };
    }),
    maps: hangs.length > 0 ? [influence(`the forecast of step ${step}`, cell, hangs, targets)] : [],
    curves: targets.map((label) => ({ label, data: withoutGaps(shown(label)) })),
    steps: trace.tokens.map((token, t) => ({
      ...{ token, ...(written && { time: written[t]! }) },
      [t < context ? "values" : "forecast"]: Object.fromEntries(targets.map((name) => [name, shown(name)[t]])),
    })),
  };
}

/** What is missing is drawn as the network reads it: as the value before, at the beginning as the first one. */
function withoutGaps(values: readonly number[]): Float64Array {
  let last = values.find((value) => !Number.isNaN(value)) ?? 0;
  return Float64Array.from(values, (value) => {
    if (!Number.isNaN(value)) last = value;
    return last;
  });
}
