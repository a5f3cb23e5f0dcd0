import type { Cell } from "../cells/define.ts";
import { ofFile } from "../checkpoint/of-file.ts";
import { type RunSource, runName } from "../checkpoint/read-run.ts";
import type { RunConfig } from "../checkpoint/run-folder.ts";
import type { Machine } from "../compute/machine.ts";
import { UsageError } from "../shared/errors.ts";
import { type HasParameters, layoutParameters } from "../tensor/parameter.ts";
import { createParameters, type NamedTensor, type ParameterStore } from "../tensor/parameter-store.ts";

export interface LoadRunOptions {
  /** Cells of your own by name, for models that were made with one. */
  readonly cells?: Readonly<Record<string, Cell>>;
}

/** What to do with runs of each kind of model. */
const USES: Readonly<Record<string, string>> = {
  "language-model": "loadRun, or the commands generate, evaluate and score",
  "sequence-classifier": "loadClassifier, or the command predict",
  tagger: "loadTagger, or the commands predict and evaluate",
  forecaster: "loadForecaster, or the commands forecast and backtest",
};

/** @throws UsageError "other-task" when a run is of another kind of model, with what to do with it */
export function expectKind(source: RunSource, { model }: RunConfig, kind: string): void {
  const { kind: found } = model as { readonly kind?: unknown };
  const use = typeof found === "string" && found !== kind && Object.hasOwn(USES, found) ? USES[found] : undefined;
  if (use !== undefined)
    throw new UsageError(
      "other-task",
      `${runName(source)}: expected a run of a ${kind}, this one is of a ${found}; use ${use}`,
    );
}

/** Parameters of a model with the weights of a run. */
export async function parametersOfRun(
  source: RunSource,
  machine: Machine,
  model: HasParameters,
  weights: ReadonlyMap<string, NamedTensor>,
): Promise<ParameterStore> {
  const parameters = await createParameters({ machine, layout: layoutParameters(model), initialize: false });
  try {
    ofFile(runName(source, "model.safetensors"), () => parameters.fromTensors(weights));
  } catch (error) {
    parameters.close();
    throw error;
  }
  return parameters;
}
