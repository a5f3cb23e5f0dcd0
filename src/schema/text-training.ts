import { dropoutFields } from "./dropout.ts";
import { defaultsOf, fractionOrFile, integer, onOff, paths, type ValuesOf } from "./fields.ts";
import { recurrentFields } from "./model.ts";
import { tokenizerFields } from "./tokenizer.ts";
import { machineField, trainingFields } from "./training.ts";

/** All that a training on text is made of: flags of `train text`, keys of its config files, `training` in a run's config.json. */
export const textTrainingFields = {
  files: paths({
    about: "files of text, UTF-8, gzip or not, folders of such, or quoted patterns",
    unit: "file",
    positional: true,
    required: true,
  }),
  validation: fractionOrFile({
    about: "fraction at the end to keep for validation, or a file",
    ...{ unit: "part", default: 0.1 },
  }),
  validationTokens: integer({
    about: "evaluate only this many tokens of the validation part, from its beginning",
    ...{ unit: "tokens", min: 2, otherwise: "all" },
  }),
  ...tokenizerFields,
  ...recurrentFields,
  ...dropoutFields,
  embeddingSize: integer({
    about: "size of the vector of a token",
    ...{ unit: "numbers", min: 1, otherwise: "64, tied the hidden size" },
  }),
  tied: onOff({ about: "share the weights of the embedding with the output layer" }),
  batchSize: integer({
    about: "number of streams of text that are read in parallel",
    ...{ unit: "streams", min: 1, otherwise: "32, fewer for a short text" },
  }),
  sequenceLength: integer({
    about: "sequence length: tokens per stream in an update, and how far back gradients reach",
    ...{ unit: "tokens", formerly: "steps", min: 1, otherwise: "64, fewer for a short text" },
  }),
  ...trainingFields,
  sampleLength: integer({
    about: "length of the sample written after each epoch; 0: none",
    ...{ unit: "tokens", min: 0, default: 400 },
  }),
  machine: machineField,
} as const;

export type TextTraining = ValuesOf<typeof textTrainingFields>;
export const TEXT_DEFAULTS = defaultsOf(textTrainingFields);

/** What stands for a token where nothing is said: as many numbers as the output has where it uses the same ones, else 64. */
export const embeddingSizeOf = ({
  embeddingSize,
  tied,
  hiddenSize,
}: Pick<TextTraining, "embeddingSize" | "tied" | "hiddenSize">): number => embeddingSize ?? (tied ? hiddenSize : 64);
