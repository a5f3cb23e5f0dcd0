import { platform } from "#platform";
import { type FileLayer, makeDurableFolder, writeAtomic } from "../platform/files.ts";
import { sourceName } from "../platform/platform.ts";
import { describe, UsageError } from "../shared/errors.ts";
import { expectOptions, type OptionNames } from "../shared/options.ts";
import type { Abortable } from "../shared/signal.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import { ofFile } from "./of-file.ts";
import { damaged, parseJson, parseJsonLines } from "./run-json.ts";
import { type RunWeights, soundWeights, weightsFile } from "./run-weights.ts";
import { storedSafetensors } from "./safetensors.ts";
import { bytesAtHand, storedFile } from "./stored-bytes.ts";

/**
 * A run is a folder:
 *
 * - `config.json`: the model's config, and whatever else its maker noted (how it was trained);
 * - `tokenizer.json`: the vocabulary, where text is read;
 * - `model.safetensors`: the weights, under the names and in the layout of PyTorch, with a checksum;
 * - `metrics.jsonl`: one JSON object a line, in the order of training;
 * - `checkpoints/`: all that training needs to go on, the last few and the best;
 * - `run.lock`: while a process trains, which one.
 *
 * This file is the one place that knows these names. Each file is replaced whole or not at all, so that an interrupted save leaves the weights of the one before.
 */
export interface RunConfig {
  readonly model: object;
  readonly [note: string]: unknown;
}

/** What `saveRun` and `packRun` save: a `Classifier`, a `Tagger`, a `Forecaster`, a loaded run, or `{ model, tokenizer, parameters }`. */
export interface Saveable {
  /** A model whose config says how to make it again. May be left out if `config` contains it. */
  readonly model?: { readonly config: object } | undefined;
  /** `{ model: model.config, … }` with notes of your own; must survive JSON. Default: only the model's config. */
  readonly config?: RunConfig | undefined;
  /** The tokenizer, for models that read text. */
  readonly tokenizer?:
    | {
        /** What is written to `tokenizer.json`. */
        readonly toJSON: () => unknown;
      }
    | undefined;
  /** The weights. */
  readonly parameters: ParameterStore;
}

/** Options of `saveRun`. */
export interface SaveRunOptions extends Saveable, Abortable {
  /** Replaces the metrics of the previous save. Default: they stay. */
  readonly metrics?: readonly object[] | undefined;
  /** Ignored; allows passing a loaded run as it is. */
  readonly machine?: unknown;
}

/** The files that a model is made from, checked as files but not yet made into a model. */
export interface ModelFiles extends RunWeights {
  /** The content of `config.json`. */
  readonly config: RunConfig;
  /** Undefined for models without a vocabulary (`channels` in their config). */
  readonly tokenizer: unknown;
}

/** What `format` in config.json says. */
export const RUN_FORMAT = "longshort-run";
const VERSION = 1;
const FILES = {
  config: "config.json",
  tokenizer: "tokenizer.json",
  weights: "model.safetensors",
  metrics: "metrics.jsonl",
  checkpoints: "checkpoints",
  lock: "run.lock",
} as const;

/**
 * Saves a run to a folder, which is created if needed. Call it during training after each best validation, and at the end. Node only;
 * in a page `packRun` gives the same content as bytes.
 * @example
 * ```ts no-run
 * await saveRun("runs/tickets", classifier); // or a tagger, or a forecaster
 * await saveRun("runs/novel", { model, tokenizer, parameters });
 * ```
 * @throws FailureError "not-finite" when a weight is no finite number (what was saved before stays), "file-write-failed",
 *   "disk-full", "not-on-this-platform"; UsageError "bad-run", "missing-option"; the reason of `signal`, which counts until the first file
 *   is written: what has begun to be saved is saved whole
 */
export async function saveRun(folder: string, options: SaveRunOptions): Promise<void> {
  const { config, tokenizer, parameters } = saveable("saveRun", options, { signal: 1 });
  const { metrics, signal } = options;
  if (typeof folder !== "string" || folder === "")
    throw new UsageError("bad-run", `folder: expected a path, got ${describe(folder)}`);
  const weights = await weightsFile(parameters, { signal });
  const { files } = platform;
  const paths = runPaths(folder);
  await makeDurableFolder(files, folder);
  await writeConfig(files, folder, config);
  await writeTokenizer(files, folder, tokenizer);
  if (metrics) await writeAtomic(files, paths.metrics, metrics.map((line) => `${JSON.stringify(line)}\n`).join(""));
  await writeAtomic(files, paths.weights, weights);
}

/**
 * What is to be saved, with its config, if it can be loaded again.
 * @param more options of this way to save
 * @throws UsageError "unknown-option", "missing-option", "bad-run"
 */
export function saveable(what: string, given: Saveable, more: { readonly signal?: 1 } = {}) {
  const known = {
    model: 1,
    config: 1,
    tokenizer: 1,
    parameters: "required",
    metrics: 1,
    machine: 1,
    close: 1,
    ...more,
  } as OptionNames<SaveRunOptions>;
  expectOptions(what, given, known);
  return { config: configToSave(what, given), tokenizer: given.tokenizer, parameters: given.parameters };
}

/** Whether a model is of no use without the tokenizer that its tokens are from. */
const readsTokens = ({ model }: RunConfig): boolean => "vocabularySize" in model && model.vocabularySize !== undefined;

/** What is written to `config.json`. @throws UsageError "missing-option" (a model that reads tokens without its tokenizer, too), "bad-run" */
export function configToSave(what: string, { model, config, tokenizer }: Omit<Saveable, "parameters">): RunConfig {
  const all = config ?? (model && { model: model.config });
  if (all === undefined) throw new UsageError("missing-option", `${what}: expected model, or config`);
  if (typeof all !== "object" || typeof all.model !== "object" || all.model === null)
    throw new UsageError("bad-run", `config: expected { model: model.config, … }, got ${describe(all)}`);
  if (readsTokens(all) && !tokenizer)
    throw new UsageError(
      "missing-option",
      `${what}: expected tokenizer: this model reads tokens, and is loaded with it`,
    );
  return all;
}

/** Where the parts of a run lie. */
export const runPaths = (folder: string): Record<keyof typeof FILES, string> =>
  Object.fromEntries(Object.entries(FILES).map(([part, name]) => [part, placeIn(folder, name)])) as Record<
    keyof typeof FILES,
    string
  >;

export const writeConfig = (files: FileLayer, folder: string, config: RunConfig): Promise<void> =>
  writeAtomic(files, runPaths(folder).config, json({ format: RUN_FORMAT, version: VERSION, ...config }));

export const writeTokenizer = async (
  files: FileLayer,
  folder: string,
  tokenizer: SaveRunOptions["tokenizer"],
): Promise<void> => {
  if (tokenizer) await writeAtomic(files, runPaths(folder).tokenizer, json(tokenizer.toJSON()));
};

/** @throws FailureError "not-finite" when a weight is no finite number (what was saved before stays) */
export const writeWeights = async (files: FileLayer, folder: string, parameters: ParameterStore): Promise<void> =>
  writeAtomic(files, runPaths(folder).weights, await weightsFile(parameters));

const json = (value: unknown): string => `${JSON.stringify(value, null, 1)}\n`;

/** A path, or a URL with or without a slash at its end. */
export type RunFolder = string | URL;

/**
 * Reads what a folder holds of a model.
 *
 * @throws UsageError "not-a-run" (no such folder, or no run in it); FailureError "bad-run" (a file is damaged or of a newer
 *   version), "bad-safetensors", "altered-file", "not-finite"; the reason of `signal`
 */
export async function readFolder(folder: RunFolder, signal?: AbortSignal): Promise<ModelFiles> {
  const config = await readConfig(folder, signal);
  return {
    config,
    tokenizer: await tokenizerOf(folder, config, signal),
    ...(await readWeights(folder, signal)),
  };
}

/** The config of a run, without reading its weights. Errors as in `readFolder`. */
export const readConfig = async (folder: RunFolder, signal?: AbortSignal): Promise<RunConfig> =>
  configOf(folder, await readFile(folder, FILES.config, signal));

/** The config that the bytes of its file hold. @throws FailureError "bad-run" */
export function configOf(folder: RunFolder, bytes: Uint8Array): RunConfig {
  const place = placeIn(folder, FILES.config);
  const config = parseJson(place, new TextDecoder().decode(bytes));
  if (typeof config !== "object" || config === null || (config as { format?: unknown }).format !== RUN_FORMAT)
    throw damaged(place, `expected "format": "${RUN_FORMAT}" in it`);
  const { format: _, version, ...rest } = config as Record<string, unknown>;
  if (version !== VERSION) throw damaged(place, `expected "version": ${VERSION}, got ${describe(version)}`);
  if (typeof rest.model !== "object" || rest.model === null)
    throw damaged(place, `expected "model" as an object, got ${describe(rest.model)}`);
  return rest as RunConfig;
}

/** What is in `tokenizer.json`. Errors as in `readFolder`. */
export const readTokenizer = async (folder: RunFolder, signal?: AbortSignal): Promise<unknown> =>
  parseJson(
    placeIn(folder, FILES.tokenizer),
    new TextDecoder().decode(await readFile(folder, FILES.tokenizer, signal)),
  );

/** A model of one's own may have a tokenizer, whatever its config says; one of series is not asked for, as a page would fetch it in vain. */
async function tokenizerOf(folder: RunFolder, config: RunConfig, signal: AbortSignal | undefined): Promise<unknown> {
  if (Object.hasOwn(config.model, "channels")) return undefined;
  try {
    return await readTokenizer(folder, signal);
  } catch (error) {
    if (readsTokens(config) || !(error instanceof UsageError && error.code === "not-a-run")) throw error;
    return undefined;
  }
}

/** The weights are looked through once, part by part, and stay in their file until they are needed. */
async function readWeights(folder: RunFolder, signal: AbortSignal | undefined): Promise<RunWeights> {
  const path = placeIn(folder, FILES.weights);
  const stored = await inRun(folder, FILES.weights, () => storedFile(fileIn(folder, FILES.weights)));
  const file = stored ?? bytesAtHand(path, await readFile(folder, FILES.weights, signal));
  return soundWeights(
    path,
    ofFile(path, () => storedSafetensors(file)),
    signal,
  );
}

/** The lines of `metrics.jsonl`, but a last one that was torn; none where there is no such file. */
export async function readMetrics(folder: RunFolder, signal?: AbortSignal): Promise<unknown[]> {
  let text: string;
  try {
    text = new TextDecoder().decode(await platform.readFile(fileIn(folder, FILES.metrics), signal));
  } catch (error) {
    if (error instanceof UsageError && error.code === "file-not-found") return [];
    throw error;
  }
  return parseJsonLines(placeIn(folder, FILES.metrics), text);
}

const readFile = (folder: RunFolder, file: string, signal: AbortSignal | undefined): Promise<Uint8Array> =>
  inRun(folder, file, () => platform.readFile(fileIn(folder, file), signal));

/** A file that is missing says that the folder is no run, which is what its reader needs to know. */
async function inRun<T>(folder: RunFolder, file: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (!(cause instanceof UsageError) || cause.code !== "file-not-found") throw cause;
    throw new UsageError(
      "not-a-run",
      `${sourceName(folder)}: expected the folder of a run, as training makes it; there is no ${placeIn(folder, file)}`,
      { cause },
    );
  }
}

/** A file of a folder; what a URL says behind its path stays. */
function fileIn(folder: RunFolder, file: string): string | URL {
  if (typeof folder === "string") return placeIn(folder, file);
  const url = new URL(folder);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/${file}`;
  return url;
}

/** The same, for messages. */
const placeIn = (folder: RunFolder, file: string): string => `${sourceName(folder).replace(/(?<=.)\/$/, "")}/${file}`;
