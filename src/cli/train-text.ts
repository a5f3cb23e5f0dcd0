import { Command } from "commander";
import type { ValuesOf } from "../schema/fields.ts";
import { embeddingSizeOf, textTrainingFields } from "../schema/text-training.ts";
import { UsageError } from "../shared/errors.ts";
import { defineCommand } from "./command.ts";
import { quoted } from "./format.ts";
import type { Io } from "./io.ts";
import { newTraining, newTrainingFields, settingsFrom } from "./new-training.ts";
import type { TrainingOptions } from "./recorded-training.ts";
import type { TextSettings } from "./text-settings.ts";
import { trainClassifyCommand } from "./train-classify.ts";
import { trainForecastCommand } from "./train-forecast.ts";
import { trainTagCommand } from "./train-tag.ts";
import { trainToFolder } from "./training.ts";
import { tellNext, tellSaved } from "./training-result.ts";

const fields = { ...textTrainingFields, ...newTrainingFields } as const;

export function trainCommand(io: Io): Command {
  return new Command("train")
    .summary("train a model")
    .description("Trains a model.")
    .addCommand(trainTextCommand(io))
    .addCommand(trainClassifyCommand(io))
    .addCommand(trainTagCommand(io))
    .addCommand(trainForecastCommand(io));
}

const trainTextCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "text",
    summary: "train a language model on text",
    description:
      "Trains a language model on text: it learns to predict the next character, byte or word.\nFiles are UTF-8, gzip or not, and may be larger than memory; several are read as if they were one.",
    fields,
    config: textTrainingFields,
    examples: [
      "train text novel.txt",
      "train text part1.txt.gz part2.txt.gz --cell gru --hidden-size 256 --epochs 5 --output runs/novel",
      "train text --config runs/novel/config.json --seed 1",
    ],
    run: (values) => trainText(values, io),
  });

async function trainText(values: ValuesOf<typeof fields>, io: Io): Promise<void> {
  const settings = { ...settingsFrom(textTrainingFields, values), embeddingSize: embeddingSizeOf(values) };
  if (settings.validation === 0 && settings.validationTokens !== undefined)
    throw new UsageError("bad-option", "--validation-tokens: --validation 0 keeps none; give one of them");
  await newTraining(values, settings.files[0]!, io, (options) => runTextTraining(settings, options));
}

/** Trains, or goes on, and says how good the result is. */
export async function runTextTraining(settings: TextSettings, options: TrainingOptions): Promise<void> {
  const result = await trainToFolder(settings, options);
  await tellSaved(result, options, "nats per token");
  // Without a validation part there is nothing to evaluate on.
  const evaluated = result.saved.validationLoss === undefined ? [] : ["evaluate RUN"];
  await tellNext(["generate RUN", ...evaluated, `inspect RUN --text ${quoted(result.example)}`], options);
}
