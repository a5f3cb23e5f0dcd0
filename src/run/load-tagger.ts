import type { RunSource } from "../checkpoint/read-run.ts";
import { sequenceTaggerFromConfig } from "../models/sequence-tagger.ts";
import { closesWith } from "../shared/closing.ts";
import { type LoadRunOptions, modelOfRun, parametersOfRun } from "./run-parts.ts";
import { Tagger } from "./tagger.ts";

/**
 * Loads a tagger from a run. Close it when done: its weights go with it.
 * @example
 * ```ts no-run
 * const tagger = await loadTagger("runs/names", { machine });
 * const [{ tags, spans }] = await tagger.predict([["Ada", "lives", "in", "London"]]);
 * ```
 * @throws UsageError "not-a-run", "other-task", "unknown-cell"; FailureError as `loadRun`
 */
export async function loadTagger(source: RunSource, options: LoadRunOptions): Promise<Tagger> {
  const { model, tokenizer, weights } = await modelOfRun(source, options, {
    ...{ name: "loadTagger", kind: "tagger", fromConfig: sequenceTaggerFromConfig },
  });
  const { machine } = options;
  const parameters = await parametersOfRun(source, machine, model, weights);
  return closesWith(new Tagger({ model, machine, tokenizer, parameters }), parameters);
}
