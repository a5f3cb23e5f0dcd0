import { platform } from "#platform";
import { sourceName } from "../platform/platform.ts";
import { describe, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Abortable } from "../shared/signal.ts";
import { readPacked } from "./packed-run.ts";
import { type ModelFiles, type RunConfig, readConfig, readFolder, readMetrics } from "./run-folder.ts";
import { bytesAtHand, type StoredBytes, storedFile } from "./stored-bytes.ts";

/**
 * Where a run is: its folder (a path, or in a page a URL), or a file of `packRun`: its bytes, a Blob or File, or a path or URL that
 * ends in ".safetensors" (a query after it is not looked at).
 */
export type RunSource = string | URL | Blob | Uint8Array | ArrayBuffer;

/** Options of `readRun`. */
export interface ReadRunOptions extends Abortable {}

/** The content of a run, checked as files but not yet made into a model. */
export interface RunFiles extends ModelFiles {
  /** Lines of `metrics.jsonl`, parsed; without a last one that a power cut tore. */
  readonly metrics: readonly unknown[];
}

/**
 * Reads the files of a run without making a model.
 * @throws UsageError "not-a-run" (no such folder, or no run in it); FailureError "bad-run" (a file is damaged or of a newer
 *   version), "bad-safetensors", "altered-file", "not-finite"; the reason of `signal`
 */
export async function readRun(source: RunSource, options: ReadRunOptions = {}): Promise<RunFiles> {
  expectOptions("readRun", options, { signal: 1 });
  const { signal } = options;
  return { ...(await readModel(source, signal)), metrics: await readRunMetrics(source, signal) };
}

/** As `readMetrics`; a packed run has none. */
export const readRunMetrics = async (source: RunSource, signal?: AbortSignal): Promise<readonly unknown[]> =>
  isFolder(source) ? readMetrics(source, signal) : [];

/** A run without its metrics. Errors as in `readRun`. */
export async function readModel(source: RunSource, signal?: AbortSignal): Promise<ModelFiles> {
  signal?.throwIfAborted();
  return isFolder(source) ? readFolder(source, signal) : readPacked(await packedFile(source, signal), signal);
}

/** The config of a run, also of a packed one. */
export const readRunConfig = async (source: RunSource): Promise<RunConfig> =>
  isFolder(source) ? readConfig(source) : (await readModel(source)).config;

/** How a run, or a part of it, is called in messages. */
export function runName(source: RunSource, part?: "config.json" | "tokenizer.json" | "model.safetensors"): string {
  const name = isBytes(source) ? "the given bytes" : sourceName(source);
  return part === undefined || !isFolder(source) ? name : `${name.replace(/(?<=.)\/$/, "")}/${part}`;
}

const isBytes = (source: RunSource): source is Uint8Array | ArrayBuffer =>
  source instanceof Uint8Array || source instanceof ArrayBuffer;

function isFolder(source: RunSource): source is string | URL {
  if (isBytes(source) || source instanceof Blob) return false;
  if (source instanceof URL) return !source.pathname.endsWith(".safetensors");
  if (typeof source === "string" && source !== "") return !/\.safetensors([?#].*)?$/.test(source);
  throw new UsageError(
    "bad-run",
    `run: expected the path or URL of its folder, or the bytes or Blob that packRun made, got ${describe(source)}`,
  );
}

async function packedFile(source: RunSource, signal: AbortSignal | undefined): Promise<StoredBytes> {
  const name = runName(source);
  if (isBytes(source)) return bytesAtHand(name, source instanceof Uint8Array ? source : new Uint8Array(source));
  return storedFile(source) ?? bytesAtHand(name, await platform.readFile(source, signal));
}
