import { TAG_SCHEMES } from "../shared/tag-schemes.ts";
import { choice, fractionOrFile, integer, number, onOff, path, text, type ValuesOf } from "./fields.ts";
import { recurrentFields } from "./model.ts";
import { tokenizerFields } from "./tokenizer.ts";
import { machineField, trainingFields } from "./training.ts";

const { vocabularySize, normalize } = tokenizerFields;
const { tensorboard: _, ...training } = trainingFields;

/** All that the training of a tagger is made of: flags of `train tag`, keys of its config files, `training` in a run's config.json. */
export const tagFields = {
  file: path({
    about: "sentences with a tag for each token: columns as of the CoNLL tasks, or with --rows a table; gzip or not",
    ...{ unit: "file", positional: true, required: true },
  }),
  token: text({
    about: "column with the token: its number from 1, or in a table with a header its name",
    ...{ unit: "column", default: "1" },
  }),
  tag: text({ about: "column with the tag", unit: "column", otherwise: "the last; tables need it" }),
  rows: onOff({
    about: "each row of the file is a sentence: a cell with its tokens, one with its tags, separated by spaces",
  }),
  intent: text({
    about: "with --rows, column with what each sentence is about, to be learned, too",
    ...{ unit: "column", otherwise: "none" },
  }),
  delimiter: text({
    about: "what stands between columns",
    ...{ unit: "character", otherwise: "what the file has: tabs or spaces; in tables also , ; or |" },
  }),
  scheme: choice(["auto", "none", ...TAG_SCHEMES], {
    about: "how spans are written in the tags, or none if tags are no spans",
    ...{ unit: "scheme", default: "auto" },
  }),
  encoding: choice(TAG_SCHEMES, {
    about: "scheme in which the model learns spans; answers are written in that of the file",
    ...{ unit: "scheme", default: "bioes" },
  }),
  test: path({
    about: "file that the trained model is measured on, once, at the end",
    ...{ unit: "file", otherwise: "none" },
  }),
  validation: fractionOrFile({
    about: "sentences to validate on: a share of the file, or a file",
    ...{ unit: "share|file", default: 0.1 },
  }),
  vocabularySize: { ...vocabularySize, about: "most words with a vector of their own", otherwise: "no limit" },
  minimumCount: integer({
    about: "words that occur less often have no vector of their own",
    ...{ unit: "times", min: 1, default: 2 },
  }),
  normalize: { ...normalize, otherwise: "lowercase, without --characters nothing" },
  characters: onOff({
    about: "read words character by character, too, where they have more than one",
    ...{ off: "read words whole only", default: true },
  }),
  ...recurrentFields,
  hiddenSize: { ...recurrentFields.hiddenSize, default: 100 },
  dropout: number({
    about: "share of what the recurrent layers read and give that is dropped in training",
    ...{ unit: "share", min: 0, below: 1, default: 0.5 },
  }),
  bidirectional: onOff({ about: "read from both ends", off: "read from the beginning only", default: true }),
  head: choice(["crf", "softmax"], {
    about: "how tags are chosen: the best sequence (conditional random field), or each by itself",
    ...{ unit: "kind", default: "crf" },
  }),
  embeddingSize: integer({ about: "numbers that stand for a word", unit: "numbers", min: 1, default: 100 }),
  batchSize: integer({ about: "sentences of an update", unit: "count", min: 1, default: 16 }),
  ...training,
  baselines: onOff({ about: "baselines beside the model", off: "no baselines", default: true }),
  machine: machineField,
} as const;

export type TagSettings = ValuesOf<typeof tagFields>;
