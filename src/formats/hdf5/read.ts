import { SafeTensor } from "../../checkpoint/safe-tensor.ts";
import type { ByteSource } from "../../platform/platform.ts";
import { nearest, UsageError } from "../../shared/errors.ts";
import { findAttribute, type Hdf5Value, type StoredAttribute, storedAttributes } from "./attributes.ts";
import { damaged, Pages, unsupported } from "./bytes.ts";
import { littleEndian, readData } from "./data.ts";
import { readLinks } from "./group.ts";
import { MESSAGE, type Message, readHeader, readSuperblock } from "./header.ts";
import { type Datatype, describeType, type Extent, readDataspace, readDatatype } from "./types.ts";

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

abstract class Hdf5Object {
  /** Without a slash before it; "" for the root. */
  readonly path: string;
  protected readonly file: Opened;
  protected readonly messages: readonly Message[];
  private attributes: Promise<readonly StoredAttribute[]> | undefined;

  constructor(file: Opened, messages: readonly Message[], path: string) {
    this.file = file;
    this.messages = messages;
    this.path = path;
  }

  /** An attribute by name, or undefined if there is none. */
  async attribute(name: string): Promise<Hdf5Value | undefined> {
    this.attributes ??= storedAttributes(this.file.pages, this.messages);
    return findAttribute(this.file.pages, await this.attributes, name);
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
    if (type.kind !== "number")
      throw unsupported(`the dataset ${JSON.stringify(this.path)} holds ${describeType(type)}, not numbers`);
    const bytes = await readData(this.file.pages, this.messages, type, extent);
    return new SafeTensor(type.dtype, extent.shape, littleEndian(type, bytes));
  }

  private message(type: number, what: string): Uint8Array {
    const message = this.messages.find((one) => one.type === type);
    if (!message) throw damaged(`${JSON.stringify(this.path)} has no ${what}; it is neither group nor dataset`);
    if (message.shared) throw unsupported(`${JSON.stringify(this.path)} shares ${what} with other objects`);
    return message.data;
  }
}
