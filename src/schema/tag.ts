import { TAG_SCHEMES } from "../shared/tag-schemes.ts";
import { choice, fractionOrFile, integer, number, onOff, path, text, type ValuesOf } from "./fields.ts";
import { recurrentFields } from "./model.ts";
import { pretrainedFields } from "./pretrained.ts";
import { tokenizerFields } from "./tokenizer.ts";
import { machineField, trainingFields } from "./training.ts";

const { vocabularySize, normalize } = tokenizerFields;

/** All that the training of a tagger is made of: flags of `train tag`, keys of its config files, `training` in a run's config.json. */
export const tagFields = {
  file: path({
    about: "sentences with a tag for each token: CoNLL columns, or with --rows a table; gzip or not",
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
    about: "with --rows: column with the intent of each sentence, which is learned too",
    ...{ unit: "column", otherwise: "none" },
  }),
  delimiter: text({
    about: "delimiter of columns",
    ...{ unit: "character", otherwise: "what the file has: tabs or spaces; in tables also , ; or |" },
  }),
  scheme: choice(["auto", "none", ...TAG_SCHEMES], {
    about: "scheme of spans in the tags; none: tags are not spans",
    ...{ unit: "scheme", default: "auto" },
  }),
  encoding: choice(TAG_SCHEMES, {
    about: "scheme in which the model learns spans; answers are written in that of the file",
    ...{ unit: "scheme", default: "bioes", needs: { key: "scheme", values: ["auto", ...TAG_SCHEMES] } },
  }),
  skipBadRows: onOff({
    about:
      "leave out rows that cannot be read, and say how many and why the first ones; otherwise the first one ends the command",
  }),
  test: path({
    about: "file to evaluate the trained model on, once, at the end",
    ...{ unit: "file", otherwise: "none" },
  }),
  validation: fractionOrFile({
    about: "validation sentences: a share of the file, or another file",
    ...{ unit: "share|file", default: 0.1 },
  }),
  vocabularySize: { ...vocabularySize, about: "maximum number of words with their own vector", otherwise: "no limit" },
  minCount: integer({
    about: "words that occur less often share the vector of unknown words",
    ...{ unit: "times", formerly: "minimumCount", min: 1, default: 2 },
  }),
  normalize: { ...normalize, otherwise: "lowercase, without --characters nothing" },
  characters: onOff({
    about: "read words character by character, too, where they have more than one",
    ...{ off: "do not read words by their characters", default: true },
  }),
  ...pretrainedFields,
  ...recurrentFields,
  hiddenSize: { ...recurrentFields.hiddenSize, default: 100 },
  dropout: number({
    about: "dropout rate for the inputs and outputs of the recurrent layers",
    ...{ unit: "share", min: 0, below: 1, default: 0.5 },
  }),
  bidirectional: onOff({ about: "read from both ends", off: "read in one direction only", default: true }),
  head: choice(["crf", "softmax"], {
    about: "how tags are chosen: the best sequence (conditional random field), or each by itself",
    ...{ unit: "kind", default: "crf" },
  }),
  embeddingSize: integer({ about: "size of the vector of a word", unit: "numbers", min: 1, default: 100 }),
  batchSize: integer({ about: "sentences per update", unit: "count", min: 1, default: 16 }),
  ...trainingFields,
  monitor: choice(["score", "f1", "accuracy", "intentAccuracy", "loss"], {
    about: "which metric of the validation part says which epoch is kept and when --patience ends",
    ...{ unit: "metric", otherwise: "score: F1 of spans, without spans accuracy, with intents the mean with theirs" },
  }),
  baselines: onOff({ about: "baselines beside the model", off: "no baselines", default: true }),
  machine: machineField,
} as const;

export type TagSettings = ValuesOf<typeof tagFields>;
