import type { Command } from "commander";
import { readConfig, runPaths } from "../checkpoint/run-folder.ts";
import { integer, onOff, type ValuesOf } from "../schema/fields.ts";
import { TEXT_DEFAULTS, type TextTraining, textTrainingFields } from "../schema/text-training.ts";
import { describe, UsageError } from "../shared/errors.ts";
import { defineCommand } from "./command.ts";
import { readConfigFile } from "./config-file.ts";
import type { Io } from "./io.ts";
import { common } from "./options.ts";
import type { TextSettings } from "./text-settings.ts";
import { trainToFolder } from "./training.ts";
import { tellResult } from "./training-result.ts";

const fields = {
  run: common.run,
  epochs: integer({
    about: "how often the data is read in all, to go on for longer",
    ...{ unit: "count", min: 1, otherwise: "as the run was begun" },
  }),
  maxSteps: integer({
    about: "end after so many updates in all",
    ...{ unit: "count", min: 1, otherwise: "as the run was begun" },
  }),
  allowDifferentArithmetic: onOff({
    about:
      "go on where the arithmetic of the checkpoint is not available; the numbers then differ from those of an uninterrupted run",
  }),
  quiet: common.quiet,
  json: common.json,
} as const;

export const resumeCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "resume",
    summary: "go on with a training that was stopped",
    description:
      "Goes on with a training that was stopped, killed or is to go on for longer, from its last checkpoint.\nWhat comes is bit for bit what would have come without the interruption.",
    fields,
    examples: ["resume runs/2026-01-31-novel", "resume runs/2026-01-31-novel --epochs 20"],
    run: (values) => resume(values, io),
  });

async function resume(values: ValuesOf<typeof fields>, io: Io): Promise<void> {
  const { run: folder, epochs, maxSteps, allowDifferentArithmetic, quiet, json } = values;
  const { task } = await readConfig(folder);
  if (task !== "text")
    throw new UsageError(
      "not-resumable",
      `${folder}: expected a run of \`train text\`, its task is ${describe(task)}; resume it with the program that began it`,
    );
  const begun = (await readConfigFile(runPaths(folder).config, textTrainingFields)) as Partial<TextTraining>;
  const settings = {
    ...TEXT_DEFAULTS,
    ...begun,
    ...(epochs !== undefined && { epochs }),
    ...(maxSteps !== undefined && { maxSteps }),
  } as TextSettings;
  const options = { io, folder, quiet, json, existing: "resume", allowDifferentArithmetic } as const;
  await tellResult(folder, await trainToFolder(settings, options), options);
}
