import { windowInputs } from "../data/forecast-inputs.ts";
import type { TimeSeries } from "../data/time-series.ts";
import type { Forecaster } from "../run/forecaster.ts";
import { expectOptions } from "../shared/options.ts";
import { type ReadTrace, type ReadTraceOptions, readTrace, readTraceNames, traceLayers } from "./read-trace.ts";

/**
 * Reads the end of a series with a forecaster, the steps that it looks back at, and keeps what the gates and states of its layers were at each. Tokens are
 * the distances to the first step that is predicted: −1 is the last one known.
 *
 * @throws UsageError "series-too-short", "unknown-column", "missing-future", "unknown-choice"; FailureError "trace-too-large"
 */
export async function traceForecaster(
  forecaster: Forecaster,
  series: TimeSeries,
  options: ReadTraceOptions = {},
): Promise<ReadTrace> {
  expectOptions("traceForecaster", options, readTraceNames);
  const { network, parameters, layout } = forecaster;
  // Where each step comes from the one before, the last one of the past is read with what is known of the first one to come.
  const direct = layout.decoding === "direct";
  const window = forecaster.latestWindow(series, direct ? 0 : 1);
  const { x } = windowInputs([window], direct ? layout : { ...layout, horizon: 1 }, { learn: !direct });
  const tokens = Array.from({ length: layout.context }, (_, t) => `−${layout.context - t}`);
  return readTrace(await traceLayers(network.parts.encoder, parameters, x!, options), tokens);
}
