import { choice, type Field, integer, number, onOff, path, text, texts, type ValuesOf } from "./fields.ts";
import { recurrentFields } from "./model.ts";
import { pretrainedFields } from "./pretrained.ts";
import { tokenizerFields } from "./tokenizer.ts";
import { machineField, trainingFields } from "./training.ts";

const { vocabularySize, minCount, alphabet, normalize } = tokenizerFields;
const { epochs: _, ...training } = trainingFields;

/** The same field without a default of its own. */
const withoutDefault = <T>({ default: _, ...field }: Field<T>, otherwise: string): Field<T> => ({
  ...field,
  otherwise,
});

/** All that the training of a classifier is made of: flags of `train classify`, keys of its config files, `training` in a run's config.json. */
export const classifyFields = {
  file: path({
    about:
      "table of texts (CSV, TSV, JSON lines, Parquet) or series (.ts of the UCR/UEA archive; with --channels a table, one row per step), gzip or not",
    ...{ unit: "file", positional: true, required: true },
  }),
  text: text({
    about: "column with the text: its name or, in a file without header, its number from 1",
    ...{ unit: "column", otherwise: "the one called text" },
  }),
  channels: texts({
    about: "columns with the channels of series, in a table with one row per step",
    ...{ unit: "column", otherwise: "the file contains texts, or series in a .ts file" },
  }),
  id: text({
    about: "with --channels: column that says which series a row belongs to",
    unit: "column",
    otherwise: "none",
  }),
  time: texts({
    about: "with --channels: column with the time, or columns with year, month, day, hour, minute, second",
    ...{ unit: "column", otherwise: "rows are equal steps in their order" },
  }),
  label: text({ about: "column with the label", unit: "column", otherwise: "the one called label" }),
  delimiter: text({
    about: "delimiter of cells",
    ...{ unit: "character", otherwise: "a tab in .tsv files, else the one of , ; tab | that fits" },
  }),
  header: onOff({ about: "the first row has column names, although columns are given by number" }),
  series: onOff({ about: "the file contains series, although its name does not end in .ts" }),
  regression: onOff({ about: "labels are numbers to predict, not classes" }),
  skipBadRows: onOff({
    about:
      "leave out rows that cannot be read, and say how many and why the first ones; otherwise the first one ends the command",
  }),
  test: path({
    about: "file to evaluate the trained model on, once, at the end",
    unit: "file",
    otherwise: "none",
  }),
  validation: number({
    about: "share of each class to keep for validation; 0: none",
    ...{ unit: "share", min: 0, max: 0.5, default: 0.1 },
  }),
  classWeights: choice(["none", "balanced"], {
    about: "class weights: all equal, or higher for rare classes",
    ...{ unit: "rule", default: "none" },
  }),
  tokenizer: choice(["grapheme", "character", "byte", "word", "bpe"], {
    about: "what a token of a text is",
    ...{ unit: "kind", default: "word" },
  }),
  ...{ vocabularySize, minCount, alphabet, normalize },
  scaling: choice(["standard", "none"], {
    about: "scaling of series: each channel to mean 0 and standard deviation 1, or none",
    ...{ unit: "rule", default: "standard" },
  }),
  ...pretrainedFields,
  ...recurrentFields,
  initialize: withoutDefault(recurrentFields.initialize, "keras for series, pytorch for texts"),
  dropout: number({
    about: "dropout rate for the embedding, between layers and for pooled values",
    ...{ unit: "share", min: 0, below: 1, default: 0.3 },
  }),
  bidirectional: onOff({ about: "read from both ends", off: "read in one direction only", default: true }),
  pooling: choice(["last", "mean", "max", "attention"], {
    about: "how the steps are pooled into one vector",
    ...{ unit: "kind", default: "max", formerNames: { maximum: "max" } },
  }),
  memorySteps: integer({
    about: "longest initial memory of units; for series of hundreds of steps, about their length",
    ...{ unit: "steps", min: 0, default: 0 },
  }),
  embeddingSize: integer({ about: "size of the vector of a token", unit: "numbers", min: 1, default: 64 }),
  batchSize: integer({
    about: "examples of an update",
    ...{ unit: "count", min: 1, otherwise: "32; with few examples about the square root of their number, at least 8" },
  }),
  epochs: integer({
    about: "how often all examples are learned from",
    ...{ unit: "count", min: 1, otherwise: "10, or more for about 640 updates, but at most 100" },
  }),
  ...training,
  monitor: choice(["accuracy", "macroF1", "loss", "rmse", "mae"], {
    about: "which metric of the validation part says which epoch is kept and when --patience ends",
    ...{ unit: "metric", otherwise: "accuracy, with --regression loss", inOldRuns: "loss" },
  }),
  calibrate: onOff({
    about: "fit a temperature to the validation part: probabilities that are as often right as they say",
  }),
  threshold: text({
    about:
      "of two classes: choose on the validation part from which probability on the answer is the second: f1 (the highest), precision:0.9 (at least, with the highest recall) or recall:0.9",
    ...{ unit: "goal", otherwise: "the more likely class" },
  }),
  thresholdLabel: text({
    about: "the class that the goal of --threshold is about",
    ...{ unit: "label", otherwise: "the second in order", needs: { key: "threshold" } },
  }),
  schedule: withoutDefault(training.schedule, "cosine for series, constant for texts"),
  baselines: onOff({ about: "baselines beside the model", off: "no baselines", default: true }),
  machine: machineField,
} as const;

export type ClassifySettings = ValuesOf<typeof classifyFields>;
