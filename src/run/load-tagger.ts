import { type RunSource, readModel } from "../checkpoint/read-run.ts";
import { expectKind } from "../checkpoint/run-kinds.ts";
import { sequenceTaggerFromConfig } from "../models/sequence-tagger.ts";
import { closesWith } from "../shared/closing.ts";
import { expectOptions } from "../shared/options.ts";
import { type LoadRunOptions, loadNames, modelOfRun, parametersOfRun } from "./run-parts.ts";
import { tokenizerOfRun } from "./run-tokenizer.ts";
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
  expectOptions("loadTagger", options, loadNames);
  const { machine, cells } = options;
  const { config, tokenizer: json, ...weights } = await readModel(source);
  expectKind(source, config, "tagger");
  const model = modelOfRun(source, config, cells, sequenceTaggerFromConfig);
  const tokenizer = tokenizerOfRun(source, json, model.config.vocabularySize);
  const parameters = await parametersOfRun(source, machine, model, weights);
  return closesWith(new Tagger({ model, machine, tokenizer, parameters }), parameters);
}
