import { cellsInWords } from "../cells/cells-in-words.ts";
import { type SafeTensor, safeTensor } from "../checkpoint/safe-tensor.ts";
import { readSafetensors, writeSafetensors } from "../checkpoint/safetensors.ts";
import type { Machine } from "../compute/machine.ts";
import { type LanguageModel, languageModelFromConfig } from "../models/language-model.ts";
import { FailureError, UsageError } from "../shared/errors.ts";
import { layoutParameters } from "../tensor/parameter.ts";
import { createParameters, type NamedTensor, type ParameterStore } from "../tensor/parameter-store.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { tokenizerFromJSON } from "../text/tokenizer-from-json.ts";

/** A language model with its tokenizer, its parameters on a machine. */
export interface OpenedText {
  readonly model: LanguageModel;
  readonly tokenizer: Tokenizer;
  readonly parameters: ParameterStore;
}

export interface PackedModel {
  /** `LanguageModel.config`. */
  readonly config: unknown;
  /** A tokenizer: what it says as JSON is kept. */
  readonly tokenizer: Pick<Tokenizer, "toJSON">;
  readonly tensors: ReadonlyMap<string, NamedTensor>;
}

/**
 * A language model in one file, for pages: safetensors whose metadata holds what the folder of a run has in config.json
 * and tokenizer.json.
 *
 * @param type of the numbers, default "F32"; "F16" is half as large
 */
export function packModel({ config, tokenizer, tensors }: PackedModel, type: "F32" | "F16" = "F32"): Uint8Array {
  const packed = new Map<string, SafeTensor>();
  for (const [name, { shape, data }] of tensors) packed.set(name, safeTensor(type, shape, data));
  return writeSafetensors(packed, {
    metadata: { model: JSON.stringify(config), tokenizer: JSON.stringify(tokenizer.toJSON()) },
  });
}

/**
 * Opens what `packModel` made.
 * @throws FailureError "bad-safetensors", "bad-model"; UsageError "not-packed" for other safetensors
 */
export async function openPackedModel(bytes: Uint8Array, machine: Machine): Promise<OpenedText> {
  const { metadata, tensors } = readSafetensors(bytes);
  if (metadata.model === undefined || metadata.tokenizer === undefined)
    throw new UsageError("not-packed", "these safetensors do not say what model and tokenizer they belong to");
  const config = parsed("model", metadata.model);
  const model = languageModelFromConfig(config, cellsInWords(config));
  const tokenizer = tokenizerFromJSON(parsed("tokenizer", metadata.tokenizer));
  if (tokenizer.vocabularySize !== model.config.vocabularySize)
    throw new FailureError(
      "bad-model",
      `its tokenizer has ${tokenizer.vocabularySize} tokens, its model ${model.config.vocabularySize}: they are not of one model`,
    );
  const parameters = await createParameters({ machine, layout: layoutParameters(model), initialize: false });
  try {
    parameters.fromTensors(
      new Map([...tensors].map(([name, tensor]) => [name, { shape: tensor.shape, data: tensor.toFloat32() }])),
    );
  } catch (error) {
    parameters.close();
    throw error;
  }
  return { model, tokenizer, parameters };
}

function parsed(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FailureError("bad-model", `the ${what} in the file's metadata is not JSON`, { cause });
  }
}
