import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { readMetrics, runPaths, saveRun } from "../checkpoint/run-folder.ts";
import { openMachine } from "../compute/open.ts";
import { quantize } from "../run/quantize.ts";
import { onOff, path, type ValuesOf } from "../schema/fields.ts";
import { UsageError } from "../shared/errors.ts";
import { formatBytes } from "../shared/shapes.ts";
import { defineCommand } from "./command.ts";
import { jsonLine, table } from "./format.ts";
import type { Io, Output } from "./io.ts";
import { openMeasuredRun } from "./measured-run.ts";
import { common } from "./options.ts";
import { beside, inRunFolder } from "./run-paths.ts";

const { run, machine, json } = common;
const fields = {
  run,
  file: path({
    about: "file to evaluate on, in the format of the training file; gzip or not",
    ...{ unit: "file", positional: true, otherwise: "the run's own test part, if it has none its validation part" },
  }),
  output: path({
    about: "folder for the quantized run",
    ...{ unit: "folder", short: "o", otherwise: "the run's folder with -int8 appended" },
  }),
  force: onOff({ about: "overwrite a folder that is not empty" }),
  machine,
  json,
} as const;

export const quantizeCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "quantize",
    summary: "round a model's matrices to 8 bits",
    description:
      "Rounds the matrices of a trained model of any task to 8 bits, with one scale per row, and reports what that costs: its loss and other scores before and after. Needs no calibration data. The result is a run like any other.",
    fields,
    examples: [
      "quantize runs/2026-01-31-novel",
      "quantize runs/2026-01-31-novel other.txt --output novel-small",
      "quantize runs/2026-01-31-reviews",
    ],
    run: (values) => quantizeRun(values, io),
  });

async function quantizeRun(flags: ValuesOf<typeof fields>, io: Io): Promise<void> {
  const { run: folder, file } = flags;
  const output = flags.output ?? beside(folder, "-int8");
  using machine = await openMachine(flags.machine);
  using run = await openMeasuredRun({ folder, machine, file, io });
  const { config, model, saved, on } = run;
  const { parameters } = saved;
  if (parameters.quantized) throw new UsageError("already-quantized", `${folder}: its weights are already 8-bit`);
  const [before, after] = await inRunFolder(output, flags, async () => {
    const before = await run.measure();
    await quantize({ model, parameters });
    const after = await run.measure();
    const { tokenizer } = saved;
    const metrics = (await readMetrics(folder)) as readonly object[];
    // Who wants to train it further finds the numbers there.
    const noted = { ...config, quantizedFrom: resolve(folder) };
    await saveRun(output, { config: noted, tokenizer, parameters, metrics });
    return [before, after];
  });
  const [from, to] = [folder, output].map((one) => statSync(runPaths(one).weights).size) as [number, number];
  const result = { output, scores: after, scoresBefore: before, bytes: to, bytesBefore: from };
  await io.stdout.write(
    flags.json ? jsonLine({ type: "quantized", ...result }) : `${on}\n${costText(result, io.stdout)}\n`,
  );
}

/** Figures as they are told; others are by their names. */
const HEADS: Readonly<Record<string, string>> = {
  ...{ nats: "nats per token", macroF1: "macro-F1", rmse: "RMSE", mae: "MAE", f1: "F1" },
  intentAccuracy: "intent accuracy",
};
const headOf = (figure: string): string => (Object.hasOwn(HEADS, figure) ? HEADS[figure]! : figure);

type Scores = Readonly<Record<string, number>>;

/** A row before and a row after; and what that is in the first figure. */
function costText(
  result: {
    readonly output: string;
    readonly scores: Scores;
    readonly scoresBefore: Scores;
    readonly bytes: number;
    readonly bytesBefore: number;
  },
  out: Output,
): string {
  const { output, scores, scoresBefore, bytes, bytesBefore } = result;
  const names = Object.keys(scores);
  const row = (name: string, of: Scores, size: number): string[] => [
    ...[name, ...names.map((one) => of[one]!.toPrecision(5)), formatBytes(size)],
  ];
  const lines = [
    ["", ...names.map(headOf), "weights"],
    row("before", scoresBefore, bytesBefore),
    row("8 bits", scores, bytes),
  ];
  const [first] = names as [string];
  const lost = scores[first]! - scoresBefore[first]!;
  return `${table(lines, out)}\n${lost < 0 ? "" : "+"}${lost.toFixed(5)} ${headOf(first)}. Saved in ${output}`;
}
