import { cellsInWords } from "../cells/cells-in-words.ts";
import { ofFile } from "../checkpoint/of-file.ts";
import { type RunSource, runName } from "../checkpoint/read-run.ts";
import type { RunConfig } from "../checkpoint/run-folder.ts";
import { readModelOfKind } from "../checkpoint/run-kinds.ts";
import type { RunWeights } from "../checkpoint/run-weights.ts";
import type { Machine } from "../compute/machine.ts";
import type { FromConfigOptions } from "../models/model-config.ts";
import { FailureError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Abortable } from "../shared/signal.ts";
import { type HasParameters, layoutParameters } from "../tensor/parameter.ts";
import { createParameters, type ParameterStore } from "../tensor/parameter-store.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { tokenizerFromJSON } from "../text/tokenizer-from-json.ts";

/** Options of `loadRun` and its relatives. */
export interface LoadRunOptions<M extends Machine = Machine> extends FromConfigOptions, Abortable {
  /** The machine that holds the parameters and computes. */
  readonly machine: M;
}

/** How a kind of run is loaded. */
export interface RunLoader<M> {
  /** The function that loads it, for messages. */
  readonly name: string;
  /** `kind` in the config of its models. */
  readonly kind: string;
  readonly fromConfig: (model: unknown, options: FromConfigOptions) => M;
}

interface LoadedModel<M> {
  readonly config: RunConfig;
  readonly model: M;
  /** Undefined where the model reads no tokens. */
  readonly tokenizer: M extends { readonly config: { readonly vocabularySize: number } }
    ? Tokenizer
    : Tokenizer | undefined;
  readonly weights: RunWeights;
}

/** Reads a run and makes its model, with cells that are given or that its config spells out. Its parameters are `parametersOfRun`. */
export async function modelOfRun<M extends { readonly config: object }>(
  source: RunSource,
  options: LoadRunOptions,
  { name, kind, fromConfig }: RunLoader<M>,
): Promise<LoadedModel<M>> {
  expectOptions(name, options, { machine: "required", cells: 1, signal: 1 });
  const files = await readModelOfKind(
    source,
    { [kind]: (said) => fromConfig(said, { cells: cellsInWords(said, options.cells) }) },
    options.signal,
  );
  const { config, model, tokenizer: json, ...weights } = files;
  const tokenizer =
    json === undefined ? undefined : ofFile(runName(source, "tokenizer.json"), () => tokenizerFromJSON(json));
  const { vocabularySize }: { readonly vocabularySize?: number } = model.config;
  if (tokenizer?.vocabularySize !== vocabularySize)
    throw new FailureError(
      "bad-run",
      `${runName(source)}: its tokenizer has ${tokenizer?.vocabularySize ?? "no"} tokens, its model ${vocabularySize ?? "none"}: these files do not belong to one run`,
    );
  return { config, model, tokenizer: tokenizer as LoadedModel<M>["tokenizer"], weights };
}

/** Parameters of a model with the weights of a run; 8-bit ones stay so. */
export async function parametersOfRun(
  source: RunSource,
  machine: Machine,
  model: HasParameters,
  { weights, quantized }: RunWeights,
): Promise<ParameterStore> {
  const parameters = await createParameters({ machine, layout: layoutParameters(model), initialize: false });
  try {
    ofFile(runName(source, "model.safetensors"), () => {
      parameters.loadTensors(weights);
      if (quantized) parameters.quantize(quantized);
    });
  } catch (error) {
    parameters.close();
    throw error;
  }
  return parameters;
}
