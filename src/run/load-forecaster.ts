import { ofFile } from "../checkpoint/of-file.ts";
import { type RunSource, runName } from "../checkpoint/read-run.ts";
import { forecastLayoutFromConfig, kindsOf, widthsOf } from "../data/forecast-layout.ts";
import { sequenceForecasterFromConfig } from "../models/sequence-forecaster.ts";
import { closesWith } from "../shared/closing.ts";
import { FailureError } from "../shared/errors.ts";
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
  const place = runName(source, "config.json");
  const layout = ofFile(place, () => forecastLayoutFromConfig(config.data));
  const { channels, known, targets } = widthsOf(layout);
  const { config: made } = model;
  const { linearSteps = layout.context, categories = [] } = made;
  const fits =
    layout.horizon === made.horizon && layout.context === linearSteps && kindsOf(layout).join() === categories.join();
  if (channels !== made.channels || known !== made.known || targets !== made.targets || !fits)
    throw new FailureError(
      "bad-run",
      `${place}: its data have ${channels} channels and ${targets} targets, its model ${made.channels} and ${made.targets}: these parts do not belong to one run`,
    );
  const parameters = await parametersOfRun(source, machine, model, weights);
  return closesWith(new Forecaster({ model, layout, machine, parameters }), parameters);
}
