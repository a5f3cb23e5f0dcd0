import { platform } from "#platform";
import { type ByteSource, expectInside, type FileSource } from "../platform/platform.ts";
import { describe, UsageError } from "../shared/errors.ts";

/** What every reader of this folder takes: bytes at hand, a path, a URL, a Blob, or a source that is already open. */
export type ByteInput = Uint8Array | ArrayBuffer | FileSource | ByteSource;

/** Bytes at hand as a source; what it reads are views of them. */
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
 * Opens any input. A source that is already open is given back as it is; everything else the caller closes.
 * @throws UsageError "bad-input", and whatever opening a file throws
 */
export async function openBytes(input: ByteInput): Promise<ByteSource> {
  if (input instanceof Uint8Array) return bytesSource(input);
  if (input instanceof ArrayBuffer) return bytesSource(new Uint8Array(input));
  if (typeof input === "string" || input instanceof URL || input instanceof Blob) return platform.openFile(input);
  if (typeof input === "object" && input !== null && "read" in input && "size" in input) return input;
  throw new UsageError("bad-input", `input: expected bytes, a path, a URL or a Blob, got ${describe(input)}`);
}

/** Opens an input for as long as `use` works with it. A source that was already open stays open. */
export async function withBytes<T>(input: ByteInput, use: (source: ByteSource) => Promise<T>): Promise<T> {
  const source = await openBytes(input);
  try {
    return await use(source);
  } finally {
    if ((source as ByteInput) !== input) await source.close();
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
