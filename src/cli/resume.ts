import type { Command } from "commander";
import { readConfig, runPaths } from "../checkpoint/run-folder.ts";
import { type ClassifySettings, classifyFields } from "../schema/classify.ts";
import { defaultsOf, type Fields, integer, onOff, type ValuesOf } from "../schema/fields.ts";
import { type ForecastSettings, forecastFields } from "../schema/forecast.ts";
import { type TagSettings, tagFields } from "../schema/tag.ts";
import { textTrainingFields } from "../schema/text-training.ts";
import { describe, UsageError } from "../shared/errors.ts";
import { defineCommand } from "./command.ts";
import { readConfigFile } from "./config-file.ts";
import type { Io } from "./io.ts";
import { common } from "./options.ts";
import type { TrainingOptions } from "./recorded-training.ts";
import type { TextSettings } from "./text-settings.ts";
import { runClassifierTraining } from "./train-classify.ts";
import { runForecasterTraining } from "./train-forecast.ts";
import { runTaggerTraining } from "./train-tag.ts";
import { runTextTraining } from "./train-text.ts";

const fields = {
  run: common.run,
  epochs: integer({
    about: "total number of epochs, to train for longer",
    ...{ unit: "count", min: 1, otherwise: "as the run was begun" },
  }),
  maxSteps: integer({
    about: "total number of updates",
    ...{ unit: "count", min: 1, otherwise: "as the run was begun" },
  }),
  allowDifferentArithmetic: onOff({
    about:
      "continue although the arithmetic of the checkpoint is not available; the numbers then differ from those of an uninterrupted run",
  }),
  quiet: common.quiet,
  json: common.json,
} as const;

/** How a training of each task goes on; `settings` are what its fields say. */
const TASKS: Readonly<
  Record<
    string,
    { readonly fields: Fields; readonly goOn: (settings: object, options: TrainingOptions) => Promise<void> }
  >
> = {
  text: {
    fields: textTrainingFields,
    goOn: (settings, options) => runTextTraining(settings as TextSettings, options),
  },
  classify: {
    fields: classifyFields,
    goOn: (settings, options) => runClassifierTraining(settings as ClassifySettings, options),
  },
  tag: {
    fields: tagFields,
    goOn: (settings, options) => runTaggerTraining(settings as TagSettings, options),
  },
  forecast: {
    fields: forecastFields,
    goOn: (settings, options) => runForecasterTraining(settings as ForecastSettings, options),
  },
};

export const resumeCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "resume",
    summary: "continue a training that was stopped",
    description:
      "Continues a training that was stopped or killed, or trains for longer, from its last checkpoint.\nThe result is bit for bit that of an uninterrupted training.",
    fields,
    examples: ["resume runs/2026-01-31-novel", "resume runs/2026-01-31-novel --epochs 20"],
    run: (values) => resume(values, io),
  });

async function resume(values: ValuesOf<typeof fields>, io: Io): Promise<void> {
  const { run: folder, epochs, maxSteps, allowDifferentArithmetic, quiet, json } = values;
  const { task } = await readConfig(folder);
  const known = typeof task === "string" && Object.hasOwn(TASKS, task) ? TASKS[task] : undefined;
  if (known === undefined)
    throw new UsageError(
      "not-resumable",
      `${folder}: expected a run of \`train ${Object.keys(TASKS).join("` or `train ")}\`, its task is ${task === undefined ? "missing" : describe(task)}; resume it with the program that began it`,
    );
  const settings = {
    ...defaultsOf(known.fields),
    ...(await readConfigFile(runPaths(folder).config, known.fields)),
    ...(epochs !== undefined && { epochs }),
    ...(maxSteps !== undefined && { maxSteps }),
  };
  await known.goOn(settings, { io, folder, quiet, json, existing: "resume", allowDifferentArithmetic });
}
