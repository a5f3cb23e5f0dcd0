import { type RunSource, readModel } from "../checkpoint/read-run.ts";
import { expectKind } from "../checkpoint/run-kinds.ts";
import { type SequenceClassifier, sequenceClassifierFromConfig } from "../models/sequence-classifier.ts";
import { closesWith } from "../shared/closing.ts";
import { expectOptions } from "../shared/options.ts";
import { Classifier } from "./classifier.ts";
import { type LoadRunOptions, loadNames, modelOfRun, parametersOfRun } from "./run-parts.ts";
import { tokenizerOfRun } from "./run-tokenizer.ts";

/**
 * Loads a classifier or a regression of sequences from a run. Close it when done: its weights go with it.
 * @example
 * ```ts no-run
 * const classifier = await loadClassifier("runs/names", { machine });
 * const [{ label, probabilities }] = await classifier.predict(["Okafor"]);
 * ```
 * @throws UsageError "not-a-run", "other-task", "unknown-cell"; FailureError as `loadRun`
 */
export async function loadClassifier(
  source: RunSource,
  options: LoadRunOptions,
): Promise<Classifier<SequenceClassifier>> {
  expectOptions("loadClassifier", options, loadNames);
  const { machine, cells } = options;
  const { config, tokenizer: json, ...weights } = await readModel(source);
  expectKind(source, config, "sequence-classifier");
  const model = modelOfRun(source, config, cells, sequenceClassifierFromConfig);
  const tokenizer = tokenizerOfRun(source, json, model.config.vocabularySize);
  const parameters = await parametersOfRun(source, machine, model, weights);
  return closesWith(new Classifier({ model, machine, tokenizer, parameters }), parameters);
}
