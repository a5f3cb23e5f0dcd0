import { cellsInWords } from "../cells/cells-in-words.ts";
import { ofFile } from "../checkpoint/of-file.ts";
import { type RunSource, readModel, runName } from "../checkpoint/read-run.ts";
import { expectKind } from "../checkpoint/run-kinds.ts";
import { type SequenceClassifier, sequenceClassifierFromConfig } from "../models/sequence-classifier.ts";
import { FailureError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { tokenizerFromJSON } from "../text/tokenizer-from-json.ts";
import { Classifier } from "./classifier.ts";
import { type LoadRunOptions, loadNames, parametersOfRun } from "./run-parts.ts";

/**
 * Loads a classifier or a regression of sequences from a run. Close its `parameters` or the machine when done.
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
  const model = ofFile(runName(source, "config.json"), () =>
    sequenceClassifierFromConfig(config.model, { cells: cellsInWords(config.model, cells) }),
  );
  const tokenizer =
    json === undefined ? undefined : ofFile(runName(source, "tokenizer.json"), () => tokenizerFromJSON(json));
  if (tokenizer?.vocabularySize !== model.config.vocabularySize)
    throw new FailureError(
      "bad-run",
      `${runName(source)}: its tokenizer has ${tokenizer?.vocabularySize ?? "no"} tokens, its model ${model.config.vocabularySize ?? "none"}: these files do not belong to one run`,
    );
  return new Classifier({
    model,
    machine,
    tokenizer,
    parameters: await parametersOfRun(source, machine, model, weights),
  });
}
