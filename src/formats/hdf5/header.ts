import { Cursor, damaged, type Pages, UNDEFINED, unsupported } from "./bytes.ts";

/** One message of an object's header: what the object is, part by part. */
export interface Message {
  readonly type: number;
  /** Whether the data is only a reference to where it lies. */
  readonly shared: boolean;
  readonly data: Uint8Array;
}

/** Numbers of the messages that are read or written. */
export const MESSAGE = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  fill: 0x05,
  link: 0x06,
  externalFiles: 0x07,
  layout: 0x08,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
} as const;

/** How every file begins. */
export const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
const MOST_MESSAGES = 20_000;

export const isHdf5 = (start: Uint8Array): boolean => SIGNATURE.every((byte, k) => start[k] === byte);

/** Reads the superblock and returns the address of the root group. */
export async function readSuperblock(pages: Pages): Promise<number> {
  const at = await pages.upTo(0, 128);
  if (!isHdf5(at.take(Math.min(8, at.left)))) throw damaged("it does not begin as one");
  const version = at.u8();
  if (version > 3) throw unsupported(`version ${version} of the HDF5 superblock`);
  if (version < 2) at.skip(4);
  const [offsets, lengths] = [at.u8(), at.u8()];
  if (offsets !== 8 || lengths !== 8) throw unsupported(`an HDF5 file with addresses of ${offsets} bytes`);
  at.skip(version < 2 ? 9 : 1);
  if (version === 1) at.skip(4);
  const base = at.u64();
  at.skip(8);
  const end = at.u64();
  if (base !== 0) throw unsupported("an HDF5 file behind other data");
  if (end > pages.size) throw damaged(`it says that it ends at ${end}, it has ${pages.size} bytes`);
  if (version >= 2) return at.u64();
  at.skip(16);
  return at.u64();
}

/** All messages of the object whose header lies at an address. */
export async function readHeader(pages: Pages, address: number): Promise<readonly Message[]> {
  if (address === UNDEFINED) throw damaged("an object has no header");
  const head = await pages.upTo(address, 64);
  return head.left >= 4 && head.bytes[0] === 0x4f ? readHeader2(pages, address) : readHeader1(pages, address);
}

async function readHeader1(pages: Pages, address: number): Promise<Message[]> {
  const head = await pages.cursor(address, 16);
  if (head.u8() !== 1) throw damaged(`there is no object at ${address}`);
  head.skip(7);
  const blocks = [{ offset: address + 16, length: head.u32() }];
  return readBlocks(pages, blocks, (at) => {
    const [type, size, flags] = [at.u16(), at.u16(), at.u8()];
    at.skip(3);
    return { type, flags, data: at.take(size) };
  });
}

async function readHeader2(pages: Pages, address: number): Promise<Message[]> {
  const head = await pages.upTo(address, 64);
  head.expect("OHDR");
  if (head.u8() !== 2) throw unsupported("a later version of HDF5 object headers");
  const flags = head.u8();
  if (flags & 0x20) head.skip(16);
  if (flags & 0x10) head.skip(4);
  const length = head.sized(1 << (flags & 3));
  const blocks = [{ offset: address + head.at, length }];
  const ordered = (flags & 4) !== 0;
  return readBlocks(
    pages,
    blocks,
    (at) => {
      const [type, size, bits] = [at.u8(), at.u16(), at.u8()];
      if (ordered) at.skip(2);
      return { type, flags: bits, data: at.take(size) };
    },
    { signed: true, head: ordered ? 6 : 4 },
  );
}

/** Reads messages of a block and of those that continue it. Later blocks of version 2 have a signature and a checksum. */
async function readBlocks(
  pages: Pages,
  blocks: { offset: number; length: number }[],
  next: (at: Cursor) => { type: number; flags: number; data: Uint8Array },
  { signed = false, head = 8 }: { signed?: boolean; head?: number } = {},
): Promise<Message[]> {
  const messages: Message[] = [];
  const seen = new Set<number>();
  for (let k = 0; k < blocks.length; k++) {
    const { offset, length } = blocks[k]!;
    if (seen.has(offset)) throw damaged("a header continues in itself");
    seen.add(offset);
    const at = await pages.cursor(offset, length);
    const later = signed && k > 0;
    if (later) at.expect("OCHK");
    const end = later ? length - 4 : length;
    while (end - at.at >= head) {
      const { type, flags, data } = next(at);
      if (messages.length >= MOST_MESSAGES) throw damaged(`a header of more than ${MOST_MESSAGES} messages`);
      if (type === MESSAGE.continuation) {
        const place = new Cursor(data);
        blocks.push({ offset: place.u64(), length: place.u64() });
      } else messages.push({ type, shared: (flags & 2) !== 0, data });
    }
  }
  return messages;
}
