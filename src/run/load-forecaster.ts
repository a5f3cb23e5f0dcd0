import { ofFile } from "../checkpoint/of-file.ts";
import { type RunSource, readModel, runName } from "../checkpoint/read-run.ts";
import { expectKind } from "../checkpoint/run-kinds.ts";
import { forecastLayoutFromConfig, kindsOf, widthsOf } from "../data/forecast-layout.ts";
import { sequenceForecasterFromConfig } from "../models/sequence-forecaster.ts";
import { closesWith } from "../shared/closing.ts";
import { FailureError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { Forecaster } from "./forecaster.ts";
import { type LoadRunOptions, loadNames, modelOfRun, parametersOfRun } from "./run-parts.ts";

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
  expectOptions("loadForecaster", options, loadNames);
  const { machine, cells } = options;
  const { config, ...weights } = await readModel(source);
  expectKind(source, config, "forecaster");
  const model = modelOfRun(source, config, cells, sequenceForecasterFromConfig);
  const place = runName(source, "config.json");
  const layout = ofFile(place, () => forecastLayoutFromConfig(config.data));
  const { channels, known, targets } = widthsOf(layout);
  const { config: made } = model;
  const { linearSteps = layout.context } = made;
  const { categories = [] } = made;
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
