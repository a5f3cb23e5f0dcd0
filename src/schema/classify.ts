import { choice, integer, number, onOff, path, text, type ValuesOf } from "./fields.ts";
import { recurrentFields } from "./model.ts";
import { tokenizerFields } from "./tokenizer.ts";
import { machineField, trainingFields } from "./training.ts";

const { vocabularySize, minimumCount, alphabet, normalize } = tokenizerFields;
const { tensorboard: _, epochs: __, ...training } = trainingFields;

/** All that the training of a classifier is made of: flags of `train classify`, keys of its config files, `training` in a run's config.json. */
export const classifyFields = {
  file: path({
    about: "table of texts (CSV, TSV, JSON lines, Parquet) or series (.ts of the UCR/UEA archive), gzip or not",
    ...{ unit: "file", positional: true, required: true },
  }),
  text: text({
    about: "column with the text: its name or, in a file without header, its number from 1",
    ...{ unit: "column", otherwise: "the one called text" },
  }),
  label: text({ about: "column with the label", unit: "column", otherwise: "the one called label" }),
  delimiter: text({
    about: "what stands between the cells of a row",
    ...{ unit: "character", otherwise: "a tab in .tsv files, else the one of , ; tab | that fits" },
  }),
  header: onOff({ about: "the first row names the columns, although they are given by number" }),
  series: onOff({ about: "the file holds series, although its name does not end in .ts" }),
  regression: onOff({ about: "labels are numbers to be predicted, not classes" }),
  test: path({
    about: "file that the trained model is measured on, once, at the end",
    unit: "file",
    otherwise: "none",
  }),
  validation: number({
    about: "share of each class that is kept for validation; 0 keeps none",
    ...{ unit: "share", min: 0, max: 0.5, default: 0.1 },
  }),
  classWeights: choice(["none", "balanced"], {
    about: "how much an example counts: all the same, or those of rare classes more",
    ...{ unit: "rule", default: "none" },
  }),
  tokenizer: choice(["grapheme", "character", "byte", "word", "bpe"], {
    about: "what a token of a text is",
    ...{ unit: "kind", default: "word" },
  }),
  ...{ vocabularySize, minimumCount, alphabet, normalize },
  scaling: choice(["standard", "none"], {
    about: "what is done to series first: each channel to mean 0 and deviation 1, or nothing",
    ...{ unit: "rule", default: "standard" },
  }),
  ...recurrentFields,
  initialize: { ...recurrentFields.initialize, default: "keras" },
  dropout: number({
    about: "share of embedding, values between layers and pooled values that is dropped in training",
    ...{ unit: "share", min: 0, below: 1, default: 0.3 },
  }),
  bidirectional: onOff({ about: "read from both ends", off: "read from the beginning only", default: true }),
  pooling: choice(["last", "mean", "maximum", "attention"], {
    about: "how the steps become one vector",
    ...{ unit: "kind", default: "maximum" },
  }),
  memorySteps: integer({
    about: "steps that units remember at the beginning, at most; for series of hundreds of steps, about their length",
    ...{ unit: "steps", min: 0, default: 0 },
  }),
  embeddingSize: integer({ about: "numbers that stand for a token", unit: "numbers", min: 1, default: 64 }),
  batchSize: integer({
    about: "examples of an update",
    ...{ unit: "count", min: 1, otherwise: "32, of few examples about the square root of their number, at least 8" },
  }),
  epochs: integer({
    about: "how often all examples are learned from",
    ...{ unit: "count", min: 1, otherwise: "10, or more for about 640 updates, but at most 100" },
  }),
  ...training,
  schedule: { ...training.schedule, default: "cosine" },
  baselines: onOff({ about: "baselines beside the model", off: "no baselines", default: true }),
  machine: machineField,
} as const;

export type ClassifySettings = ValuesOf<typeof classifyFields>;
