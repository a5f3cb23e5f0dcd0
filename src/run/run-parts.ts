import { cellsInWords } from "../cells/cells-in-words.ts";
import { ofFile } from "../checkpoint/of-file.ts";
import { type RunSource, runName } from "../checkpoint/read-run.ts";
import type { RunWeights } from "../checkpoint/run-weights.ts";
import type { Machine } from "../compute/machine.ts";
import type { FromConfigOptions } from "../models/model-config.ts";
import type { OptionNames } from "../shared/options.ts";
import { type HasParameters, layoutParameters } from "../tensor/parameter.ts";
import { createParameters, type ParameterStore } from "../tensor/parameter-store.ts";

/** Options of `loadRun` and its relatives. */
export interface LoadRunOptions<M extends Machine = Machine> extends FromConfigOptions {
  /** The machine that holds the parameters and computes. */
  readonly machine: M;
}

/** For `expectOptions`. */
export const loadNames = { machine: "required", cells: 1 } as const satisfies OptionNames<LoadRunOptions>;

/** The model that the config of a run describes, with cells that are given or that it has in words. */
export const modelOfRun = <M>(
  source: RunSource,
  config: { readonly model: unknown },
  cells: FromConfigOptions["cells"],
  fromConfig: (model: unknown, options: FromConfigOptions) => M,
): M =>
  ofFile(runName(source, "config.json"), () => fromConfig(config.model, { cells: cellsInWords(config.model, cells) }));

/** Parameters of a model with the weights of a run, of 8 bits where it has them so. */
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
