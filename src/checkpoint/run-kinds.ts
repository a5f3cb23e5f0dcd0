import { UsageError } from "../shared/errors.ts";
import { ofFile } from "./of-file.ts";
import { type RunSource, readModel, runName } from "./read-run.ts";
import type { ModelFiles, RunConfig } from "./run-folder.ts";

/** What runs of each kind of model are called, and what to do with them. */
const USES: Readonly<Record<string, { readonly name: string; readonly use: string }>> = {
  "language-model": {
    name: "language model",
    use: "the commands generate, evaluate, score and inspect, or loadRun in a program",
  },
  "sequence-classifier": {
    name: "classifier",
    use: "the commands predict, evaluate and inspect, or loadClassifier in a program",
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

/** How the model of a run is made of what its config says, by the kinds of models that are asked for. */
export type ModelMakers<M> = Readonly<Record<string, (model: object, run: RunConfig) => M>>;

/**
 * Reads a run of one of some kinds, and makes its model as its config says.
 * @throws as `readModel`; UsageError "other-task" for a run of another kind, with what to do with it; what a maker throws, as `ofFile` has it
 */
export async function readModelOfKind<M>(
  source: RunSource,
  makers: ModelMakers<M>,
  signal?: AbortSignal,
): Promise<ModelFiles & { readonly model: M }> {
  const files = await readModel(source, signal);
  const { kind } = files.config.model as { readonly kind?: unknown };
  // A model that says no kind is refused by whoever makes one.
  const make = ofKind(files.config, makers) ?? (typeof kind === "string" ? undefined : Object.values(makers)[0]);
  if (make)
    return { ...files, model: ofFile(runName(source, "config.json"), () => make(files.config.model, files.config)) };
  const expected = alternatives(Object.keys(makers).map((one) => `a ${USES[one]?.name ?? one}`));
  const known = ofKind(files.config, USES);
  if (known === undefined)
    throw new UsageError(
      "other-task",
      `${runName(source)}: expected a run of ${expected}, the model of this one is of a kind of its own, ${JSON.stringify(kind)}: make it in a program, and load the weights that readRun reads: parameters.loadTensors(run.weights)`,
    );
  throw new UsageError(
    "other-task",
    `${runName(source)}: expected a run of ${expected}, this one is of a ${known.name}; for it there are ${known.use}`,
  );
}

/** "a", "a or b", "a, b or c" */
const alternatives = (names: readonly string[]): string =>
  [names.slice(0, -1).join(", "), names.at(-1)].filter(Boolean).join(" or ");
