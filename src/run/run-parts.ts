import { ofFile } from "../checkpoint/of-file.ts";
import { type RunSource, runName } from "../checkpoint/read-run.ts";
import type { RunConfig } from "../checkpoint/run-folder.ts";
import type { RunWeights } from "../checkpoint/run-weights.ts";
import type { Machine } from "../compute/machine.ts";
import type { FromConfigOptions } from "../models/model-config.ts";
import { UsageError } from "../shared/errors.ts";
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

/** What runs of each kind of model are called, and what to do with them. */
const USES: Readonly<Record<string, { readonly name: string; readonly use: string }>> = {
  "language-model": {
    name: "language model",
    use: "the commands generate, evaluate, score and inspect, or loadRun in a program",
  },
  "sequence-classifier": {
    name: "classifier",
    use: "the commands predict and inspect, or loadClassifier in a program",
  },
  tagger: { name: "tagger", use: "the commands predict, evaluate and inspect, or loadTagger in a program" },
  forecaster: {
    name: "forecaster",
    use: "the commands forecast, backtest and inspect, or loadForecaster in a program",
  },
};

/** What a table has for the kind of model that a run is of; undefined for a kind that it does not name. */
export function ofKind<T>({ model }: RunConfig, table: Readonly<Record<string, T>>): T | undefined {
  const { kind } = model as { readonly kind?: unknown };
  return typeof kind === "string" && Object.hasOwn(table, kind) ? table[kind] : undefined;
}

/** @throws UsageError "other-task" when a run is of another kind of model, with what to do with it */
export function expectKind(source: RunSource, config: RunConfig, kind: string): void {
  const known = ofKind(config, USES);
  if (known !== undefined && known !== USES[kind])
    throw new UsageError(
      "other-task",
      `${runName(source)}: expected a run of a ${USES[kind]?.name ?? kind}, this one is of a ${known.name}; for it there are ${known.use}`,
    );
}

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
