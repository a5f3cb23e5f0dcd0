import { platform } from "#platform";
import { type ByteSource, expectInside, type FileSource, type OnDownload } from "../platform/platform.ts";
import { describe, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Abortable } from "../shared/signal.ts";

/** The input of every reader: bytes, a path, a URL, a Blob, or an open source. */
export type ByteInput = Uint8Array | ArrayBuffer | FileSource | ByteSource;

/** Progress of reading a file. */
export interface ByteProgress {
  /** Name of the file; a model may have several. */
  readonly name: string;
  readonly read: number;
  /** Undefined for downloads whose server does not send the size, or compresses. */
  readonly total: number | undefined;
}
/** Options of reading bytes. */
export interface ByteOptions extends Abortable {
  /** Called while bytes arrive: during the download of a URL in a page, else while the file is read. */
  readonly onProgress?: ((progress: ByteProgress) => void) | undefined;
}

/** Makes a source of bytes in memory; its reads are views of them. */
export function bytesSource(given: Uint8Array, name = "the given bytes"): ByteSource {
  // A plain view also of a Buffer of Node, whose `slice` does not copy.
  const bytes = new Uint8Array(given.buffer, given.byteOffset, given.length);
  return {
    name,
    size: bytes.length,
    async read(offset, length) {
      expectInside(name, bytes.length, offset, length);
      return bytes.subarray(offset, offset + length);
    },
    close: async () => undefined,
  };
}

/**
 * Opens any input as a source. An open source is returned as it is; everything else the caller closes.
 * @param options `signal` ends the download, and whatever is read later
 * @throws UsageError "bad-input", and whatever opening a file throws; the reason of `signal`
 */
export async function openBytes(input: ByteInput, options: ByteOptions = {}): Promise<ByteSource> {
  expectOptions("openBytes", options, { onProgress: 1, signal: 1 });
  options.signal?.throwIfAborted();
  if (input instanceof Uint8Array) return watched(bytesSource(input), options);
  if (input instanceof ArrayBuffer) return watched(bytesSource(new Uint8Array(input)), options);
  if (typeof input === "string" || input instanceof URL || input instanceof Blob) return openFile(input, options);
  if (typeof input === "object" && input !== null && "read" in input && "size" in input) return input;
  throw new UsageError("bad-input", `input: expected bytes, a path, a URL or a Blob, got ${describe(input)}`);
}

async function openFile(input: FileSource, { onProgress, signal }: ByteOptions): Promise<ByteSource> {
  let downloaded = false;
  const onDownload: OnDownload = (progress) => {
    downloaded = true;
    onProgress!({ name: String(input), ...progress });
  };
  const source = await platform
    .openFile(input, { signal, onDownload: onProgress && onDownload })
    .catch((error) => failed(error, signal));
  return watched(source, { signal, onProgress: downloaded ? undefined : onProgress });
}

/** What an abort ends is no file that broke off or is damaged. */
function failed(error: unknown, signal: AbortSignal | undefined): never {
  signal?.throwIfAborted();
  throw error;
}

/** Reports what is read, and ends reading. */
function watched(source: ByteSource, { onProgress, signal }: ByteOptions): ByteSource {
  if (!onProgress && !signal) return source;
  let read = 0;
  return {
    ...source,
    async read(offset, length) {
      signal?.throwIfAborted();
      const bytes = await source.read(offset, length);
      read = Math.min(source.size, read + length);
      onProgress?.({ name: source.name, read, total: source.size });
      return bytes;
    },
  };
}

/** Opens an input for as long as `use` works with it. A source that was already open stays open. */
export const withBytes = <T>(
  input: ByteInput,
  use: (source: ByteSource) => Promise<T>,
  options: ByteOptions = {},
): Promise<T> =>
  withFiles(
    () => input,
    async (open) => use(await open("")),
    options,
  );

/** Opens files by their names, each once, for as long as `use` works with them. Sources that were already open stay open. */
export async function withFiles<T>(
  inputOf: (name: string) => ByteInput,
  use: (open: (name: string) => Promise<ByteSource>) => Promise<T>,
  { onProgress, signal }: ByteOptions = {},
): Promise<T> {
  const opened = new Map<string, { readonly source: ByteSource; readonly input: ByteInput }>();
  try {
    return await use(async (name) => {
      const known = opened.get(name);
      if (known) return known.source;
      const input = inputOf(name);
      const source = await openBytes(input, { onProgress, signal });
      opened.set(name, { source, input });
      return source;
    });
  } catch (error) {
    return failed(error, signal);
  } finally {
    for (const { source, input } of opened.values()) if ((source as ByteInput) !== input) await source.close();
  }
}

/** A part of a source as a source of its own; closing it does nothing. */
export function windowOf(source: ByteSource, start: number, size: number, name: string): ByteSource {
  return {
    name,
    size,
    read(offset, length) {
      expectInside(name, size, offset, length);
      return source.read(start + offset, length);
    },
    close: async () => undefined,
  };
}
