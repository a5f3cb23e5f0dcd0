import type { Command } from "commander";
import type { ValuesOf } from "../schema/fields.ts";
import { type TagSettings, tagFields } from "../schema/tag.ts";
import { defineCommand } from "./command.ts";
import type { Io } from "./io.ts";
import { newTraining, newTrainingFields, settingsFrom } from "./new-training.ts";
import type { TrainingOptions } from "./recorded-training.ts";
import { readTagged } from "./tag-data.ts";
import { trainTaggerToFolder } from "./tag-training.ts";
import { tellTaggerScores } from "./tagger-scores.ts";
import { tellNext, tellSaved } from "./training-result.ts";

const fields = { ...tagFields, ...newTrainingFields } as const;

export const trainTagCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "tag",
    summary: "train a tagger of the tokens of sentences",
    description:
      "Trains a tagger, which assigns a tag to each token of a sentence: its part of speech, or the name or slot it belongs to, and with --intent an intent to each sentence. Spans are read in any scheme (IOB1, IOB2, BIOES, BMES, BILOU). At the end it is measured on --test (without one on the validation part) beside a baseline.",
    fields,
    config: tagFields,
    examples: [
      "train tag train.conll --validation valid.conll --test test.conll",
      "train tag en_ewt-ud-train.conllu --token 2 --tag 4",
      "train tag atis.tsv --rows --token 1 --tag 2 --intent 3",
    ],
    run: (values) => trainTag(values, io),
  });

async function trainTag(values: ValuesOf<typeof fields>, io: Io): Promise<void> {
  const settings = settingsFrom(tagFields, values);
  // What is wrong with the last file is said before anything is trained.
  if (settings.test !== undefined) await readTagged(settings.test, settings);
  await newTraining(values, settings.file, io, (options) => runTaggerTraining(settings, options));
}

/** Trains, or goes on, and says how good the result is. */
export async function runTaggerTraining(settings: TagSettings, options: TrainingOptions): Promise<void> {
  await tellSaved(await trainTaggerToFolder(settings, options), options);
  await tellTaggerScores(settings, { ...options, told: true });
  await tellNext(['predict RUN --input "a sentence , its tokens apart"'], options);
}
