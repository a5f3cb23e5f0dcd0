import type { Command } from "commander";
import { platform } from "#platform";
import { openMachine } from "../compute/open.ts";
import { holdsParquet } from "../data/parquet.ts";
import type { SeriesForecast } from "../run/forecaster.ts";
import { loadForecaster } from "../run/load-forecaster.ts";
import { integer, onOff, path, type ValuesOf } from "../schema/fields.ts";
import { UsageError } from "../shared/errors.ts";
import { expectSampling, forecastingFields } from "./backtest.ts";
import { defineCommand } from "./command.ts";
import { readSeriesFile, settingsOf, unseenKinds } from "./forecast-data.ts";
import { forecastPage } from "./forecast-page.ts";
import { forecastPlot } from "./forecast-plot.ts";
import { forecastCsv, forecastRows } from "./forecast-table.ts";
import { counted, jsonLine } from "./format.ts";
import type { Io } from "./io.ts";
import { common } from "./options.ts";
import { parquetOf } from "./parquet.ts";
import { inputFile } from "./standard-input.ts";

const { run, machine, json } = common;
const fields = {
  run,
  file: path({
    about: "table with the same columns; rows after the last one with a target give what is known in advance",
    ...{ unit: "file", positional: true, standardInput: true, otherwise: "the run's own file" },
  }),
  horizon: integer({
    about: "steps to forecast; more than trained only with --decoding autoregressive",
    ...{ unit: "steps", min: 1, otherwise: "as trained" },
  }),
  ...forecastingFields,
  output: path({
    about: "file for the table: .csv, .json, .jsonl or .parquet",
    ...{ unit: "file", short: "o", otherwise: "CSV on standard output" },
  }),
  html: path({
    about: "write a self-contained page with a plot of each series to this file, instead of the table",
    unit: "file",
  }),
  plot: onOff({ about: "draw the first series and its forecast in the terminal, instead of the table" }),
  machine,
  json,
} as const;

export const forecastCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "forecast",
    summary: "predict the next steps of series, with intervals",
    description:
      "Forecasts the next steps of each series of a table, with quantiles, as CSV, JSON, JSON lines or Parquet. They start after the last row with a target.",
    fields,
    examples: [
      "forecast runs/2026-01-31-sales sales.csv > next.csv",
      "forecast runs/2026-01-31-sales sales.csv --plot",
      "forecast runs/2026-01-31-sales sales.csv --output next.json --html next.html",
    ],
    run: (values) => forecast(values, io),
  });

async function forecast(flags: ValuesOf<typeof fields>, io: Io): Promise<void> {
  const { horizon, quantiles: levels, samples, seed, recent, output, html } = flags;
  if (flags.json && flags.plot) throw new UsageError("bad-option", "--json and --plot: give one of them");
  using machine = await openMachine(flags.machine);
  const forecaster = await loadForecaster(flags.run, { machine });
  expectSampling(forecaster, flags);
  const settings = await settingsOf(flags.run);
  const data = await readSeriesFile(await inputFile(flags.file ?? settings.file, io), settings);
  for (const notice of [...data.notices, ...unseenKinds(forecaster.layout, data)])
    await io.stderr.write(`Note: ${notice}\n`);
  const found: readonly SeriesForecast[] = await forecaster.forecast(data, {
    ...{ horizon, levels, samples, seed, recent },
  });
  const rows = forecastRows(found, data);
  const lines = () => rows.map(({ quantiles, ...row }) => ({ type: "forecast", ...row, ...quantiles }));
  const jsonLines = () => lines().map(jsonLine).join("");
  const contentOf = (file: string): Promise<Uint8Array> | string => {
    if (holdsParquet(file)) return parquetOf(rows);
    if (/\.json$/i.test(file)) return `${JSON.stringify(lines(), null, 1)}\n`;
    return /\.jsonl$/i.test(file) ? jsonLines() : forecastCsv(rows);
  };
  if (output !== undefined) {
    await platform.writeFileAtomic(output, await contentOf(output));
    if (!flags.json) await io.stdout.write(`Wrote ${output} (${counted(rows.length, "row")})\n`);
  }
  const past = Math.max(forecaster.layout.context, 2 * forecaster.layout.horizon);
  if (html !== undefined) {
    await platform.writeFileAtomic(html, forecastPage(data, found, { past, season: forecaster.layout.season }));
    if (!flags.json)
      await io.stdout.write(`The page with ${found.length === 1 ? "a picture" : "pictures"} of the series: ${html}\n`);
  }
  if (flags.json) await io.stdout.write(jsonLines());
  else if (flags.plot)
    await io.stdout.write(
      `${forecastPlot(data.series[0]!, found[0]!, {
        ...{ width: Math.min(io.stdout.columns, 120), color: io.color },
        past,
      })}\n`,
    );
  else if (output === undefined && html === undefined) await io.stdout.write(forecastCsv(rows));
}
