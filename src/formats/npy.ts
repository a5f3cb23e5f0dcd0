import { SafeTensor } from "../checkpoint/safe-tensor.ts";
import type { ByteSource } from "../platform/platform.ts";
import { concatBytes } from "../shared/concat-bytes.ts";
import { expectInteger, UsageError } from "../shared/errors.ts";
import type { OwnBytes } from "../shared/own-bytes.ts";
import { size, strides } from "../shared/shapes.ts";
import { type ByteInput, withBytes } from "./byte-source.ts";
import { elementBytes, swapBytes } from "./element-bytes.ts";
import { badNpy, type NpyHeader, npyHeaderEnd, readNpyHeader, writeNpyHeader } from "./npy-header.ts";
import { copyStrided } from "./strided-copy.ts";

/** An open NPY file of which only the header has been read. */
export interface NpyFile extends NpyHeader {
  /** Reads the whole array, row-major and little-endian, whatever the order in the file. */
  read(): Promise<SafeTensor>;
  /**
   * Rows `start` to `end` (not included) along the first axis, read alone.
   * @throws UsageError "fortran-order" when the file is in column-major order, where rows do not lie together
   */
  rows(start: number, end: number): Promise<SafeTensor>;
}

/**
 * Opens an NPY file (versions 1 to 3; booleans, integers of 8 to 64 bits, float16, float32, float64, of either byte order). The caller
 * closes the source.
 * @see numpy.lib.format
 * @throws FailureError "bad-npy": not such a file, cut short or too long; Python objects, complex numbers, text, records
 */
export async function openNpy(source: ByteSource): Promise<NpyFile> {
  const headerEnd = npyHeaderEnd(await source.read(0, Math.min(12, source.size)), source.name);
  if (headerEnd > source.size) badNpy(source.name, "it is cut short in its header");
  const header = readNpyHeader(await source.read(0, headerEnd), source.size, source.name);
  const { dtype, shape, fortranOrder, bigEndian, dataStart, dataLength } = header;
  const width = elementBytes(dtype);

  async function readRange(start: number, length: number): Promise<Uint8Array> {
    const bytes = await source.read(dataStart + start, length);
    return bigEndian ? swapBytes(bytes, width) : bytes;
  }

  return {
    ...header,
    async read() {
      const bytes = await readRange(0, dataLength);
      return new SafeTensor(dtype, shape, fortranOrder && shape.length > 1 ? fromColumns(bytes, width, shape) : bytes);
    },
    async rows(start, end) {
      const [count, ...rest] = shape;
      if (count === undefined) throw new UsageError("no-rows", `${source.name}: a single number has no rows`);
      if (fortranOrder && rest.length > 0)
        throw new UsageError(
          "fortran-order",
          `${source.name}: the array is in column-major order, its rows do not lie together; use read()`,
        );
      expectInteger("start", start, { min: 0, max: count });
      expectInteger("end", end, { min: start, max: count });
      const row = size(rest) * width;
      return new SafeTensor(dtype, [end - start, ...rest], await readRange(start * row, (end - start) * row));
    },
  };
}

function fromColumns(bytes: Uint8Array, width: number, shape: readonly number[]): Uint8Array {
  const layout = { shape, strides: strides(shape.toReversed()).toReversed(), offset: 0 };
  return copyStrided(bytes, layout, new Uint8Array(bytes.length), width);
}

/** Reads a whole NPY file; `toFloat64` gives its numbers, and `bytes` all digits of 64-bit integers beyond 2^53. Errors as in `openNpy`. */
export function readNpy(input: ByteInput): Promise<SafeTensor> {
  return withBytes(input, async (source) => (await openNpy(source)).read());
}

/**
 * Returns the bytes of an NPY file that NumPy reads with `allow_pickle=False`.
 * @throws UsageError "bad-tensor" for types that NumPy does not have (bfloat16, 8-bit floats)
 */
export function writeNpy(tensor: SafeTensor): OwnBytes {
  const header = writeNpyHeader(tensor.dtype, tensor.shape);
  if (header === undefined)
    throw new UsageError("bad-tensor", `NumPy has no type for ${tensor.dtype}; convert the tensor to F32 first`);
  return concatBytes([header, tensor.bytes]);
}
