import { readRun } from "../checkpoint/run-folder.ts";
import type { Machine } from "../compute/machine.ts";
import { type SequenceClassifier, sequenceClassifierFromConfig } from "../models/sequence-classifier.ts";
import { FailureError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { tokenizerFromJSON } from "../text/tokenizer-from-json.ts";
import { Classifier } from "./classifier.ts";
import { expectKind, type LoadRunOptions, ofFile, parametersOfRun } from "./run-parts.ts";

/**
 * Loads a classifier (or a regression of sequences) that a training saved. Close its `parameters` when done, or the machine.
 *
 * @example
 * ```ts no-run
 * const classifier = await loadClassifier("runs/names", machine);
 * const [{ label, probabilities }] = await classifier.predict(["Okafor"]);
 * ```
 * @throws UsageError "not-a-run", "other-task", "unknown-cell"; FailureError as `loadRun`
 */
export async function loadClassifier(
  folder: string,
  machine: Machine,
  options: LoadRunOptions = {},
): Promise<Classifier<SequenceClassifier>> {
  expectOptions("loadClassifier", options, { cells: 1 });
  const { config, tokenizer: json, weights } = await readRun(folder);
  expectKind(folder, config, "sequence-classifier");
  const model = ofFile(`${folder}/config.json`, () => sequenceClassifierFromConfig(config.model, options.cells));
  const tokenizer = json === undefined ? undefined : ofFile(`${folder}/tokenizer.json`, () => tokenizerFromJSON(json));
  if (tokenizer?.vocabularySize !== model.config.vocabularySize)
    throw new FailureError(
      "bad-run",
      `${folder}: its tokenizer has ${tokenizer?.vocabularySize ?? "no"} tokens, its model ${model.config.vocabularySize ?? "none"}: these files are not of one run`,
    );
  return new Classifier({
    model,
    machine,
    tokenizer,
    parameters: await parametersOfRun(folder, machine, model, weights),
  });
}
