import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { isAddress } from "../platform/download.ts";
import { path, type ValuesOf } from "../schema/fields.ts";
import { UsageError } from "../shared/errors.ts";
import { defineCommand } from "./command.ts";
import { jsonLine } from "./format.ts";
import { runInfo } from "./info-run.ts";
import type { Io } from "./io.ts";
import { modelFileInfo } from "./model-info.ts";
import { common } from "./options.ts";

const WHAT =
  "a model file (ONNX, .keras, .h5, model.json, .pt, .safetensors, .npz, .index), or the folder of a run, as `train` made it";

const { json } = common;
const fields = {
  path: path({ about: WHAT, unit: "path", positional: true, required: true }),
  json,
} as const;

export const infoCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "info",
    summary: "describe a run or a model file",
    description:
      "Describes a run: its model, data, training and results, and the command that repeats it; or a model file of any format: its content, how it is interpreted and what it converts to.",
    fields,
    examples: ["info runs/2026-01-31-novel", "info runs/2026-01-31-novel --json", "info model.onnx"],
    run: (values) => info(values, io),
  });

async function info({ path, json }: ValuesOf<typeof fields>, io: Io): Promise<void> {
  if (!isAddress(path) && !existsSync(path))
    throw new UsageError("file-not-found", `${path}: there is no such file or folder`);
  const { text, json: object } = isModelFile(path) ? await modelFileInfo(path) : runInfo(path, io);
  await io.stdout.write(json ? jsonLine(object) : text);
}

/** Any folder may be a run, but for those that hold a model of another program. */
const isModelFile = (path: string): boolean =>
  isAddress(path) ||
  !statSync(path).isDirectory() ||
  ["model.json", "manifest.json"].some((name) => existsSync(join(path, name)));
