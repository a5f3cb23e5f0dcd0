import { type Cursor, damaged, isPower, type Pages, UNDEFINED, unsupported } from "./bytes.ts";
import { treeRecords } from "./tree.ts";

/**
 * A heap whose blocks double in size (a "fractal heap"): where newer files keep the links and attributes of large groups. What lies in it is named
 * by an identifier of a few bytes.
 */
export interface Heap {
  /** The bytes of an object by its identifier. */
  get(id: Cursor): Promise<Cursor>;
}

interface Shape {
  /** Blocks of one row; all have one size, and rows double from the second on. */
  readonly width: number;
  readonly first: number;
  /** Largest block that holds objects; larger ones hold blocks. */
  readonly largest: number;
  /** Bytes of an offset in the heap. */
  readonly offsetSize: number;
  readonly root: number;
  /** Rows of the root; 0 where it is one block of objects. */
  readonly rows: number;
}

/**
 * What a message says of entries that are too many for a header: a heap that they lie in, and a tree of records that lead to them.
 *
 * @param orderBytes of the largest order of creation, where that is kept
 */
export async function entriesInHeap<Entry>(
  pages: Pages,
  at: Cursor,
  { type, orderBytes }: { readonly type: 5 | 8; readonly orderBytes: number },
  read: (record: Cursor, heap: Heap) => Promise<Entry>,
): Promise<Entry[]> {
  at.skip(1);
  if (at.u8() & 1) at.skip(orderBytes);
  const [address, tree] = [at.u64(), at.u64()];
  if (address === UNDEFINED) return [];
  const heap = await openHeap(pages, address);
  const entries: Entry[] = [];
  for (const record of await treeRecords(pages, tree, type)) entries.push(await read(record, heap));
  return entries;
}

/** @throws FailureError "damaged-hdf5"; UsageError "unsupported-hdf5" for a heap whose blocks are packed */
async function openHeap(pages: Pages, address: number): Promise<Heap> {
  const at = await pages.cursor(address, 146);
  at.expect("FRHP");
  at.skip(1);
  const [, filters] = [at.u16(), at.u16()];
  if (filters > 0) throw unsupported("the HDF5 file keeps a group in packed blocks; write it again without a filter");
  at.skip(1);
  const mostManaged = at.u32();
  at.skip(8);
  const large = at.u64();
  at.skip(10 * 8);
  const [width, first, largest, bits] = [at.u16(), at.u64(), at.u64(), at.u16()];
  at.skip(2);
  const [root, rows] = [at.u64(), at.u16()];
  if (![width, first, largest].every(isPower) || first > largest || bits < 1 || bits > 64)
    throw damaged("a heap of impossible measures");
  const shape: Shape = { width, first, largest, offsetSize: Math.ceil(bits / 8), root, rows };
  const lengthSize = Math.min(
    Math.ceil(Math.log2(largest) / 8),
    Math.floor(Math.log2(Math.max(1, mostManaged)) / 8) + 1,
  );
  return {
    async get(id) {
      const kind = id.u8();
      if (kind >> 6 !== 0) throw unsupported("a later version of HDF5 heaps");
      switch ((kind >> 4) & 3) {
        case 0: {
          const [offset, length] = [id.wide(shape.offsetSize), id.wide(lengthSize)];
          return pages.cursor(await placeOf(pages, shape, offset, length), length);
        }
        case 1:
          return largeObject(pages, large, id);
        case 2:
          return id.part((kind & 15) + 1);
        default:
          throw damaged("an object of a heap that is of no kind");
      }
    },
  };
}

/** An object too large for a block: its place and length stand in a tree under a number. */
async function largeObject(pages: Pages, tree: number, id: Cursor): Promise<Cursor> {
  const number = id.wide(Math.min(8, id.left));
  for (const record of await treeRecords(pages, tree, 1)) {
    const [address, length, own] = [record.u64(), record.u64(), record.u64()];
    if (own !== number) continue;
    pages.spend(length);
    return pages.cursor(address, length);
  }
  throw damaged("an object of a heap is not where the file says");
}

/** Where in the file an offset of the heap is. */
async function placeOf(pages: Pages, shape: Shape, offset: number, length: number): Promise<number> {
  const { width, first, largest, offsetSize } = shape;
  let [block, rows, within] = [shape.root, shape.rows, offset];
  let size = first;
  if (block === UNDEFINED) throw damaged("a heap without blocks");
  // Offsets count from the beginning of a block, its head included; a block in a block is smaller, so this comes to an end.
  while (rows > 0) {
    // The first two rows are of one size, every later one is twice the row before it.
    const row = within < width * first ? 0 : 1 + Math.floor(Math.log2(within / (width * first)));
    if (row >= rows) throw damaged("an object lies outside its heap");
    size = row === 0 ? first : first * 2 ** (row - 1);
    within -= row === 0 ? 0 : width * size;
    const entry = row * width + Math.floor(within / size);
    within %= size;
    await pages.expect(block, "FHIB");
    block = (await pages.cursor(block + 5 + 8 + offsetSize + 8 * entry, 8)).u64();
    if (block === UNDEFINED) throw damaged("an object lies in a block that is not there");
    rows = size > largest ? Math.log2(size / (first * width)) + 1 : 0;
  }
  if (within + length > size) throw damaged("an object lies outside its heap");
  await pages.expect(block, "FHDB");
  return block + within;
}
