import { SafeTensor } from "../../checkpoint/safe-tensor.ts";
import { Cursor, damaged, type Pages, text, unsupported } from "./bytes.ts";
import { littleEndian } from "./data.ts";
import { MESSAGE, type Message } from "./header.ts";
import { entriesInHeap } from "./heap.ts";
import { countOf, type Datatype, readDataspace, readDatatype } from "./types.ts";

/** An attribute: strings or numbers. */
export type Hdf5Value = { readonly shape: readonly number[] } & (
  | { readonly kind: "strings"; readonly values: readonly string[] }
  | { readonly kind: "numbers"; readonly values: Float64Array }
);

/** An attribute as it lies in the file; one that is shared lies elsewhere. */
export type StoredAttribute = Pick<Message, "shared" | "data">;

/** The attributes of an object: in its header, or, where they are too many for it, in a heap. */
export async function storedAttributes(pages: Pages, messages: readonly Message[]): Promise<StoredAttribute[]> {
  const info = messages.find(({ type }) => type === MESSAGE.attributeInfo);
  const header = messages.filter(({ type }) => type === MESSAGE.attribute);
  return info ? [...header, ...(await manyAttributes(pages, new Cursor(info.data)))] : header;
}

/** The value of the attribute of this name, or undefined if there is none. */
export async function findAttribute(
  pages: Pages,
  attributes: readonly StoredAttribute[],
  name: string,
): Promise<Hdf5Value | undefined> {
  for (const { shared, data } of attributes) {
    if (shared) throw unsupported("an attribute that is kept apart from its object");
    const attribute = readAttribute(data);
    if (attribute.name !== name) continue;
    if (attribute.shared) throw unsupported(`the attribute ${JSON.stringify(name)} has a type of its own name`);
    const type = readDatatype(attribute.datatype);
    const { shape } = readDataspace(attribute.dataspace);
    return decode(pages, type, shape, attribute.value, `attribute ${JSON.stringify(name)}`);
  }
  return undefined;
}

/** Those in a heap, to which a tree of their names' hashes leads. */
const manyAttributes = (pages: Pages, at: Cursor): Promise<StoredAttribute[]> =>
  entriesInHeap(pages, at, { type: 8, orderBytes: 2 }, async (record, heap) => {
    const id = record.part(8);
    const shared = (record.u8() & 2) !== 0;
    return { shared, data: shared ? new Uint8Array() : (await heap.get(id)).bytes };
  });

interface AttributeParts {
  readonly name: string;
  readonly shared: boolean;
  readonly datatype: Uint8Array;
  readonly dataspace: Uint8Array;
  readonly value: Uint8Array;
}

function readAttribute(data: Uint8Array): AttributeParts {
  const at = new Cursor(data);
  const [version, flags] = [at.u8(), at.u8()];
  if (version < 1 || version > 3) throw unsupported(`version ${version} of an HDF5 attribute`);
  const [name, datatype, dataspace] = [at.u16(), at.u16(), at.u16()];
  if (version === 3) at.skip(1);
  const part = (length: number): Uint8Array => {
    const bytes = at.take(length);
    if (version === 1) at.align();
    return bytes;
  };
  return {
    name: text(part(name)),
    shared: version > 1 && (flags & 3) !== 0,
    datatype: part(datatype),
    dataspace: part(dataspace),
    value: at.take(at.left),
  };
}

async function decode(
  pages: Pages,
  type: Datatype,
  shape: readonly number[],
  bytes: Uint8Array,
  what: string,
): Promise<Hdf5Value> {
  const count = countOf(shape);
  pages.spend(count * type.size);
  if (count * type.size > bytes.length) throw damaged(`${what} is longer than its bytes`);
  const element = (k: number): Uint8Array => bytes.subarray(k * type.size, (k + 1) * type.size);
  if (type.kind === "string")
    return { kind: "strings", shape, values: Array.from({ length: count }, (_, k) => text(element(k)).trimEnd()) };
  if (type.kind === "text") {
    const values: string[] = [];
    for (let k = 0; k < count; k++) values.push(await heapText(pages, new Cursor(element(k))));
    return { kind: "strings", shape, values };
  }
  if (type.kind === "other") throw unsupported(`${what} holds ${type.what}`);
  const own = littleEndian(type, bytes.subarray(0, count * type.size));
  return { kind: "numbers", shape, values: new SafeTensor(type.dtype, shape, own).toFloat64() };
}

/** A string of any length: its length, the address of a heap, and its number there. */
async function heapText(pages: Pages, at: Cursor): Promise<string> {
  const [length, address, index] = [at.u32(), at.u64(), at.u32()];
  if (length === 0) return "";
  const head = await pages.cursor(address, 16);
  head.expect("GCOL");
  head.skip(4);
  const size = head.u64();
  pages.spend(length);
  const heap = await pages.cursor(address, size);
  heap.skip(16);
  while (heap.left >= 16) {
    const number = heap.u16();
    heap.skip(6);
    const bytes = heap.u64();
    if (number === 0) break;
    const value = heap.take(bytes);
    heap.skip(Math.min(heap.left, (8 - (bytes % 8)) % 8));
    if (number === index) return text(value.subarray(0, length));
  }
  throw damaged("a string is not where the file says");
}
