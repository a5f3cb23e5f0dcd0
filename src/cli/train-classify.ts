import type { Command } from "commander";
import { type Examples, placeOf, type Series } from "../data/examples.ts";
import { type ClassifySettings, classifyFields } from "../schema/classify.ts";
import { type Field, flagName, type ValuesOf } from "../schema/fields.ts";
import { UsageError } from "../shared/errors.ts";
import { tellClassifierScores } from "./classifier-scores.ts";
import { holdsSeries, readExamples } from "./classify-data.ts";
import { expectCalibratable, trainClassifierToFolder } from "./classify-training.ts";
import { defineCommand } from "./command.ts";
import { counted } from "./format.ts";
import type { Io } from "./io.ts";
import { newTraining, newTrainingFields, settingsFrom } from "./new-training.ts";
import type { TrainingOptions } from "./recorded-training.ts";
import { tellNext, tellSaved } from "./training-result.ts";

const fields = { ...classifyFields, ...newTrainingFields } as const;

export const trainClassifyCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "classify",
    summary: "train a classifier of texts or series",
    description:
      "Trains a classifier of texts or series of numbers, or with --regression a model that predicts a number.\nTexts come from a table (CSV, TSV, JSON lines, Parquet), series from .ts files of the UCR/UEA archive or, with --channels, from a table with one row per step. At the end it is evaluated on --test (without one on the validation part) beside simple baselines.",
    fields,
    config: classifyFields,
    examples: [
      "train classify reviews.csv --text review --label stars",
      "train classify names.tsv --text 2 --label 1 --tokenizer grapheme --class-weights balanced",
      "train classify JapaneseVowels_TRAIN.ts --test JapaneseVowels_TEST.ts",
      "train classify motions.csv --channels ax ay --id recording --label motion",
    ],
    run: (values) => trainClassify(values, io),
  });

async function trainClassify(values: ValuesOf<typeof fields>, io: Io): Promise<void> {
  const settings = settingsFrom(classifyFields, values);
  expectOfTexts(settings);
  expectCalibratable(settings);
  // What is wrong with the last file is said before anything is trained.
  if (settings.test !== undefined) {
    const [train, test] = [await readExamples(settings.file, settings), await readExamples(settings.test, settings)];
    expectSameChannels(train, test);
  }
  await newTraining(values, settings.file, io, (options) => runClassifierTraining(settings, options));
}

/** What texts are made of, and in a .ts file where columns are, says nothing of series. @throws UsageError "bad-option" */
function expectOfTexts(settings: ClassifySettings): void {
  const table = settings.channels !== undefined;
  if (!table && !holdsSeries(settings.file, settings)) return;
  const foreign = table ? OF_TEXTS : [...OF_TEXTS, ...OF_TABLES];
  for (const key of foreign) {
    const field: Field = classifyFields[key];
    if (settings[key] !== field.default)
      throw new UsageError(
        "bad-option",
        `--${flagName(key, field)}: ${settings.file} holds series of numbers, ${table ? "no texts" : "and neither texts nor columns"}; leave it out`,
      );
  }
}

const OF_TEXTS = ["tokenizer", "vocabularySize", "minCount", "alphabet", "normalize", "embeddingSize"] as const;
const OF_TABLES = ["text", "label", "delimiter", "header"] as const;

/** @throws UsageError "ragged-row" */
function expectSameChannels({ inputs: [first] }: Examples, { inputs, places }: Examples): void {
  const channelsOf = (input: string | Series | undefined): number => (typeof input === "object" ? input.channels : 0);
  const channels = channelsOf(first);
  const other = inputs.findIndex((input) => channelsOf(input) !== channels);
  if (other >= 0)
    throw new UsageError(
      "ragged-row",
      `${placeOf(places, other)}: expected ${counted(channels, "channel")} as in the series that are learned from, got ${channelsOf(inputs[other])}`,
    );
}

/** Trains, or goes on, and says how good the result is. */
export async function runClassifierTraining(settings: ClassifySettings, options: TrainingOptions): Promise<void> {
  await tellSaved(await trainClassifierToFolder(settings, options), options);
  await tellClassifierScores(settings, { ...options, told: true });
  await tellNext(["predict RUN FILE"], options);
}
