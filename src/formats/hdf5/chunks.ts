import { damaged, type Pages, UNDEFINED } from "./bytes.ts";
import type { Filter } from "./filters.ts";
import { countOf, type Extent } from "./types.ts";

/** A dataset in chunks of one shape, each packed on its own. */
export interface Chunked extends Extent {
  /** Elements of a chunk along each axis. */
  readonly sizes: readonly number[];
  /** Bytes of an element. */
  readonly width: number;
  /** Bytes of a chunk that is unpacked. */
  readonly bytes: number;
  /** What was done to the bytes of each, in order. */
  readonly filters: readonly Filter[];
  /** Whether chunks that reach beyond the dataset are never packed. */
  readonly plainEdges: boolean;
}

/** Where a chunk lies in the file. */
export interface Chunk {
  /** Its first element. */
  readonly offset: readonly number[];
  readonly address: number;
  readonly packed: number;
  /** Bits of the filters that were left out. */
  readonly skipped: number;
}

export function expectLength(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length < length) throw damaged(`a dataset of ${length} bytes has ${bytes.length}`);
  return bytes.subarray(0, length);
}

export async function readChunks(pages: Pages, chunked: Chunked, chunks: readonly Chunk[]): Promise<Uint8Array> {
  const { shape, sizes, width, filters } = chunked;
  pages.spend(chunked.bytes * chunks.length);
  const length = countOf(shape) * width;
  const out = new Uint8Array(length);
  let filled = 0;
  for (const { offset, address, packed, skipped } of chunks) {
    if (offset.some((o, axis) => o % sizes[axis]! !== 0 || o >= shape[axis]!))
      throw damaged("a chunk lies outside its dataset");
    if (address === UNDEFINED) break;
    const plain = chunked.plainEdges && offset.some((o, axis) => o + sizes[axis]! > shape[axis]!);
    let bytes = await pages.read(address, packed);
    for (let k = filters.length - 1; k >= 0 && !plain; k--)
      if ((skipped & (1 << k)) === 0) bytes = filters[k]!(bytes, chunked.bytes, width);
    filled += placeChunk(out, expectLength(bytes, chunked.bytes), chunked, offset);
  }
  if (filled !== length) throw damaged("some of a dataset's numbers were never written, or were written twice");
  return out;
}

/** Copies what of a chunk lies inside the dataset, row by row, and says how many bytes that were. */
function placeChunk(
  out: Uint8Array,
  chunk: Uint8Array,
  { shape, sizes, width }: Chunked,
  offset: readonly number[],
): number {
  const kept = sizes.map((n, axis) => Math.min(n, shape[axis]! - offset[axis]!));
  const last = sizes.length - 1;
  const row = kept[last]! * width;
  const rows = countOf(kept.slice(0, -1));
  for (let r = 0; r < rows; r++) {
    let [rest, from, to, fromStride, toStride] = [r, 0, offset[last]!, sizes[last]!, shape[last]!];
    for (let axis = last - 1; axis >= 0; axis--) {
      const index = rest % kept[axis]!;
      rest = Math.floor(rest / kept[axis]!);
      from += index * fromStride;
      to += (offset[axis]! + index) * toStride;
      fromStride *= sizes[axis]!;
      toStride *= shape[axis]!;
    }
    out.set(chunk.subarray(from * width, from * width + row), to * width);
  }
  return rows * row;
}
