import { type SafeTensor, storable, type WritableTensor } from "../checkpoint/safe-tensor.ts";
import type { ByteSource } from "../platform/platform.ts";
import { FailureError, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { OwnBytes } from "../shared/own-bytes.ts";
import { type ByteInput, bytesSource, withBytes } from "./byte-source.ts";
import { openNpy, writeNpy } from "./npy.ts";
import { type OpenZipOptions, openZip } from "./zip.ts";
import { isPlainPath } from "./zip-directory.ts";
import { writeZip } from "./zip-write.ts";

const SUFFIX = ".npy";

/** An open NPZ file of which only the directory has been read. */
export interface NpzFile {
  readonly names: readonly string[];
  /** Reads one array. Errors as in `openNpy` and `openZip`; UsageError "no-such-entry". */
  read(name: string): Promise<SafeTensor>;
}

/**
 * Opens an NPZ file: a zip archive of NPY files, compressed or not. The caller closes the source.
 * @throws FailureError "bad-zip"; "bad-npy" when a file in it is no NPY file
 */
export async function openNpz(source: ByteSource, options?: OpenZipOptions): Promise<NpzFile> {
  if (options !== undefined) expectOptions("openNpz", options, { maxBytes: 1, zeroCrcIsNone: 1 });
  const zip = await openZip(source, options);
  const names = [...zip.entries.keys()].map((path) => {
    if (path.endsWith(SUFFIX)) return path.slice(0, -SUFFIX.length);
    throw new FailureError(
      "bad-npy",
      `${source.name}: the archive holds ${JSON.stringify(path)}, which is no .npy file; it is no NPZ file`,
    );
  });
  return {
    names,
    async read(name) {
      const path = name + SUFFIX;
      const bytes = await zip.read(path);
      return (await openNpy(bytesSource(bytes, `${source.name}, ${JSON.stringify(path)}`))).read();
    },
  };
}

/** Reads all arrays of an NPZ file. Errors as in `openNpz`. */
export function readNpz(input: ByteInput, options?: OpenZipOptions): Promise<Map<string, SafeTensor>> {
  if (options !== undefined) expectOptions("readNpz", options, { maxBytes: 1, zeroCrcIsNone: 1 });
  return withBytes(input, async (source) => {
    const file = await openNpz(source, options);
    const arrays = new Map<string, SafeTensor>();
    for (const name of file.names) arrays.set(name, await file.read(name));
    return arrays;
  });
}

/**
 * Returns the bytes of an uncompressed NPZ file, as `numpy.savez` writes it.
 * @throws UsageError "bad-tensor" for types that NumPy does not have; "bad-name" for names that are no plain path;
 *   "too-large"
 */
export function writeNpz(arrays: ReadonlyMap<string, WritableTensor>): OwnBytes {
  const files = new Map<string, Uint8Array>();
  for (const [name, tensor] of storable(arrays)) {
    if (!isPlainPath(name + SUFFIX))
      throw new UsageError("bad-name", `${JSON.stringify(name)} cannot be the name of a file in an archive; rename it`);
    files.set(name + SUFFIX, writeNpy(tensor));
  }
  return writeZip(files, { align: 64 });
}
