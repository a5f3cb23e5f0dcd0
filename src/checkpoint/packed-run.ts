import { describe, FailureError, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { OwnBytes } from "../shared/own-bytes.ts";
import type { Abortable } from "../shared/signal.ts";
import { ofFile } from "./of-file.ts";
import type { ModelFiles, RunConfig, SaveRunOptions } from "./run-folder.ts";
import { saveable } from "./run-folder.ts";
import { soundWeights, weightsFile } from "./run-weights.ts";
import { storedSafetensors } from "./safetensors.ts";
import type { StoredBytes } from "./stored-bytes.ts";

/** Keys of the metadata. Beside these are those of any file of weights. */
const [MODEL, NOTES, TOKENIZER] = ["model", "notes", "tokenizer"] as const;

/** Options of `packRun`. */
export interface PackRunOptions extends Abortable {
  /**
   * Element type of the weights. Default: that of the machine, "F32" except on the reference machine. "F16" halves the size and rounds
   * to 11 bits.
   */
  readonly dtype?: "F16" | "F32" | undefined;
}

/**
 * Packs a run into one file, for pages and for sending: a safetensors file whose metadata hold what `config.json` and `tokenizer.json`
 * hold in a folder. `loadRun`, `loadClassifier`, `loadTagger` and `loadForecaster` read it from bytes, from a Blob, or from a file
 * whose name ends in ".safetensors".
 * @example
 * ```ts no-run
 * const bytes = await packRun(classifier);
 * await fetch("/models/tickets.safetensors", { method: "PUT", body: bytes }); // or into IndexedDB, or as a download
 * const again = await loadClassifier(bytes, { machine });
 * ```
 * @throws FailureError "not-finite"; UsageError "bad-run", "missing-option", "unknown-choice"; the reason of `signal`
 */
export async function packRun(
  run: Omit<SaveRunOptions, "metrics" | "signal">,
  options: PackRunOptions = {},
): Promise<OwnBytes> {
  expectOptions("packRun", options, { dtype: 1, signal: 1 });
  const { config, tokenizer, parameters } = saveable("packRun", run);
  const { dtype, signal } = options;
  if (dtype !== undefined && dtype !== "F32" && dtype !== "F16")
    throw new UsageError("unknown-choice", `packRun: dtype: expected "F32" or "F16", got ${describe(dtype)}`);
  const { model, ...notes } = config;
  const metadata = {
    [MODEL]: JSON.stringify(model),
    ...(Object.keys(notes).length > 0 && { [NOTES]: JSON.stringify(notes) }),
    ...(tokenizer && { [TOKENIZER]: JSON.stringify(tokenizer.toJSON()) }),
  };
  return weightsFile(parameters, { metadata, dtype, signal });
}

/** Reads what `packRun` made. @throws UsageError "not-a-run"; FailureError as of a folder; the reason of `signal` */
export async function readPacked(file: StoredBytes, signal?: AbortSignal): Promise<ModelFiles> {
  const { name } = file;
  const stored = ofFile(name, () => storedSafetensors(file));
  const said = (key: string): unknown => {
    if (!Object.hasOwn(stored.metadata, key)) return undefined;
    try {
      return JSON.parse(stored.metadata[key]!);
    } catch (cause) {
      throw new FailureError("bad-run", `${name}: ${key} in its metadata is no JSON; the file is damaged`, { cause });
    }
  };
  const model = said(MODEL);
  if (typeof model !== "object" || model === null)
    throw new UsageError(
      "not-a-run",
      `${name}: expected a run that packRun made, or the folder of a run; these weights do not say of which model they are (longshort/formats opens those of other programs)`,
    );
  const config = { ...(said(NOTES) as object | undefined), model } as RunConfig;
  return { config, tokenizer: said(TOKENIZER), ...(await soundWeights(name, stored, signal)) };
}
