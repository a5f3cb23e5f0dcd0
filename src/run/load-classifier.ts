import type { RunSource } from "../checkpoint/read-run.ts";
import { type SequenceClassifier, sequenceClassifierFromConfig } from "../models/sequence-classifier.ts";
import { closesWith } from "../shared/closing.ts";
import { Classifier } from "./classifier.ts";
import { type LoadRunOptions, modelOfRun, parametersOfRun } from "./run-parts.ts";

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
  const { model, tokenizer, weights } = await modelOfRun(source, options, {
    ...{ name: "loadClassifier", kind: "sequence-classifier", fromConfig: sequenceClassifierFromConfig },
  });
  const { machine } = options;
  const parameters = await parametersOfRun(source, machine, model, weights);
  return closesWith(new Classifier({ model, machine, tokenizer, parameters }), parameters);
}
