import { platform } from "#platform";
import { type FileLayer, makeDurableFolder, writeAtomic } from "../platform/files.ts";
import { describe, FailureError, LongshortError, UsageError } from "../shared/errors.ts";
import { firstNotFinite } from "../shared/finite.ts";
import { expectOptions } from "../shared/options.ts";
import type { NamedTensor, ParameterStore } from "../tensor/parameter-store.ts";
import type { QuantizedWeights } from "../tensor/quantized.ts";
import { putQuantized, takeQuantized } from "./quantized-weights.ts";
import { SafeTensor, safeTensor } from "./safe-tensor.ts";
import { safetensorsHead, safetensorsParts, storedSafetensors, writeSafetensors } from "./safetensors.ts";
import { sha256, sha256Parts } from "./sha256.ts";
import { bytesAtHand, storedFile } from "./stored-bytes.ts";
import { numbersOf } from "./tensor-numbers.ts";

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

export interface SaveRunOptions {
  /** `{ model: model.config, … }`; everything in it must survive JSON. */
  readonly config: RunConfig;
  /** Undefined for models that read no text. */
  readonly tokenizer:
    | {
        /** What is written to `tokenizer.json`. */
        readonly toJSON: () => unknown;
      }
    | undefined;
  readonly parameters: ParameterStore;
  /** Written in place of the parameters of these names. */
  readonly quantized?: QuantizedWeights | undefined;
  /** Replaces the metrics of the save before. Default: left as they are. */
  readonly metrics?: readonly object[] | undefined;
  /** Not looked at: what a loaded run holds may be given as it is. */
  readonly model?: unknown;
}

/** What a folder holds, checked as files but not yet as a model. */
export interface RunFiles {
  readonly config: RunConfig;
  /** Undefined when the model says that it has no vocabulary (`channels` in its config). */
  readonly tokenizer: unknown;
  /** Quantised ones as the numbers that they stand for. */
  readonly weights: ReadonlyMap<string, NamedTensor>;
  /** Undefined when no weight is quantised. */
  readonly quantized: QuantizedWeights | undefined;
  readonly metrics: readonly unknown[];
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
const CHECKSUM = "sha256";

/**
 * Writes a run; the folder is made if there is none. Call it while training: at each validation that was the best so far,
 * and at the end.
 *
 * @throws FailureError "not-finite" when a weight is no finite number (what was saved before stays), "file-write-failed",
 *   "disk-full"; UsageError "bad-run"
 */
export async function saveRun(folder: string, options: SaveRunOptions): Promise<void> {
  expectOptions("saveRun", options, {
    config: "required",
    tokenizer: "named",
    parameters: "required",
    quantized: 1,
    metrics: 1,
    model: 1,
  });
  const { config, tokenizer, parameters, quantized, metrics } = options;
  expectFolder(folder);
  if (typeof config !== "object" || config === null || typeof config.model !== "object")
    throw new UsageError("bad-run", `config: expected { model: model.config, … }, got ${describe(config)}`);
  const weights = await weightsFile(parameters, quantized);
  const { files } = platform;
  const paths = runPaths(folder);
  await makeDurableFolder(files, folder);
  await writeConfig(files, folder, config);
  await writeTokenizer(files, folder, tokenizer);
  if (metrics) await writeAtomic(files, paths.metrics, metrics.map((line) => `${JSON.stringify(line)}\n`).join(""));
  await writeAtomic(files, paths.weights, weights);
}

/** Where the parts of a run lie. */
export const runPaths = (folder: string): Record<keyof typeof FILES, string> =>
  Object.fromEntries(Object.entries(FILES).map(([part, name]) => [part, `${folder}/${name}`])) as Record<
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

/**
 * Reads the files of a run.
 *
 * @throws UsageError "not-a-run" (no such folder, or no run in it); FailureError "bad-run" (a file is damaged or of a newer
 *   version), "bad-safetensors", "altered-file", "not-finite"
 */
export async function readRun(folder: string): Promise<RunFiles> {
  const config = await readConfig(folder);
  return {
    config,
    tokenizer: Object.hasOwn(config.model, "channels") ? undefined : await readTokenizer(folder),
    ...(await readWeights(folder)),
    metrics: await readMetrics(folder),
  };
}

/** The config of a run, without reading its weights. Errors as in `readRun`. */
export async function readConfig(folder: string): Promise<RunConfig> {
  expectFolder(folder);
  const config = await readJson(folder, FILES.config);
  if (typeof config !== "object" || config === null || (config as { format?: unknown }).format !== RUN_FORMAT)
    throw damaged(folder, FILES.config, `expected "format": "${RUN_FORMAT}" in it`);
  const { format: _, version, ...rest } = config as Record<string, unknown>;
  if (version !== VERSION)
    throw damaged(folder, FILES.config, `it is of version ${describe(version)}, this program reads ${VERSION}`);
  if (typeof rest.model !== "object" || rest.model === null)
    throw damaged(folder, FILES.config, `expected "model" as an object, got ${describe(rest.model)}`);
  return rest as RunConfig;
}

/** What is in `tokenizer.json`. Errors as in `readRun`. */
export const readTokenizer = (folder: string): Promise<unknown> => readJson(folder, FILES.tokenizer);

async function weightsFile(parameters: ParameterStore, quantized?: QuantizedWeights): Promise<Uint8Array> {
  const dtype = parameters.machine.limits.float === "float64" ? "F64" : "F32";
  const tensors = new Map<string, SafeTensor>();
  for (const [name, { shape, data }] of await parameters.toTensors()) {
    const wrong = firstNotFinite(data);
    if (wrong >= 0)
      throw new FailureError(
        "not-finite",
        `parameter "${name}": element ${wrong} is ${data[wrong]}; such weights are not saved, because they would replace good ones`,
      );
    tensors.set(name, safeTensor(dtype, shape, data));
  }
  putQuantized(tensors, quantized);
  const checksum = await sha256(safetensorsParts(tensors));
  return writeSafetensors(tensors, { metadata: { format: "pt", ...(checksum && { [CHECKSUM]: checksum }) } });
}

/** The weights are looked through once, part by part, and stay in their file until they are needed. */
async function readWeights(folder: string): Promise<Pick<RunFiles, "weights" | "quantized">> {
  const path = `${folder}/${FILES.weights}`;
  const stored = await inRun(folder, FILES.weights, () => storedFile(path));
  const file = stored ?? bytesAtHand(path, await readFile(folder, FILES.weights));
  const { tensors, metadata } = named(path, () => storedSafetensors(file));
  await expectSound(path, tensors, Object.hasOwn(metadata, CHECKSUM) ? metadata[CHECKSUM] : undefined);
  const weights = new Map([...tensors].map(([name, tensor]) => [name, numbersOf(tensor)]));
  return { weights, quantized: named(path, () => takeQuantized(tensors, weights)) };
}

/**
 * Whether the weights are those that were saved, and numbers. The checksum is that of the file which the tensors alone make: names,
 * types, shapes, numbers.
 */
async function expectSound(
  path: string,
  tensors: ReadonlyMap<string, SafeTensor>,
  expected: string | undefined,
): Promise<void> {
  const { head, order, size } = safetensorsHead(tensors);
  const hash = expected === undefined ? undefined : sha256Parts(head.length + size);
  hash?.add(head);
  let broken: string | undefined;
  for (const name of order) {
    const tensor = tensors.get(name)!;
    let before = 0;
    for (const { elements, bytes } of tensor.parts()) {
      hash?.add(bytes);
      const part = new SafeTensor(tensor.dtype, [elements], bytes);
      const { data } = named(`${path}: tensor "${name}"`, () => numbersOf(part));
      const wrong = firstNotFinite(data);
      if (wrong >= 0) broken ??= `element ${before + wrong} of tensor "${name}" is ${data[wrong]}`;
      before += elements;
    }
  }
  const found = await hash?.digest();
  if (found !== undefined && found !== expected)
    throw new FailureError(
      "altered-file",
      `${path}: the weights are not those that were saved (their checksum differs): the file was altered or damaged; get it again, or train again`,
    );
  if (broken !== undefined)
    throw new FailureError(
      "not-finite",
      `${path}: ${broken}, expected finite numbers: the file is damaged or its training broke down`,
    );
}

async function readMetrics(folder: string): Promise<unknown[]> {
  let text: string;
  try {
    text = new TextDecoder().decode(await platform.readFile(`${folder}/${FILES.metrics}`));
  } catch (error) {
    if (error instanceof UsageError && error.code === "file-not-found") return [];
    throw error;
  }
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => parse(folder, FILES.metrics, line));
}

async function readJson(folder: string, file: string): Promise<unknown> {
  const bytes = await readFile(folder, file);
  return parse(folder, file, new TextDecoder().decode(bytes));
}

function parse(folder: string, file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw damaged(folder, file, `it is no JSON (${cause instanceof Error ? cause.message : String(cause)})`, cause);
  }
}

const readFile = (folder: string, file: string): Promise<Uint8Array> =>
  inRun(folder, file, () => platform.readFile(`${folder}/${file}`));

/** A file that is missing says that the folder is no run, which is what its reader needs to know. */
async function inRun<T>(folder: string, file: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (!(cause instanceof UsageError) || cause.code !== "file-not-found") throw cause;
    throw new UsageError(
      "not-a-run",
      `${folder}: expected the folder of a run, as training makes it; there is no ${file} in it`,
      { cause },
    );
  }
}

/** Puts the name of the file before what its reader has to say. */
function named<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof LongshortError)) throw cause;
    throw new FailureError(cause.code, `${path}: ${cause.message}`, { cause });
  }
}

const damaged = (folder: string, file: string, why: string, cause?: unknown): FailureError =>
  new FailureError("bad-run", `${folder}/${file}: ${why}; the file is damaged or of another program`, { cause });

function expectFolder(folder: unknown): void {
  if (typeof folder !== "string" || folder === "")
    throw new UsageError("bad-run", `folder: expected a path, got ${describe(folder)}`);
}
