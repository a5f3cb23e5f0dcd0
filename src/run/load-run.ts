import type { Cell } from "../cells/define.ts";
import { type RunConfig, readRun } from "../checkpoint/run-folder.ts";
import type { Machine } from "../compute/machine.ts";
import { type LanguageModel, languageModelFromConfig } from "../models/language-model.ts";
import { FailureError, LongshortError, UsageError } from "../shared/errors.ts";
import { layoutParameters } from "../tensor/parameter.ts";
import { createParameters, type ParameterStore } from "../tensor/parameter-store.ts";
import type { QuantizedWeights } from "../tensor/quantized.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { tokenizerFromJSON } from "../text/tokenizer-from-json.ts";

export interface LoadedRun {
  readonly config: RunConfig;
  readonly model: LanguageModel;
  readonly tokenizer: Tokenizer;
  /** On the machine; close them when done. */
  readonly parameters: ParameterStore;
  /** Its weights of 8 bits, if it has any, for `openSession` and `openStreams`; `parameters` hold the numbers that they stand for. */
  readonly quantized: QuantizedWeights | undefined;
  readonly metrics: readonly unknown[];
}

export interface LoadRunOptions {
  /** Cells of your own by name, for models that were made with one. */
  readonly cells?: Readonly<Record<string, Cell>>;
}

/**
 * Loads a run that `saveRun` wrote.
 *
 * @example
 * ```ts
 * const { model, parameters, tokenizer } = await loadRun("runs/novel", machine);
 * ```
 * @throws UsageError "not-a-run", "unknown-cell"; FailureError "bad-run", "bad-safetensors", "altered-file", "not-finite",
 *   "missing-parameter", "unexpected-parameter", "shape-mismatch"
 */
export async function loadRun(folder: string, machine: Machine, options: LoadRunOptions = {}): Promise<LoadedRun> {
  const { config, tokenizer: tokenizerJson, weights, quantized, metrics } = await readRun(folder);
  const model = ofFile(`${folder}/config.json`, () => languageModelFromConfig(config.model, options.cells));
  const tokenizer = ofFile(`${folder}/tokenizer.json`, () => tokenizerFromJSON(tokenizerJson));
  if (tokenizer.vocabularySize !== model.config.vocabularySize)
    throw new FailureError(
      "bad-run",
      `${folder}: its tokenizer has ${tokenizer.vocabularySize} tokens, its model ${model.config.vocabularySize}: these files are not of one run`,
    );
  const parameters = await createParameters({ machine, layout: layoutParameters(model), initialize: false });
  try {
    ofFile(`${folder}/model.safetensors`, () => parameters.fromTensors(weights));
  } catch (error) {
    parameters.close();
    throw error;
  }
  return { config, model, tokenizer, parameters, quantized, metrics };
}

/** What is wrong in a file is not the caller's mistake, except that a cell of their own is missing. */
function ofFile<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof LongshortError) || cause.code === "unknown-cell") throw cause;
    throw cause instanceof UsageError ? new FailureError(cause.code, `${path}: ${cause.message}`, { cause }) : cause;
  }
}
