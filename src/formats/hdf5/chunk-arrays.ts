import { type Cursor, damaged, isPower, type Pages, UNDEFINED, unsupported } from "./bytes.ts";

/** Where a chunk lies by its number; without `packed` it has the size of all. */
export type Entries = (
  number: number,
) => Promise<{ readonly address: number; readonly packed?: number; readonly skipped?: number }>;

/** Signature, version, client and the address of the header before everything else in a block. */
const BLOCK_HEAD = 14;
const CHECKSUM = 4;
const NONE = { address: UNDEFINED };

/** An entry of either array: an address, and of packed chunks their size and which filters were left out. */
function entryOf(at: Cursor, packed: boolean): Awaited<ReturnType<Entries>> {
  const address = at.u64();
  return packed ? { address, packed: at.wide(at.left - 4), skipped: at.u32() } : { address };
}

interface ArrayHead {
  readonly packed: boolean;
  /** Bytes of an entry. */
  readonly size: number;
}

function readHead(at: Cursor, signature: string): ArrayHead {
  at.expect(signature);
  at.skip(1);
  const [client, size] = [at.u8(), at.u8()];
  if (client > 1 || size < (client === 1 ? 13 : 8) || size > 20) throw damaged("an index of chunks of no known kind");
  return { packed: client === 1, size };
}

/** Whether bit `k` is set, the highest of a byte first. */
const bit = (bytes: Uint8Array, k: number): boolean => (bytes[k >> 3]! & (0x80 >> (k & 7))) !== 0;

/** Entries of a dataset whose size is limited. Where there are many they lie in pages, each with a checksum behind it. */
export async function fixedArray(pages: Pages, address: number): Promise<Entries> {
  if (address === UNDEFINED) return async () => NONE;
  const at = await pages.cursor(address, 28);
  const { packed, size } = readHead(at, "FAHD");
  const pageBits = at.u8();
  const [count, block] = [at.u64(), at.u64()];
  if (pageBits > 32) throw damaged("an index of chunks of impossible measures");
  if (block === UNDEFINED) return async () => NONE;
  await pages.expect(block, "FADB");
  const perPage = 2 ** pageBits;
  const pageCount = count > perPage ? Math.ceil(count / perPage) : 0;
  const bitmap = await pages.read(block + BLOCK_HEAD, Math.ceil(pageCount / 8));
  const start = block + BLOCK_HEAD + bitmap.length;
  return async (number) => {
    if (number >= count) throw damaged("a chunk that its index has no room for");
    const page = Math.floor(number / perPage);
    if (pageCount > 0 && !bit(bitmap, page)) return NONE;
    // The checksum of the block itself is before its pages, or behind all entries.
    const checksums = pageCount > 0 ? CHECKSUM * (page + 1) : 0;
    return entryOf(await pages.cursor(start + number * size + checksums, size), packed);
  };
}

/**
 * Entries of a dataset that grows along one axis: the first in an index block, later ones in blocks of data. The blocks of a generation
 * are twice as many as, or twice as long as, those of the one before, in turn; addresses of the first generations stand in the index block,
 * those of a later one in a block of its own. (Blocks become so long that they have pages from 131,000 chunks on.)
 */
export async function extensibleArray(pages: Pages, address: number): Promise<Entries> {
  if (address === UNDEFINED) return async () => NONE;
  const at = await pages.cursor(address, 72);
  const { packed, size } = readHead(at, "EAHD");
  const [bits, inIndex, least, leastPointers, pageBits] = [at.u8(), at.u8(), at.u8(), at.u8(), at.u8()];
  at.skip(48);
  const index = at.u64();
  if (bits > 64 || pageBits > 32 || !isPower(least) || !isPower(leastPointers))
    throw damaged("an index of chunks of impossible measures");
  if (index === UNDEFINED) return async () => NONE;
  await pages.expect(index, "EAIB");
  const offsetSize = Math.ceil(bits / 8);
  const direct = 2 * Math.log2(leastPointers);
  const inBlock = index + BLOCK_HEAD;
  const pointers = inBlock + inIndex * size;
  const later = pointers + 8 * 2 * (leastPointers - 1);
  const addressAt = async (offset: number): Promise<number> => (await pages.cursor(offset, 8)).u64();
  return async (number) => {
    if (number < inIndex) return entryOf(await pages.cursor(inBlock + number * size, size), packed);
    const behind = number - inIndex;
    const generation = Math.floor(Math.log2(Math.floor(behind / least) + 1));
    if (generation > bits - Math.log2(least)) throw damaged("a chunk that its index has no room for");
    const length = 2 ** Math.ceil(generation / 2) * least;
    const within = behind - (2 ** generation - 1) * least;
    const [own, k] = [Math.floor(within / length), within % length];
    if (length > 2 ** pageBits) throw unsupported("a dataset of so many chunks that their index has pages");
    let pointer: number;
    if (generation < direct) pointer = pointers + 8 * (generationsBefore(generation) + own);
    else {
      const group = await addressAt(later + 8 * (generation - direct));
      if (group === UNDEFINED) return NONE;
      await pages.expect(group, "EASB");
      pointer = group + BLOCK_HEAD + offsetSize + 8 * own;
    }
    const block = await addressAt(pointer);
    if (block === UNDEFINED) return NONE;
    await pages.expect(block, "EADB");
    return entryOf(await pages.cursor(block + BLOCK_HEAD + offsetSize + k * size, size), packed);
  };
}

/** Blocks of data of the generations before one: 1, 1, 2, 2, 4, 4, … */
const generationsBefore = (generation: number): number =>
  2 ** Math.ceil(generation / 2) + 2 ** Math.floor(generation / 2) - 2;
