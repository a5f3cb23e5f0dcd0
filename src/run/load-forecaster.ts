import { ofFile } from "../checkpoint/of-file.ts";
import { type RunSource, runName } from "../checkpoint/read-run.ts";
import { forecastLayoutFromConfig } from "../data/forecast-layout.ts";
import { sequenceForecasterFromConfig } from "../models/sequence-forecaster.ts";
import { closesWith } from "../shared/closing.ts";
import { Forecaster } from "./forecaster.ts";
import { type LoadRunOptions, modelOfRun, parametersOfRun } from "./run-parts.ts";

/**
 * Loads a forecaster from a run. Close it when done: its weights go with it.
 * @example
 * ```ts no-run
 * const forecaster = await loadForecaster("runs/sales", { machine });
 * const [{ times, targets }] = await forecaster.forecast(await readTimeSeries("sales.csv", { targets: ["sales"], time: "day" }));
 * ```
 * @throws UsageError "not-a-run", "other-task", "unknown-cell"; FailureError as `loadRun`
 */
export async function loadForecaster(source: RunSource, options: LoadRunOptions): Promise<Forecaster> {
  const { config, model, weights } = await modelOfRun(source, options, {
    ...{ name: "loadForecaster", kind: "forecaster", fromConfig: sequenceForecasterFromConfig },
  });
  const { machine } = options;
  const layout = ofFile(runName(source, "config.json"), () => forecastLayoutFromConfig(config.data, model.config));
  const parameters = await parametersOfRun(source, machine, model, weights);
  return closesWith(new Forecaster({ model, layout, machine, parameters }), parameters);
}
