import type { Command } from "commander";
import { openMachine } from "../compute/open.ts";
import type { ValuesOf } from "../schema/fields.ts";
import { type ForecastSettings, forecastFields } from "../schema/forecast.ts";
import { tellBacktest } from "./backtest.ts";
import { defineCommand } from "./command.ts";
import { readableSettings } from "./forecast-data.ts";
import { trainForecasterToFolder } from "./forecast-training.ts";
import { quoted } from "./format.ts";
import type { Io } from "./io.ts";
import { newTraining, newTrainingFields, settingsFrom } from "./new-training.ts";
import type { TrainingOptions } from "./recorded-training.ts";
import { tellNext, tellSaved } from "./training-result.ts";

const fields = { ...forecastFields, ...newTrainingFields } as const;

export const trainForecastCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "forecast",
    summary: "train a forecaster of time series",
    description:
      "Trains a forecaster of one or many series of numbers, with intervals. Series come from a table (CSV, TSV, JSON lines, Parquet) with one row per step. At the end it is evaluated on the test part with a rolling origin, beside simple methods.",
    fields,
    config: forecastFields,
    examples: [
      "train forecast sales.csv --target sales --time day --horizon 14",
      "train forecast shops.csv --target sales --series shop --time day --known price --horizon 28",
      "train forecast counts.csv --target visits --time hour --horizon 24 --head negative-binomial --decoding autoregressive",
    ],
    run: (values) => trainForecast(values, io),
  });

async function trainForecast(values: ValuesOf<typeof fields>, io: Io): Promise<void> {
  // What is wrong with the file is said before anything is written.
  const { settings, notice } = await readableSettings(settingsFrom(forecastFields, values));
  await newTraining(values, settings.file, io, async (options) => {
    if (notice !== undefined && !values.quiet) await io.stderr.write(`${notice}\n`);
    await runForecasterTraining(settings, options);
  });
}

/** Trains, or goes on, and says how good the result is. */
export async function runForecasterTraining(settings: ForecastSettings, options: TrainingOptions): Promise<void> {
  await tellSaved(await trainForecasterToFolder(settings, options), options);
  if (settings.test > 0 || settings.validation > 0) {
    using machine = await openMachine(settings.machine);
    const { io, folder, json } = options;
    await tellBacktest({ io, folder, machine, json, baselines: settings.baselines });
  }
  await tellNext([`forecast RUN ${quoted(settings.file)}`], options);
}
