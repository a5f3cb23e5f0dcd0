import { platform } from "#platform";
import { readConfig, writeConfig } from "../checkpoint/run-folder.ts";
import type { TimeSeriesSet } from "../data/time-series.ts";
import { stepInWords } from "../data/time-step.ts";
import { loadForecaster } from "../run/load-forecaster.ts";
import type { ForecastSettings } from "../schema/forecast.ts";
import type { StartEvent } from "../train/events.ts";
import { type ForecasterFacts, type ForecasterTraining, trainForecaster } from "../train/train-forecaster.ts";
import { taskLine } from "./epoch-line.ts";
import { readSeriesFile } from "./forecast-data.ts";
import { counted, integer } from "./format.ts";
import { modelLine, trainingLine, unitsOf } from "./introduction.ts";
import { type OwnCell, ownCell } from "./own-cell.ts";
import { recordedTraining, type TrainingOptions, type TrainingTools } from "./recorded-training.ts";
import { recordTold } from "./told-training.ts";
import { trainerOptions } from "./trainer-settings.ts";
import type { TrainingResult } from "./training-result.ts";

/** Trains a forecaster on a file and records it as a run, as `trainToFolder` does for text. */
export async function trainForecasterToFolder(
  settings: ForecastSettings,
  options: TrainingOptions,
): Promise<TrainingResult> {
  return recordedTraining(settings, options, async (tools) => {
    const { machine, signal, own } = tools;
    const data = await readSeriesFile(settings.file, settings);
    const training = await trainForecaster({
      ...trainOptions(settings, await ownCell(settings, options)),
      ...{ machine, data, signal },
    });
    const { trainer, forecaster } = training;
    own(trainer);
    const result = await recordTold<ForecasterFacts>(trainer, tools, options, {
      task: "forecast",
      config: { ...forecaster.config, training: settings },
      introduction: (start) => introduction(start, training, data, settings),
      measured: taskLine,
    });
    if (settings.calibrate && !result.interrupted) await calibrateSaved(options.folder, training, tools);
    return result;
  });
}

/** Has the intervals of the saved weights, which need not be the last ones, hold what they say on the validation part. */
async function calibrateSaved(
  folder: string,
  training: ForecasterTraining,
  { machine, display, own }: TrainingTools,
): Promise<void> {
  const forecaster = await loadForecaster(folder, { machine });
  own(forecaster);
  const widths = await training.calibrate(forecaster);
  if (widths === undefined) return;
  await writeConfig(platform.files, folder, { ...(await readConfig(folder)), data: forecaster.layout });
  const shown = Object.entries(widths).map(([name, width]) => `${name} × ${width.toFixed(2)}`);
  display.say(`Interval widths calibrated on the validation part: ${shown.join(", ")}`);
}

function trainOptions(settings: ForecastSettings, own: OwnCell) {
  const { horizon, context, season, validation, test, head, pointLoss, quantiles, decoding, anchor } = settings;
  const { transform, scaling, calendar, linear, cell, hiddenSize, numLayers, initialize, dropout, batchSize } =
    settings;
  return {
    ...trainerOptions(settings),
    ...{ horizon, context, season, validation, test, head, decoding, anchor, transform, scaling, linear },
    ...(head === "point" && { pointLoss }),
    levels: quantiles,
    calendar: calendar?.filter((name) => name !== "none"),
    ...{ batchSize, model: { cell, hiddenSize, numLayers, initialize, dropout, ...own } },
  };
}

function introduction(
  start: StartEvent<ForecasterFacts>,
  { forecaster: { layout, model: network } }: ForecasterTraining,
  { step, notices }: TimeSeriesSet,
  settings: ForecastSettings,
): string[] {
  const { machine } = settings;
  const { cell, head, linearSteps } = network.config;
  const inputs = [...layout.past, ...layout.known, ...Object.keys(layout.categories ?? {}), ...layout.calendar];
  const short = start.skippedSeries > 0 ? ` (${integer(start.skippedSeries)} too short to train on)` : "";
  return [
    ...notices,
    `Data: ${counted(start.series, "series", "series")}${short}${step ? ` in steps of ${stepInWords(step)}` : ""}, ${counted(start.trainWindows, "window")} for training, ${integer(start.validationWindows)} for validation`,
    `Task: ${counted(layout.horizon, "step")} of ${layout.targets.join(", ")} from the last ${layout.context}${inputs.length > 0 ? ` with ${inputs.join(", ")}` : ""}; head ${head}, decoding ${layout.decoding}, anchor ${layout.anchor}${layout.transform === "log" ? ", transform log" : ""}`,
    modelLine(
      `${cell.name}, ${unitsOf(settings)}${linearSteps === undefined ? "" : ", on the residual of a linear map"}`,
      start,
    ),
    trainingLine(counted(start.batchSize, "window"), start, machine),
  ];
}
