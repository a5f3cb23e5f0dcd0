import { UsageError } from "../shared/errors.ts";
import { type RunSource, runName } from "./read-run.ts";
import type { RunConfig } from "./run-folder.ts";

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
