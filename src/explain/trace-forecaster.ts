import { windowInputs } from "../data/forecast-inputs.ts";
import type { TimeSeries } from "../data/time-series.ts";
import { declareForecastInputs } from "../run/forecast-plans.ts";
import type { Forecaster } from "../run/forecaster.ts";
import { expectOptions } from "../shared/options.ts";
import {
  type ReadTrace,
  type ReadTraceOptions,
  readingOf,
  readTrace,
  readTraceNames,
  traceLayers,
} from "./read-trace.ts";
import type { Trace } from "./trace.ts";
import { joined } from "./traced-array.ts";

/**
 * Traces a forecaster on the context at the end of a series, and on the future steps if a second stack reads what is known of them.
 * Tokens are the distances to the first predicted step: −1 is the last known step, 0 the first predicted one.
 * @throws UsageError "series-too-short", "unknown-column", "missing-future", "unknown-choice"; FailureError "trace-too-large"
 */
export async function traceForecaster(
  forecaster: Forecaster,
  series: TimeSeries,
  options: ReadTraceOptions = {},
): Promise<ReadTrace> {
  expectOptions("traceForecaster", options, readTraceNames);
  const { model: network, parameters, layout } = forecaster;
  const { encoder, decoder } = network.parts;
  // Where each step comes from the one before, the last one of the past is read with what is known of the first one to come.
  const direct = layout.decoding === "direct";
  const window = forecaster.latestWindow(series, direct ? 0 : 1);
  const arrays = windowInputs([window], direct ? layout : { ...layout, horizon: 1 }, { learn: !direct });
  const readingBy = (stack: "x" | "future") =>
    readingOf(
      parameters,
      (graph) => {
        const { categories, ...steps } = declareForecastInputs(graph, network, arrays, 1);
        return network.embed(steps[stack]!, categories);
      },
      arrays,
    );
  const past = await traceLayers(encoder, parameters, { data: await readingBy("x") }, options);
  const tokens = Array.from({ length: layout.context }, (_, t) => `−${layout.context - t}`);
  if (!decoder || !isKnown(series, window.origin, layout)) return readTrace(past, tokens);
  const ahead = { data: await readingBy("future"), initial: past.final };
  const whole = followedBy(past, await traceLayers(decoder, parameters, ahead, options));
  return readTrace(whole, [...tokens, ...Array.from({ length: layout.horizon }, (_, h) => String(h))]);
}

/** Whether the columns that are known beforehand have values for all steps to come. The calendar always has. */
const isKnown = ({ values }: TimeSeries, origin: number, { known, horizon }: Forecaster["layout"]): boolean =>
  known.every((name) => {
    const ahead = values[name]!.slice(origin, origin + horizon);
    return ahead.length === horizon && !ahead.some(Number.isNaN);
  });

/** A trace, and that of a stack of the same layers that went on from its state. */
const followedBy = (first: Trace, then: Trace): Trace => ({
  ...then,
  values: Object.fromEntries(Object.entries(first.values).map(([key, one]) => [key, joined(one, then.values[key]!)])),
  output: joined(first.output, then.output),
});
