import { formatShape } from "../../shared/shapes.ts";
import { swapBytes } from "../element-bytes.ts";
import { Cursor, damaged, type Pages, UNDEFINED, unsupported } from "./bytes.ts";
import { chunksOfTree, indexedChunks } from "./chunk-index.ts";
import { type Chunked, expectLength, readChunks } from "./chunks.ts";
import { readFilters } from "./filters.ts";
import { MESSAGE, type Message } from "./header.ts";
import { countOf, type Datatype, type Extent } from "./types.ts";

/** The bytes of a dataset's elements, row-major and little-endian. */
export async function readData(
  pages: Pages,
  messages: readonly Message[],
  type: Datatype,
  extent: Extent,
): Promise<Uint8Array> {
  const { shape } = extent;
  if (messages.some((message) => message.type === MESSAGE.externalFiles))
    throw unsupported("the numbers of a dataset lie in another file; such datasets are not read");
  const layout = messages.find((message) => message.type === MESSAGE.layout);
  if (!layout) throw damaged("a dataset without a layout");
  const length = countOf(shape) * type.size;
  pages.spend(length);
  const at = new Cursor(layout.data);
  const version = at.u8();
  if (version < 3) return readOldLayout(pages, messages, at, type, extent, length);
  if (version > MOST_VERSION) throw unsupported(`version ${version} of an HDF5 layout`);
  const kind = at.u8();
  if (kind === 0) return expectLength(at.take(at.u16()), length);
  if (kind === 1) {
    const [address, size] = [at.u64(), at.u64()];
    return readContiguous(pages, address, size, length);
  }
  if (kind !== 2) throw unsupported("a dataset that is put together from others");
  if (length === 0) return new Uint8Array();
  if (version === 3) {
    const axes = at.u8();
    const tree = at.u64();
    const chunked = chunkedAs(
      Array.from({ length: axes }, () => at.u32()),
      messages,
      type,
      extent,
    );
    return readChunks(pages, chunked, await chunksOfTree(pages, tree, chunked));
  }
  const flags = at.u8();
  const [axes, bytes] = [at.u8(), at.u8()];
  const sizes = Array.from({ length: axes }, () => at.wide(bytes));
  const chunked = { ...chunkedAs(sizes, messages, type, extent), plainEdges: (flags & 1) !== 0 };
  return readChunks(pages, chunked, await indexedChunks(pages, at, chunked, flags));
}

/**
 * Of the layout message. From version 4 on (HDF5 1.10) chunks are found in other ways than a tree of version 1; version 5 (HDF5 2.0) keeps
 * the size of a packed chunk in 8 bytes.
 */
const MOST_VERSION = 5;

/** The last axis of a chunk is the size of an element. */
function chunkedAs(sizes: readonly number[], messages: readonly Message[], type: Datatype, extent: Extent): Chunked {
  const own = sizes.slice(0, -1);
  if (own.length !== extent.shape.length || sizes.at(-1) !== type.size || own.some((n) => n < 1))
    throw damaged(`chunks of shape ${formatShape(sizes)} for data of shape ${formatShape(extent.shape)}`);
  const bytes = countOf(own) * type.size;
  return { ...extent, sizes: own, width: type.size, bytes, filters: readFilters(messages), plainEdges: false };
}

async function readOldLayout(
  pages: Pages,
  messages: readonly Message[],
  at: Cursor,
  type: Datatype,
  extent: Extent,
  length: number,
): Promise<Uint8Array> {
  const [axes, kind] = [at.u8(), at.u8()];
  at.skip(5);
  const address = kind === 0 ? 0 : at.u64();
  const sizes = Array.from({ length: axes }, () => at.u32());
  if (kind === 0) return expectLength(at.take(at.u32()), length);
  if (kind === 1) return readContiguous(pages, address, length, length);
  if (length === 0) return new Uint8Array();
  const chunked = chunkedAs(sizes, messages, type, extent);
  return readChunks(pages, chunked, await chunksOfTree(pages, address, chunked));
}

async function readContiguous(pages: Pages, address: number, size: number, length: number): Promise<Uint8Array> {
  if (length === 0) return new Uint8Array();
  if (address === UNDEFINED) throw damaged("a dataset whose numbers were never written");
  if (size < length) throw damaged(`a dataset of ${length} bytes has ${size}`);
  return pages.read(address, length);
}

/** Numbers in little-endian order, whichever the file has. */
export const littleEndian = (type: Datatype, bytes: Uint8Array): Uint8Array =>
  type.kind === "number" && type.bigEndian ? swapBytes(bytes, type.size) : bytes;
