import { LongshortError } from "../../shared/errors.ts";
import { inflate } from "../inflate.ts";
import { swapBytes } from "../typed-array.ts";
import { Cursor, damaged, type Pages, UNDEFINED, unsupported } from "./bytes.ts";
import { treeLeaves } from "./group.ts";
import { MESSAGE, type Message } from "./header.ts";
import { countOf, type Datatype } from "./types.ts";

/** The bytes of a dataset's elements, row-major and little-endian. */
export async function readData(
  pages: Pages,
  messages: readonly Message[],
  type: Datatype,
  shape: readonly number[],
): Promise<Uint8Array> {
  if (messages.some((message) => message.type === MESSAGE.externalFiles))
    throw unsupported("the numbers of a dataset lie in another file; such datasets are not read");
  const layout = messages.find((message) => message.type === MESSAGE.layout);
  if (!layout) throw damaged("a dataset without a layout");
  const length = countOf(shape) * type.size;
  pages.spend(length);
  const at = new Cursor(layout.data);
  const version = at.u8();
  if (version < 3) return readOldLayout(pages, messages, at, type, shape, length);
  if (version > 4) throw unsupported(`version ${version} of an HDF5 layout`);
  const kind = at.u8();
  if (kind === 0) return expectLength(at.take(at.u16()), length);
  if (kind === 1) {
    const [address, size] = [at.u64(), at.u64()];
    return readContiguous(pages, address, size, length);
  }
  if (kind === 2 && version === 3) {
    const axes = at.u8();
    const tree = at.u64();
    const chunk = Array.from({ length: axes }, () => at.u32());
    return readChunks(pages, messages, { tree, chunk }, type, shape, length);
  }
  throw unsupported("a dataset in chunks by the format of libver='latest'; write the file again without that option");
}

async function readOldLayout(
  pages: Pages,
  messages: readonly Message[],
  at: Cursor,
  type: Datatype,
  shape: readonly number[],
  length: number,
): Promise<Uint8Array> {
  const [axes, kind] = [at.u8(), at.u8()];
  at.skip(5);
  const address = kind === 0 ? 0 : at.u64();
  const sizes = Array.from({ length: axes }, () => at.u32());
  if (kind === 0) return expectLength(at.take(at.u32()), length);
  if (kind === 1) return readContiguous(pages, address, length, length);
  return readChunks(pages, messages, { tree: address, chunk: sizes }, type, shape, length);
}

function expectLength(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length < length) throw damaged(`a dataset of ${length} bytes has ${bytes.length}`);
  return bytes.subarray(0, length);
}

async function readContiguous(pages: Pages, address: number, size: number, length: number): Promise<Uint8Array> {
  if (length === 0) return new Uint8Array();
  if (address === UNDEFINED) throw damaged("a dataset whose numbers were never written");
  if (size < length) throw damaged(`a dataset of ${length} bytes has ${size}`);
  return pages.read(address, length);
}

/** A dataset in chunks, each packed on its own. */
async function readChunks(
  pages: Pages,
  messages: readonly Message[],
  { tree, chunk }: { readonly tree: number; readonly chunk: readonly number[] },
  type: Datatype,
  shape: readonly number[],
  length: number,
): Promise<Uint8Array> {
  // The last axis of a chunk is the size of an element.
  const sizes = chunk.slice(0, -1);
  if (sizes.length !== shape.length || chunk.at(-1) !== type.size || sizes.some((n) => n < 1))
    throw damaged(`chunks of shape [${chunk.join(", ")}] for data of shape [${shape.join(", ")}]`);
  const filters = readFilters(messages);
  const chunkBytes = countOf(sizes) * type.size;
  const leaves = await treeLeaves(pages, tree, 1, 8 + 8 * chunk.length);
  pages.spend(chunkBytes * leaves.length);
  const out = new Uint8Array(length);
  let filled = 0;
  for (const { key, address } of leaves) {
    const at = new Cursor(key);
    const [packed, skipped] = [at.u32(), at.u32()];
    const offset = sizes.map(() => at.u64());
    if (offset.some((o, axis) => o % sizes[axis]! !== 0 || o >= shape[axis]!))
      throw damaged("a chunk lies outside its dataset");
    let bytes = await pages.read(address, packed);
    for (let k = filters.length - 1; k >= 0; k--)
      if ((skipped & (1 << k)) === 0) bytes = filters[k]!(bytes, chunkBytes, type.size);
    filled += placeChunk(out, shape, expectLength(bytes, chunkBytes), sizes, offset, type.size);
  }
  if (filled !== length) throw damaged("some of a dataset's numbers were never written, or were written twice");
  return out;
}

/** Copies what of a chunk lies inside the dataset, row by row, and says how many bytes that were. */
function placeChunk(
  out: Uint8Array,
  shape: readonly number[],
  chunk: Uint8Array,
  sizes: readonly number[],
  offset: readonly number[],
  width: number,
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

/** Undoes what was done to the bytes of a chunk. */
type Filter = (bytes: Uint8Array, size: number, width: number) => Uint8Array;

function readFilters(messages: readonly Message[]): Filter[] {
  const message = messages.find(({ type }) => type === MESSAGE.filters);
  if (!message) return [];
  const at = new Cursor(message.data);
  const [version, count] = [at.u8(), at.u8()];
  if (version === 1) at.skip(6);
  return Array.from({ length: count }, () => {
    const id = at.u16();
    const name = version === 1 || id >= 256 ? at.u16() : 0;
    at.skip(2);
    const values = at.u16();
    at.skip(version === 1 ? Math.ceil(name / 8) * 8 : name);
    at.skip(4 * values + (version === 1 && values % 2 === 1 ? 4 : 0));
    const filter = filters.get(id);
    if (!filter)
      throw unsupported(`a dataset packed by filter ${id}; unpacked and gzip, shuffle and fletcher32 are read`);
    return filter;
  });
}

const filters: ReadonlyMap<number, Filter> = new Map<number, Filter>([
  [1, (bytes, size) => inflateZlib(bytes, size)],
  [2, (bytes, _, width) => unshuffle(bytes, width)],
  [3, (bytes) => bytes.subarray(0, Math.max(0, bytes.length - 4))],
]);

function inflateZlib(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.length < 6 || (bytes[0]! & 15) !== 8 || (bytes[1]! & 32) !== 0)
    throw damaged("a chunk is not packed by gzip");
  try {
    return inflate(bytes.subarray(2), size).bytes;
  } catch (cause) {
    if (!(cause instanceof LongshortError)) throw cause;
    throw damaged(`a chunk does not unpack: ${cause.message}`);
  }
}

/** First the first bytes of all elements, then the second, …, to elements one after the other. */
function unshuffle(bytes: Uint8Array, width: number): Uint8Array {
  const count = Math.floor(bytes.length / width);
  const out = bytes.slice();
  for (let b = 0; b < width; b++) for (let k = 0; k < count; k++) out[k * width + b] = bytes[b * count + k]!;
  return out;
}

/** Numbers as this machine's byte order has them in files. */
export const littleEndian = (type: Datatype, bytes: Uint8Array): Uint8Array =>
  "bigEndian" in type && type.bigEndian && type.size > 1 ? swapBytes(bytes, type.size) : bytes;
