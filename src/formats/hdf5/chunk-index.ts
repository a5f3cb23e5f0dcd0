import { Cursor, damaged, type Pages, UNDEFINED, unsupported } from "./bytes.ts";
import { type Entries, extensibleArray, fixedArray } from "./chunk-arrays.ts";
import type { Chunk, Chunked } from "./chunks.ts";
import { treeLeaves, treeRecords } from "./tree.ts";

/** Chunks of one dataset; a good file of weights has thousands at most. */
const MOST_CHUNKS = 100_000;

/** Numbers of the ways in which a layout of version 4 or 5 finds its chunks. */
const INDEX = { single: 1, implicit: 2, fixedArray: 3, extensibleArray: 4, tree: 5 } as const;

/** Chunks by the index that a layout message of version 4 or 5 names; `at` stands behind the sizes of a chunk. */
export async function indexedChunks(pages: Pages, at: Cursor, chunked: Chunked, flags: number): Promise<Chunk[]> {
  const kind = at.u8();
  switch (kind) {
    case INDEX.single: {
      const [packed, skipped] = (flags & 2) !== 0 ? [at.u64(), at.u32()] : [chunked.bytes, 0];
      return [{ offset: chunked.sizes.map(() => 0), address: at.u64(), packed, skipped }];
    }
    case INDEX.implicit: {
      const start = at.u64();
      return numbered(chunked, 0, async (k) => ({ address: start + k * chunked.bytes }));
    }
    case INDEX.fixedArray:
      at.skip(1);
      return numbered(chunked, 0, await fixedArray(pages, at.u64()));
    case INDEX.extensibleArray: {
      at.skip(5);
      const unlimited = chunked.most.indexOf(UNDEFINED);
      if (unlimited < 0) throw damaged("chunks of a dataset that cannot grow, in an array that can");
      return numbered(chunked, unlimited, await extensibleArray(pages, at.u64()));
    }
    case INDEX.tree:
      at.skip(6);
      return chunksOfRecords(pages, at.u64(), chunked);
    default:
      throw unsupported(`a dataset whose chunks are found by index ${kind}`);
  }
}

/**
 * Chunks that lie in an array under their number: row-major over all chunks that there may come to be, the axis that grows without limit
 * before the others.
 */
async function numbered(chunked: Chunked, first: number, entries: Entries): Promise<Chunk[]> {
  const { shape, most, sizes } = chunked;
  const order = [first, ...sizes.keys()].filter((axis, k) => k === 0 || axis !== first);
  const strides = sizes.map(() => 0);
  let stride = 1;
  for (const axis of [...order].reverse()) {
    strides[axis] = stride;
    stride *= Math.ceil(most[axis]! / sizes[axis]!);
  }
  const counts = sizes.map((n, axis) => Math.ceil(shape[axis]! / n));
  const count = counts.reduce((a, b) => a * b, 1);
  if (!(count <= MOST_CHUNKS)) throw unsupported(`a dataset of ${count} chunks, ${MOST_CHUNKS} are read at most`);
  const chunks: Chunk[] = [];
  const place = counts.map(() => 0);
  for (let k = 0; k < count; k++) {
    const number = place.reduce((sum, p, axis) => sum + p * strides[axis]!, 0);
    if (!Number.isSafeInteger(number)) throw damaged(`a chunk of number ${number}`);
    const { address, packed = chunked.bytes, skipped = 0 } = await entries(number);
    chunks.push({ offset: place.map((p, axis) => p * sizes[axis]!), address, packed, skipped });
    for (let axis = place.length - 1; axis >= 0 && ++place[axis]! === counts[axis]!; axis--) place[axis] = 0;
  }
  return chunks;
}

/** Chunks of a dataset that grows along several axes: a B-tree of version 2 with the place of each. */
async function chunksOfRecords(pages: Pages, tree: number, chunked: Chunked): Promise<Chunk[]> {
  const { sizes, bytes, filters } = chunked;
  const filtered = filters.length > 0;
  return (await treeRecords(pages, tree, filtered ? 11 : 10)).map((at) => {
    const address = at.u64();
    const packed = filtered ? at.wide(at.left - 4 - 8 * sizes.length) : bytes;
    const skipped = filtered ? at.u32() : 0;
    return { offset: sizes.map((n) => at.u64() * n), address, packed, skipped };
  });
}

/** Chunks that a B-tree of version 1 leads to, as every layout before version 4 has it. */
export async function chunksOfTree(pages: Pages, tree: number, { sizes }: Chunked): Promise<Chunk[]> {
  const leaves = await treeLeaves(pages, tree, 1, 16 + 8 * sizes.length);
  return leaves.map(({ key, address }) => {
    const at = new Cursor(key);
    const [packed, skipped] = [at.u32(), at.u32()];
    return { offset: sizes.map(() => at.u64()), address, packed, skipped };
  });
}
