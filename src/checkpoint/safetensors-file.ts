import type { ByteSource } from "../platform/platform.ts";
import { nearest, UsageError } from "../shared/errors.ts";
import { SafeTensor } from "./safe-tensor.ts";
import { headerLength, readLayout, type SafetensorsEntry } from "./safetensors.ts";

/** An open safetensors file of which only the header has been read. */
export interface SlicedSafetensors {
  readonly metadata: Readonly<Record<string, string>>;
  /** Type, shape and position of each tensor by name, in the order of their bytes. */
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  /**
   * Reads one tensor.
   * @throws UsageError "no-such-tensor"; FailureError "file-read-failed"
   */
  read(name: string): Promise<SafeTensor>;
}

/**
 * Opens a safetensors file by its header. Tensors are read on request, each into its own memory. The caller closes the source.
 * @throws FailureError "bad-safetensors", under the same rules as `readSafetensors`; "file-read-failed"
 */
export async function openSafetensors(source: ByteSource): Promise<SlicedSafetensors> {
  const length = headerLength(await source.read(0, Math.min(8, source.size)), source.size);
  const dataStart = 8 + length;
  const layout = readLayout(await source.read(8, length), source.size - dataStart);
  const entries = new Map(layout.entries.map((entry) => [entry.name, entry]));
  return {
    metadata: layout.metadata,
    entries,
    async read(name) {
      const entry = entries.get(name);
      if (!entry) {
        const near = nearest(name, [...entries.keys()]);
        throw new UsageError(
          "no-such-tensor",
          `${source.name}: there is no tensor ${JSON.stringify(name)}${near === undefined ? "" : `; did you mean ${JSON.stringify(near)}?`}`,
        );
      }
      const { dtype, shape, start, end } = entry;
      return new SafeTensor(dtype, shape, await source.read(dataStart + start, end - start));
    },
  };
}
