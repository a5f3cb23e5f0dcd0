import type { ElementTypeName } from "../../checkpoint/element-types.ts";
import { SafeTensor } from "../../checkpoint/safe-tensor.ts";
import type { ByteSource } from "../../platform/platform.ts";
import { nearest, UsageError } from "../../shared/errors.ts";
import { Cursor, damaged, Pages, text, UNDEFINED, unsupported } from "./bytes.ts";
import { littleEndian, readData } from "./data.ts";
import { readLinks } from "./group.ts";
import { MESSAGE, type Message, readHeader, readSuperblock } from "./header.ts";
import { openHeap } from "./heap.ts";
import { treeRecords } from "./tree.ts";
import { countOf, type Datatype, type Extent, readDataspace, readDatatype } from "./types.ts";

/** Objects in one file; a good file of Keras has thousands at most. */
const MOST_OBJECTS = 100_000;

/**
 * Opens an HDF5 file as h5py writes it: groups, numbers and strings, in one piece or in chunks. Everything is read on request and
 * bounded: links to other files, cycles, structures without end and data that would unpack to much more than the file are refused.
 *
 * @see HDF5 File Format Specification, version 3.0
 * @throws FailureError "damaged-hdf5"; UsageError "unsupported-hdf5"
 */
export async function openHdf5(source: ByteSource): Promise<Hdf5Group> {
  const pages = new Pages(source);
  const file: Opened = { pages, seen: new Set() };
  const root = await openObject(file, await readSuperblock(pages), "");
  if (!(root instanceof Hdf5Group)) throw damaged("its root is not a group");
  return root;
}

interface Opened {
  readonly pages: Pages;
  /** Addresses of objects that were opened: an object that is reached twice may hold itself. */
  readonly seen: Set<number>;
}

async function openObject(file: Opened, address: number, path: string): Promise<Hdf5Group | Hdf5Dataset> {
  if (file.seen.has(address)) throw unsupported(`the object ${JSON.stringify(path)} is reached by two links`);
  if (file.seen.size >= MOST_OBJECTS) throw damaged(`it holds more than ${MOST_OBJECTS} objects`);
  file.seen.add(address);
  const messages = await readHeader(file.pages, address);
  const links = await readLinks(file.pages, messages);
  return links ? new Hdf5Group(file, messages, path, links) : new Hdf5Dataset(file, messages, path);
}

/** An attribute: strings or numbers. */
export type Hdf5Value = { readonly shape: readonly number[] } & (
  | { readonly kind: "strings"; readonly values: readonly string[] }
  | { readonly kind: "numbers"; readonly values: Float64Array }
);

abstract class Hdf5Object {
  /** Without a slash before it; "" for the root. */
  readonly path: string;
  protected readonly file: Opened;
  protected readonly messages: readonly Message[];
  private many: readonly Kept[] | undefined;

  constructor(file: Opened, messages: readonly Message[], path: string) {
    this.file = file;
    this.messages = messages;
    this.path = path;
  }

  private async attributes(): Promise<readonly Kept[]> {
    const info = this.messages.find(({ type }) => type === MESSAGE.attributeInfo);
    const header = this.messages.filter(({ type }) => type === MESSAGE.attribute);
    if (!info) return header;
    this.many ??= await manyAttributes(this.file.pages, new Cursor(info.data));
    return [...header, ...this.many];
  }

  /** An attribute by name, or undefined if there is none. */
  async attribute(name: string): Promise<Hdf5Value | undefined> {
    for (const { shared, data } of await this.attributes()) {
      if (shared) throw unsupported("an attribute that is kept apart from its object");
      const attribute = readAttribute(data);
      if (attribute.name !== name) continue;
      if (attribute.shared) throw unsupported(`the attribute ${JSON.stringify(name)} has a type of its own name`);
      const type = readDatatype(attribute.datatype);
      const { shape } = readDataspace(attribute.dataspace);
      return decode(this.file.pages, type, shape, attribute.value, `attribute ${JSON.stringify(name)}`);
    }
    return undefined;
  }

  /** An attribute that is one string. */
  async textAttribute(name: string): Promise<string | undefined> {
    const value = await this.attribute(name);
    if (!value) return undefined;
    if (value.kind !== "strings" || value.values.length !== 1)
      throw damaged(`the attribute ${JSON.stringify(name)} of ${JSON.stringify(this.path)} is not one string`);
    return value.values[0]!;
  }
}

export class Hdf5Group extends Hdf5Object {
  private readonly links: ReadonlyMap<string, number>;
  private readonly opened = new Map<string, Hdf5Group | Hdf5Dataset>();

  constructor(file: Opened, messages: readonly Message[], path: string, links: ReadonlyMap<string, number>) {
    super(file, messages, path);
    this.links = links;
  }

  /** Names of what the group holds. */
  get names(): readonly string[] {
    return [...this.links.keys()];
  }

  has(name: string): boolean {
    return this.links.has(name);
  }

  /** An object of the group by its name, or by a path of names. */
  async get(path: string): Promise<Hdf5Group | Hdf5Dataset> {
    let object: Hdf5Group | Hdf5Dataset = this;
    for (const name of path.split("/").filter(Boolean)) {
      if (!(object instanceof Hdf5Group)) throw damaged(`${JSON.stringify(object.path)} is no group`);
      object = await object.child(name);
    }
    return object;
  }

  private async child(name: string): Promise<Hdf5Group | Hdf5Dataset> {
    const known = this.opened.get(name);
    if (known) return known;
    const address = this.links.get(name);
    if (address === undefined) {
      const near = nearest(name, this.names);
      throw new UsageError(
        "no-such-entry",
        `the group ${JSON.stringify(this.path)} of the HDF5 file holds no ${JSON.stringify(name)}${near ? `; did you mean ${JSON.stringify(near)}?` : ""}`,
      );
    }
    const object = await openObject(this.file, address, this.path === "" ? name : `${this.path}/${name}`);
    this.opened.set(name, object);
    return object;
  }
}

export class Hdf5Dataset extends Hdf5Object {
  get shape(): readonly number[] {
    return this.extent.shape;
  }

  private get extent(): Extent {
    return readDataspace(this.message(MESSAGE.dataspace, "a shape"));
  }

  private get type(): Datatype {
    return readDatatype(this.message(MESSAGE.datatype, "a type"));
  }

  /** The numbers of the dataset. */
  async read(): Promise<SafeTensor> {
    const { type, extent } = this;
    const dtype = "bigEndian" in type ? DTYPES[`${type.kind}${type.size}`] : undefined;
    if (!dtype) throw unsupported(`the dataset ${JSON.stringify(this.path)} holds ${describeType(type)}, not numbers`);
    const bytes = await readData(this.file.pages, this.messages, type, extent);
    return new SafeTensor(dtype, extent.shape, littleEndian(type, bytes));
  }

  private message(type: number, what: string): Uint8Array {
    const message = this.messages.find((one) => one.type === type);
    if (!message) throw damaged(`${JSON.stringify(this.path)} has no ${what}; it is neither group nor dataset`);
    if (message.shared) throw unsupported(`${JSON.stringify(this.path)} shares ${what} with other objects`);
    return message.data;
  }
}

const DTYPES: Readonly<Partial<Record<string, ElementTypeName>>> = {
  ...{ float2: "F16", float4: "F32", float8: "F64", int1: "I8", int2: "I16", int4: "I32", int8: "I64" },
  ...{ uint1: "U8", uint2: "U16", uint4: "U32", uint8: "U64" },
};

const describeType = (type: Datatype): string => (type.kind === "other" ? type.what : `${type.kind}s`);

type Kept = Pick<Message, "shared" | "data">;

/** Attributes of an object that has too many for its header: they lie in a heap, a tree of their names' hashes leads to them. */
async function manyAttributes(pages: Pages, at: Cursor): Promise<Kept[]> {
  at.skip(1);
  if (at.u8() & 1) at.skip(2);
  const [address, tree] = [at.u64(), at.u64()];
  if (address === UNDEFINED) return [];
  const heap = await openHeap(pages, address);
  const attributes: Kept[] = [];
  for (const record of await treeRecords(pages, tree, 8)) {
    const id = record.part(8);
    const shared = (record.u8() & 2) !== 0;
    attributes.push({ shared, data: shared ? new Uint8Array() : (await heap.get(id)).bytes });
  }
  return attributes;
}

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
  const dtype = "bigEndian" in type ? DTYPES[`${type.kind}${type.size}`] : undefined;
  if (!dtype) throw unsupported(`${what} holds ${describeType(type)}`);
  const own = littleEndian(type, bytes.subarray(0, count * type.size));
  return { kind: "numbers", shape, values: new SafeTensor(dtype, shape, own).toFloat64() };
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
