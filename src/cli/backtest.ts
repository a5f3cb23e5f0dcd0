import type { Command } from "commander";
import type { Machine } from "../compute/machine.ts";
import { openMachine } from "../compute/open.ts";
import { splitSeries } from "../data/forecast-split.ts";
import { observedLength } from "../data/time-series.ts";
import { type Backtest, type BacktestSeries, backtest } from "../run/backtest.ts";
import type { Forecaster } from "../run/forecaster.ts";
import { loadForecaster } from "../run/load-forecaster.ts";
import { integer, numbers, onOff, path, type ValuesOf } from "../schema/fields.ts";
import { UsageError } from "../shared/errors.ts";
import { defineCommand } from "./command.ts";
import { readSeriesFile, settingsOf } from "./forecast-data.ts";
import { backtestText } from "./forecast-scores.ts";
import { jsonLine } from "./format.ts";
import type { Io } from "./io.ts";
import { common } from "./options.ts";
import { chosenBy } from "./run-settings.ts";

const { run, machine, json } = common;

/** Options that all commands have that forecast. */
export const forecastingFields = {
  quantiles: numbers({
    about: "probabilities of the quantiles, ascending",
    ...{ unit: "level", above: 0, below: 1, otherwise: "as learned; of distributions 0.1 0.5 0.9" },
  }),
  samples: integer({
    about: "number of sampled futures per series, for autoregressive models",
    ...{ unit: "count", min: 1, default: 200 },
  }),
  seed: integer({ about: "seed of the samples", unit: "number", min: 0, default: 0 }),
  recent: integer({
    about: "calibrate intervals on this many latest origins before each forecast, which must not have been trained on",
    ...{ unit: "count", min: 1, otherwise: "calibrated on the validation part" },
  }),
} as const;

/** A model that predicts all steps at once draws none. @throws UsageError "bad-option" */
export function expectSampling(
  { model }: Forecaster,
  flags: { readonly samples?: number | undefined; readonly seed?: number | undefined },
): void {
  if (model.config.autoregressive) return;
  for (const key of ["samples", "seed"] as const) {
    const { default: usual } = forecastingFields[key];
    if ((flags[key] ?? usual) !== usual)
      throw new UsageError(
        "bad-option",
        `--${key}: this model predicts all steps at once and samples nothing; leave it out`,
      );
  }
}

const fields = {
  run,
  file: path({
    about: "table with the same columns, whose second half is forecast; simple methods learn from the first half",
    ...{ unit: "file", positional: true, otherwise: "the test part of the run's own file" },
  }),
  stride: integer({
    about: "steps between two origins",
    ...{ unit: "steps", min: 1, otherwise: "1, more where there would be more than 500 origins" },
  }),
  ...forecastingFields,
  baselines: onOff({ about: "baselines beside the model", off: "no baselines", default: true }),
  machine,
  json,
} as const;

export const backtestCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "backtest",
    summary: "evaluate forecasts with a rolling origin, beside simple methods",
    description:
      "Evaluates forecasts with a rolling origin, each from what was known at that time: mean absolute and root mean squared error, sMAPE, MASE, pinball loss and coverage of the interval, beside the last value, the last season, drift, exponential smoothing and a linear map. Says when the model does not beat them.",
    fields,
    examples: ["backtest runs/2026-01-31-sales", "backtest runs/2026-01-31-sales next-year.csv --stride 7"],
    run: (values) => runBacktest(values, io),
  });

async function runBacktest(values: ValuesOf<typeof fields>, io: Io): Promise<void> {
  const { run: folder, quantiles: levels, ...rest } = values;
  using machine = await openMachine(values.machine);
  await tellBacktest({ ...rest, io, folder, machine, levels });
}

export interface TellBacktestOptions {
  readonly io: Io;
  readonly folder: string;
  readonly machine: Machine;
  /** Another file, whose second half is forecast. */
  readonly file?: string | undefined;
  readonly stride?: number | undefined;
  readonly levels?: readonly number[] | undefined;
  readonly samples?: number | undefined;
  readonly seed?: number | undefined;
  readonly recent?: number | undefined;
  readonly baselines: boolean;
  readonly json: boolean;
}

/** Measures the test part of a run's own file (without one the validation part), or another file. */
export async function tellBacktest(options: TellBacktestOptions): Promise<void> {
  const { io, folder, machine, file, json, ...rest } = options;
  const forecaster = await loadForecaster(folder, { machine });
  expectSampling(forecaster, rest);
  const { series, own } = await measuredSeries(forecaster, folder, file);
  const part = file ?? `the ${own} part${chosenBy(own)}`;
  const result: Backtest = await backtest(forecaster, { ...rest, series });
  if (json) {
    const { rows, origins, stride } = result;
    for (const { name, scores } of rows)
      for (const [target, one] of Object.entries(scores))
        await io.stdout.write(jsonLine({ type: "scores", part: file ?? own, name, target, origins, stride, ...one }));
    return;
  }
  await io.stdout.write(`${backtestText(result, part, io.stdout)}\n`);
}

/** The test part of a run's own series (without one the validation part), or the second half of another file. */
export async function measuredSeries(
  forecaster: Forecaster,
  folder: string,
  file: string | undefined,
): Promise<{ readonly series: readonly BacktestSeries[]; readonly own: "test" | "validation" }> {
  const settings = await settingsOf(folder);
  const { series } = await readSeriesFile(file ?? settings.file, settings);
  const own = settings.test > 0 ? "test" : "validation";
  const { horizon, targets } = forecaster.layout;
  return {
    own,
    series: series.map((source) => {
      const length = observedLength(source, targets);
      const prepared = forecaster.prepare(source);
      if (file !== undefined) return { source, prepared, ...halves(length) };
      const spans = splitSeries(length, horizon, settings);
      return { source, prepared, train: spans.train, test: spans[own] };
    }),
  };
}

/** Of a file that the model has not seen: simple methods learn from its first half, and the second one is forecast. */
const halves = (length: number) => {
  const middle = Math.floor(length / 2);
  return { train: { from: 0, to: middle }, test: { from: middle, to: length } };
};
