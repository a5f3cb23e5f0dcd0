import { type Cursor, damaged, type Pages, UNDEFINED } from "./bytes.ts";

/** A tree is no deeper than its numbers allow. */
const MOST_LEVELS = 32;
const MOST_RECORDS = 200_000;
/** Of every node: signature, version and type before its records, checksum behind them. */
const NODE_FRAME = 10;

/** Bytes that a count up to `most` takes. */
const bytesFor = (most: number): number => Math.floor(Math.log2(most) / 8) + 1;

/**
 * The records of a B-tree (version 2), each a cursor over its bytes. Their order is that of the keys.
 *
 * @param type 1: large objects of a heap; 5: links by name; 8: attributes by name; 10: chunks by their place; 11: packed chunks
 */
export async function treeRecords(pages: Pages, root: number, type: 1 | 5 | 8 | 10 | 11): Promise<Cursor[]> {
  if (root === UNDEFINED) return [];
  const head = await pages.cursor(root, 38);
  head.expect("BTHD");
  head.skip(1);
  if (head.u8() !== type) throw damaged("a tree of another kind than it should be");
  const [nodeSize, recordSize, depth] = [head.u32(), head.u16(), head.u16()];
  head.skip(2);
  const [top, count, total] = [head.u64(), head.u16(), head.u64()];
  if (total > MOST_RECORDS) throw damaged(`a tree of ${total} records`);
  if (depth > MOST_LEVELS || recordSize < 1) throw damaged("a tree of impossible measures");
  // Most records at each level, which says how many bytes a pointer's counts take.
  const most = Math.floor((nodeSize - NODE_FRAME) / recordSize);
  if (!(most >= 1)) throw damaged("a tree whose nodes hold nothing");
  const countSize = bytesFor(most);
  const totalSizes = [0];
  for (let level = 1, below = most; level < depth; level++) {
    const pointer = 8 + countSize + totalSizes.at(-1)!;
    const here = Math.floor((nodeSize - NODE_FRAME - pointer) / (recordSize + pointer));
    below = (here + 1) * below + here;
    if (!(here >= 1) || below > 2 ** 48) throw damaged("a tree of impossible measures");
    totalSizes.push(bytesFor(below));
  }
  const records: Cursor[] = [];
  const seen = new Set<number>();
  const visit = async (address: number, own: number, level: number): Promise<void> => {
    if (seen.has(address)) throw damaged("a tree that holds itself");
    seen.add(address);
    const totalSize = totalSizes[level - 1] ?? 0;
    const pointers = level === 0 ? 0 : (own + 1) * (8 + countSize + totalSize);
    const node = await pages.cursor(address, 6 + own * recordSize + pointers);
    node.expect(level === 0 ? "BTLF" : "BTIN");
    node.skip(1);
    if (node.u8() !== type) throw damaged("a tree of another kind than it should be");
    for (let k = 0; k < own; k++) records.push(node.part(recordSize));
    if (records.length > MOST_RECORDS) throw damaged(`a tree of more than ${MOST_RECORDS} records`);
    for (let k = 0; level > 0 && k <= own; k++) {
      const child = node.u64();
      const held = node.wide(countSize);
      node.skip(totalSize);
      await visit(child, held, level - 1);
    }
  };
  if (top !== UNDEFINED) await visit(top, count, depth);
  if (records.length !== total) throw damaged(`a tree of ${records.length} records says that it has ${total}`);
  return records;
}

/** The leaves of a B-tree (version 1) in order, each with the key before it. */
export async function treeLeaves(
  pages: Pages,
  root: number,
  kind: 0 | 1,
  keySize: number,
): Promise<{ readonly key: Uint8Array; readonly address: number }[]> {
  const leaves: { key: Uint8Array; address: number }[] = [];
  const seen = new Set<number>();
  const visit = async (address: number, above: number): Promise<void> => {
    if (seen.has(address)) throw damaged("a tree that holds itself");
    seen.add(address);
    const head = await pages.cursor(address, 24);
    head.expect("TREE");
    const [type, level, count] = [head.u8(), head.u8(), head.u16()];
    if (type !== kind || level >= above) throw damaged("a tree whose levels do not descend");
    const at = await pages.cursor(address + 24, count * (keySize + 8));
    for (let k = 0; k < count; k++) {
      const key = at.take(keySize);
      const child = at.u64();
      if (level > 0) await visit(child, level);
      else leaves.push({ key, address: child });
      if (leaves.length > MOST_RECORDS) throw damaged(`a tree of more than ${MOST_RECORDS} leaves`);
    }
  };
  if (root !== UNDEFINED) await visit(root, MOST_LEVELS);
  return leaves;
}
