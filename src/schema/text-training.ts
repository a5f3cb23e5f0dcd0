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
    about: "fraction at the end that is kept for validation, or a file",
    ...{ unit: "part", default: 0.1 },
  }),
  validationTokens: integer({
    about: "tokens of the validation part that are measured, from its beginning, where all of them take too long",
    ...{ unit: "tokens", min: 2, otherwise: "all" },
  }),
  ...tokenizerFields,
  ...recurrentFields,
  ...dropoutFields,
  embeddingSize: integer({
    about: "numbers that stand for a token",
    ...{ unit: "numbers", min: 1, otherwise: "64, tied the hidden size" },
  }),
  tied: onOff({ about: "use the embedding for the output as well" }),
  batchSize: integer({
    about: "pieces of the text that are read side by side",
    ...{ unit: "streams", min: 1, otherwise: "32, fewer for a short text" },
  }),
  steps: integer({
    about: "tokens between two updates; gradients reach no further back",
    ...{ unit: "tokens", min: 1, otherwise: "64, fewer for a short text" },
  }),
  ...trainingFields,
  sampleLength: integer({
    about: "tokens of the sample that is written after each epoch; 0 writes none",
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
