import { existsSync } from "node:fs";
import type { Command } from "commander";
import { platform } from "#platform";
import { packRun } from "../checkpoint/packed-run.ts";
import { readConfig, type Saveable } from "../checkpoint/run-folder.ts";
import { ofKind } from "../checkpoint/run-kinds.ts";
import { openMachine } from "../compute/open.ts";
import { loadClassifier } from "../run/load-classifier.ts";
import { loadForecaster } from "../run/load-forecaster.ts";
import { loadRun } from "../run/load-run.ts";
import { loadTagger } from "../run/load-tagger.ts";
import type { LoadRunOptions } from "../run/run-parts.ts";
import { choice, onOff, path, type ValuesOf } from "../schema/fields.ts";
import { UsageError } from "../shared/errors.ts";
import { formatBytes } from "../shared/shapes.ts";
import { defineCommand } from "./command.ts";
import { jsonLine } from "./format.ts";
import type { Io } from "./io.ts";
import { writeKernels } from "./kernels.ts";
import { common } from "./options.ts";
import { beside } from "./run-paths.ts";

const { run, json } = common;
const fields = {
  run,
  output: path({
    about: "file to write, whose name ends in .safetensors",
    ...{ unit: "file", short: "o", otherwise: "the run's name with that ending" },
  }),
  type: choice(["F32", "F16"], {
    about: "32-bit numbers, or 16-bit numbers in half the space; 8-bit matrices stay as they are",
    ...{ unit: "type", default: "F32" },
  }),
  kernels: path({
    about: "folder for the kernels of a session, for hosts that compile no WebAssembly; of language models",
    ...{ unit: "folder", otherwise: "none are written" },
  }),
  force: onOff({ about: "overwrite what exists" }),
  json,
} as const;

export const packCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "pack",
    summary: "pack a run into one file, for pages",
    description:
      "Packs a run of any task into one file: weights, config, tokenizer. A page opens it by its URL, a program by its path (loadRun, loadClassifier, loadTagger, loadForecaster). Metrics and checkpoints are not included.",
    fields,
    examples: [
      "pack runs/2026-01-31-reviews",
      "pack runs/2026-01-31-reviews-int8 --output public/reviews.safetensors --type F16",
      "pack runs/2026-01-31-novel --kernels worker/kernels",
    ],
    run: (values) => pack(values, io),
  });

/** How a run of each kind of model is opened, and by whom in a page. */
const LOADERS: Readonly<
  Record<string, (folder: string, options: LoadRunOptions) => Promise<Omit<Saveable, "config">>>
> = {
  "sequence-classifier": loadClassifier,
  tagger: loadTagger,
  forecaster: loadForecaster,
};

async function pack(
  { run: folder, type, kernels, force, json, ...given }: ValuesOf<typeof fields>,
  io: Io,
): Promise<void> {
  const output = given.output ?? beside(folder, ".safetensors");
  if (!output.endsWith(".safetensors"))
    throw new UsageError(
      "bad-option",
      `--output ${output}: expected a name that ends in .safetensors, by which loaders tell such a file from a folder`,
    );
  const config = await readConfig(folder);
  for (const [flag, path] of Object.entries({ output, kernels }))
    if (!force && path !== undefined && existsSync(path))
      throw new UsageError(
        "file-exists",
        `--${flag} ${path}: it exists; choose another name, or give --force to overwrite it`,
      );
  const load = ofKind(config, LOADERS) ?? loadRun;
  if (kernels !== undefined && load !== loadRun)
    throw new UsageError(
      "other-task",
      `--kernels: ${folder} is no language model, and models of other tasks have kernels for each length that they meet; save those of your program with the option compile of openMachine`,
    );
  using machine = await openMachine("wasm");
  const { tokenizer, parameters } = await load(folder, { machine });
  const bytes = await packRun({ config, tokenizer, parameters }, { dtype: type });
  await platform.writeFileAtomic(output, bytes);
  const size = bytes.byteLength;
  const written = kernels === undefined ? 0 : await writeKernels(kernels, bytes);
  await io.stdout.write(
    json
      ? jsonLine({ type: "packed", output, bytes: size, ...(kernels !== undefined && { kernels: written }) })
      : `Wrote ${output} (${formatBytes(size)})\nIn a page: ${load.name}("${output.split(/[/\\]/).at(-1)!}", { machine })\n`,
  );
  if (kernels !== undefined && !json)
    await io.stdout.write(
      `Wrote ${written} kernels to ${kernels}, for openMachine("wasm", { compile }), loadRun, openSession, in this order\n`,
    );
}
