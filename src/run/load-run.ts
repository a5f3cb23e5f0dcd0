import { type RunSource, readRunMetrics } from "../checkpoint/read-run.ts";
import type { RunConfig } from "../checkpoint/run-folder.ts";
import type { Machine } from "../compute/machine.ts";
import { type LanguageModel, languageModelFromConfig } from "../models/language-model.ts";
import { type Closeable, closing } from "../shared/closing.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { type LoadRunOptions, modelOfRun, parametersOfRun } from "./run-parts.ts";

/**
 * A loaded language model. Functions that take a running model (`openSession`, `generateBatch`, `traceText`, …) take a loaded run as it
 * is. Close it when done.
 */
export interface LoadedRun<M extends Machine = Machine> extends Closeable {
  /** The content of `config.json`. */
  readonly config: RunConfig;
  readonly model: LanguageModel;
  readonly tokenizer: Tokenizer;
  /** The weights on the machine, 8-bit if the run has them. */
  readonly parameters: ParameterStore;
  /** The machine that was given. */
  readonly machine: M;
  /** Lines of `metrics.jsonl`, parsed; without a last one that a power cut tore. */
  readonly metrics: readonly unknown[];
  /** Frees the weights. */
  close(): void;
}

/**
 * Loads a language model from a run: a folder of `saveRun` or `longshort train`, or a file of `packRun`.
 * @example
 * ```ts
 * const run = await loadRun("runs/novel", { machine });
 * const session = await openSession(run);
 * ```
 * @throws UsageError "not-a-run", "other-task", "unknown-cell"; FailureError "bad-run", "bad-safetensors", "altered-file", "not-finite",
 *   "missing-parameter", "unexpected-parameter", "shape-mismatch"; the reason of `signal`
 */
export async function loadRun<M extends Machine>(source: RunSource, options: LoadRunOptions<M>): Promise<LoadedRun<M>> {
  const { config, model, tokenizer, weights } = await modelOfRun(source, options, {
    ...{ name: "loadRun", kind: "language-model", fromConfig: languageModelFromConfig },
  });
  const { machine, signal } = options;
  const metrics = await readRunMetrics(source, signal);
  const parameters = await parametersOfRun(source, machine, model, weights);
  return closing<LoadedRun<M>>({
    ...{ config, model, tokenizer, parameters, machine, metrics },
    close: () => parameters.close(),
  });
}
