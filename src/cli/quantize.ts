import { statSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { saveRun } from "../checkpoint/run-folder.ts";
import { openMachine } from "../compute/open.ts";
import { type LoadedRun, loadRun } from "../run/load-run.ts";
import { quantize } from "../run/quantize.ts";
import { onOff, path, type ValuesOf } from "../schema/fields.ts";
import { UsageError } from "../shared/errors.ts";
import { formatBytes } from "../shared/shapes.ts";
import { evaluateText } from "../train/evaluate-text.ts";
import { defineCommand } from "./command.ts";
import { counted, table } from "./format.ts";
import type { Io } from "./io.ts";
import { common } from "./options.ts";
import { inRunFolder } from "./run-paths.ts";
import { noValidation, trainedOn, wholeText } from "./run-text.ts";
import type { TextSettings } from "./text-settings.ts";

const { run, machine, json } = common;
const fields = {
  run,
  file: path({
    about: "text to measure on, UTF-8, gzip or not",
    ...{ unit: "file", positional: true, otherwise: "the validation part of the run's own text" },
  }),
  output: path({
    about: "folder for the quantised run",
    ...{ unit: "folder", short: "o", otherwise: "the run's, with -int8 behind it" },
  }),
  force: onOff({ about: "write into a folder that is not empty" }),
  machine,
  json,
} as const;

export const quantizeCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "quantize",
    summary: "round a model's matrices to 8 bits",
    description:
      "Rounds the matrices of a trained model to 8 bits, each row with a scale of its own, and says what that costs on a text. Needs no\ndata to calibrate with. The result is a run like any other.",
    fields,
    examples: ["quantize runs/2026-01-31-novel", "quantize runs/2026-01-31-novel other.txt --output novel-small"],
    run: (values) => quantizeRun(values, io),
  });

async function quantizeRun(flags: ValuesOf<typeof fields>, io: Io): Promise<void> {
  const { run: folder, file } = flags;
  const output = flags.output ?? `${folder.replace(/[/\\]+$/, "")}-int8`;
  const machine = await openMachine(flags.machine);
  const open: { close(): void }[] = [machine];
  try {
    const loaded = await loadRun(folder, machine);
    if (loaded.quantized) throw new UsageError("already-quantized", `${folder}: its weights have 8 bits already`);
    const own = (loaded.config.training ?? {}) as Partial<TextSettings>;
    const text =
      file === undefined
        ? await trainedOn(own, loaded.tokenizer, { needed: true, io })
        : await wholeText([file], loaded.tokenizer, own);
    if (text) open.push(text);
    const tokens = file === undefined ? text!.validation : text!.train;
    if (tokens.length < 2) throw noValidation(folder);
    const { model, parameters } = loaded;
    const { before, after } = await inRunFolder(output, flags, async () => {
      const before = await evaluateText({ model, parameters, machine, tokens });
      const quantized = await quantize({ model, parameters });
      const after = await evaluateText({ model, parameters, machine, tokens, quantized });
      await saveRun(output, { ...partsOf(loaded), quantized });
      return { before, after };
    });
    const [from, to] = [folder, output].map((one) => statSync(join(one, "model.safetensors")).size) as [number, number];
    if (flags.json) {
      const result = { output, nats: after.nats, natsBefore: before.nats, bytes: to, bytesBefore: from };
      await io.stdout.write(`${JSON.stringify({ type: "quantized", ...result })}\n`);
      return;
    }
    const row = (name: string, nats: number, perplexity: number, bytes: number): string[] => [
      ...[name, nats.toFixed(4), perplexity.toFixed(2), formatBytes(bytes)],
    ];
    const lines = [
      ["", "nats per token", "perplexity", "weights"],
      row("before", before.nats, before.perplexity, from),
      row("8 bits", after.nats, after.perplexity, to),
    ];
    const what = file ?? "the validation part of the run's text";
    const lost = after.nats - before.nats;
    await io.stdout.write(
      `${what}: ${counted(tokens.length, "token")}\n${table(lines)}\n${lost < 0 ? "" : "+"}${lost.toFixed(5)} nats per token. Saved in ${output}\n`,
    );
  } finally {
    for (const one of open.reverse()) one.close();
  }
}

/** Everything of a run but its weights. */
const partsOf = ({ config, tokenizer, parameters, metrics }: LoadedRun) => ({
  ...{ config, tokenizer, parameters },
  metrics: metrics as readonly object[],
});
