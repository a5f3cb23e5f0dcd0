import { Cursor, damaged, type Pages, text, unsupported } from "./bytes.ts";
import { MESSAGE, type Message } from "./header.ts";
import { entriesInHeap } from "./heap.ts";
import { treeLeaves } from "./tree.ts";

const MOST_LINKS = 200_000;

/** Names and header addresses of what a group holds; undefined when the messages are not those of a group. */
export async function readLinks(
  pages: Pages,
  messages: readonly Message[],
): Promise<ReadonlyMap<string, number> | undefined> {
  const table = messages.find(({ type }) => type === MESSAGE.symbolTable);
  if (table) return readSymbolTable(pages, new Cursor(table.data));
  const info = messages.find(({ type }) => type === MESSAGE.linkInfo);
  const links = messages.filter(({ type }) => type === MESSAGE.link);
  if (!info && links.length === 0) return undefined;
  const found = new Map<string, number>();
  const all = links.map(({ data }) => readLink(new Cursor(data)));
  if (info) all.push(...(await largeGroup(pages, new Cursor(info.data))));
  for (const { name, address } of all) add(found, name, address);
  return found;
}

function add(found: Map<string, number>, name: string, address: number): void {
  if (found.has(name)) throw damaged(`two objects of one group are called ${JSON.stringify(name)}`);
  if (found.size >= MOST_LINKS) throw damaged(`a group of more than ${MOST_LINKS} objects`);
  found.set(name, address);
}

interface Link {
  readonly name: string;
  readonly address: number;
}

/**
 * Links of a group that has too many for its header: they lie in a heap, and a tree of their names' hashes leads to them. They come
 * in the order of their names, as in older files.
 */
async function largeGroup(pages: Pages, at: Cursor): Promise<Link[]> {
  const links = await entriesInHeap(pages, at, { type: 5, orderBytes: 8 }, async (record, heap) => {
    record.skip(4);
    return readLink(await heap.get(record));
  });
  return links.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function readLink(at: Cursor): Link {
  at.skip(1);
  const flags = at.u8();
  const kind = flags & 8 ? at.u8() : 0;
  if (flags & 4) at.skip(8);
  if (flags & 16) at.skip(1);
  const name = text(at.take(at.sized(1 << (flags & 3))));
  if (kind !== 0)
    throw unsupported(
      `the HDF5 file holds a link ${JSON.stringify(name)} ${kind === 64 ? "to another file" : "by name"}; such links are not followed`,
    );
  return { name, address: at.u64() };
}

/** The older form of groups: a B-tree of names, which lie in a heap. */
async function readSymbolTable(pages: Pages, table: Cursor): Promise<Map<string, number>> {
  const [tree, heap] = [table.u64(), table.u64()];
  const head = await pages.cursor(heap, 32);
  head.expect("HEAP");
  head.skip(4);
  const size = head.u64();
  head.skip(8);
  const names = await pages.read(head.u64(), size);
  const found = new Map<string, number>();
  for (const node of await treeLeaves(pages, tree, 0, 8)) {
    const start = await pages.cursor(node.address, 8);
    start.expect("SNOD");
    start.skip(2);
    const count = start.u16();
    const at = await pages.cursor(node.address + 8, count * 40);
    for (let k = 0; k < count; k++) {
      const [name, address, cached] = [at.u64(), at.u64(), at.u32()];
      at.skip(20);
      if (name >= names.length) throw damaged("the name of an object lies outside the names");
      const label = text(names.subarray(name));
      if (cached === 2)
        throw unsupported(`the HDF5 file holds a link ${JSON.stringify(label)} by name; such links are not followed`);
      add(found, label, address);
    }
  }
  return found;
}
