import type { Machine } from "../../src/compute/machine.ts";
import { type LanguageModel, type LanguageModelOptions, languageModel } from "../../src/models/language-model.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters, type ParameterStore } from "../../src/tensor/parameter-store.ts";
import type { Tokenizer } from "../../src/text/tokenizer.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";

/** A small text with something to learn in it: after "a" comes "b", after "b" comes " " or "c". */
export const tinyText = "ab abc ab abc abc ab\n".repeat(40);

export interface TinyRun {
  readonly tokenizer: Tokenizer;
  readonly tokens: Int32Array;
  readonly model: LanguageModel;
  readonly parameters: ParameterStore;
}

/** A tiny model, not trained, for a tiny text. */
export async function tinyRun(machine: Machine, options: Partial<LanguageModelOptions> = {}): Promise<TinyRun> {
  const tokenizer = await trainTokenizer(tinyText, { kind: "grapheme" });
  const model = tinyModel({ vocabularySize: tokenizer.vocabularySize, ...options });
  const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 1 });
  return { tokenizer, tokens: tokenizer.encode(tinyText), model, parameters };
}

export const tinyModel = (options: Partial<LanguageModelOptions> = {}): LanguageModel =>
  languageModel({ vocabularySize: 5, embeddingSize: 4, hiddenSize: 6, ...options });

/** What functions take of it: a run that was loaded has no tokens of a text. */
export const partsOf = ({ tokens: _, ...parts }: TinyRun): Omit<TinyRun, "tokens"> => parts;
