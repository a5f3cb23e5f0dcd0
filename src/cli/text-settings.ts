import type { CorpusOptions } from "../data/corpus.ts";
import type { DocumentSplit } from "../data/documents.ts";
import type { LanguageModelOptions } from "../models/language-model.ts";
import { dropoutFields } from "../schema/dropout.ts";
import type { TextTraining } from "../schema/text-training.ts";
import { defined } from "../shared/records.ts";
import type { TrainTokenizerOptions } from "../text/train-tokenizer.ts";
import type { OwnCell } from "./own-cell.ts";

/** What a training on text is made of, as it is kept in the run's config.json. */
export type TextSettings = TextTraining & { readonly embeddingSize: number };

export function modelOptions(settings: TextSettings, vocabularySize: number, own: OwnCell): LanguageModelOptions {
  const { embeddingSize, cell, hiddenSize, numLayers, initialize, dropout, tied } = settings;
  const drops = Object.fromEntries(
    Object.keys(dropoutFields).map((name) => [name, settings[name as keyof typeof dropoutFields]]),
  ) as Pick<TextSettings, keyof typeof dropoutFields>;
  return defined({
    ...{ vocabularySize, embeddingSize, cell, hiddenSize, numLayers, initialize, dropout, tied, ...drops, ...own },
  });
}

/** How to make the tokenizer. */
export const tokenizerOptions = (settings: TextSettings): TrainTokenizerOptions =>
  defined({
    kind: settings.tokenizer,
    vocabularySize: settings.vocabularySize,
    minCount: settings.minCount,
    alphabet: settings.alphabet,
    normalize: settings.normalize,
  });

/** The files and how they are cut: the same when a run is trained and when its text is read again. */
export const corpusOptions = (
  settings: Pick<TextSettings, "files" | "validation"> & {
    readonly documents?: string | undefined;
    readonly shuffle?: boolean | undefined;
    readonly seed?: number | undefined;
  },
): Pick<CorpusOptions, "files" | "validation" | "documents" | "shuffle" | "seed"> => ({
  files: settings.files,
  validation: typeof settings.validation === "number" ? settings.validation : [settings.validation],
  ...(settings.documents !== undefined && { documents: splitOf(settings.documents) }),
  ...(settings.shuffle && { shuffle: true, seed: settings.seed }),
});

function splitOf(text: string): DocumentSplit {
  return text === "file" || text === "line" || text === "blank-line" ? text : { marker: text };
}
