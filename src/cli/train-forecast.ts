import { resolve } from "node:path";
import type { Command } from "commander";
import { openMachine } from "../compute/open.ts";
import type { ValuesOf } from "../schema/fields.ts";
import { type ForecastSettings, forecastFields } from "../schema/forecast.ts";
import { tellBacktest } from "./backtest.ts";
import { defineCommand } from "./command.ts";
import { Ended } from "./failure.ts";
import { readSeriesFile } from "./forecast-data.ts";
import { trainForecasterToFolder } from "./forecast-training.ts";
import { quoted } from "./format.ts";
import { EXIT, type Io } from "./io.ts";
import { common } from "./options.ts";
import type { TrainingOptions } from "./recorded-training.ts";
import { claimRunFolder, nameOf, newRunFolder } from "./run-paths.ts";

const { output, force, quiet, json } = common;
const fields = { ...forecastFields, output, force, quiet, json } as const;

export const trainForecastCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "forecast",
    summary: "train a model that predicts the next steps of series",
    description:
      "Trains a model that predicts the next steps of one or many series of numbers, with intervals. Series come from a table (CSV, TSV,\nJSON lines, Parquet), one row a step. At the end it is measured on the test part, from one origin after the other, beside simple methods.",
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
  const { output, force, quiet, json, ...rest } = values;
  const folder = output ?? newRunFolder(nameOf(rest.file), io.today());
  // Absolute, so that the run can be repeated and resumed from any folder.
  const settings: ForecastSettings = { ...rest, file: resolve(rest.file) };
  // What is wrong with the file is said before anything is written.
  await readSeriesFile(settings.file, settings);
  claimRunFolder(folder, { force });
  await runForecasterTraining(settings, { io, folder, quiet, json, existing: "overwrite" });
}

/** Trains, or goes on, and says how good the result is. */
export async function runForecasterTraining(settings: ForecastSettings, options: TrainingOptions): Promise<void> {
  const { io, folder, quiet, json } = options;
  const { interrupted, saved } = await trainForecasterToFolder(settings, options);
  if (json) await io.stdout.write(`${JSON.stringify({ type: "saved", folder, ...saved })}\n`);
  else {
    const when = saved.savedEpoch === undefined ? `step ${saved.savedStep}` : `epoch ${saved.savedEpoch}`;
    await io.stdout.write(`Saved in ${folder} (the weights after ${when}).\n`);
    if (interrupted)
      await io.stdout.write(`To go on as if nothing had been:\n  ${io.program} resume ${quoted(folder)}\n`);
  }
  if (interrupted) throw new Ended(EXIT.interrupted);
  if (settings.test > 0 || settings.validation > 0) {
    const machine = await openMachine(settings.machine);
    try {
      await tellBacktest({ io, folder, machine, json, baselines: settings.baselines });
    } finally {
      machine.close();
    }
  }
  if (!json && !quiet)
    await io.stdout.write(`Next:\n  ${io.program} forecast ${quoted(folder)} ${quoted(settings.file)}\n`);
}
