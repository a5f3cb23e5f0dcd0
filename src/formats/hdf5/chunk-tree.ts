import { Cursor, type Pages } from "./bytes.ts";
import type { Chunk, Chunked } from "./chunks.ts";
import { treeLeaves } from "./group.ts";

/** Chunks that a B-tree of version 1 leads to, as every layout before version 4 has it. */
export async function chunksOfTree(pages: Pages, tree: number, { sizes }: Chunked): Promise<Chunk[]> {
  const leaves = await treeLeaves(pages, tree, 1, 16 + 8 * sizes.length);
  return leaves.map(({ key, address }) => {
    const at = new Cursor(key);
    const [packed, skipped] = [at.u32(), at.u32()];
    return { offset: sizes.map(() => at.u64()), address, packed, skipped };
  });
}
