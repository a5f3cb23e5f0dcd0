import { concatBytes } from "../../shared/concat-bytes.ts";
import { UsageError } from "../../shared/errors.ts";
import type { OwnBytes } from "../../shared/own-bytes.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { MESSAGE, SIGNATURE } from "./header.ts";

/** A group to be written: what it holds, and attributes that are strings or lists of strings. Numbers become float32. */
export interface Hdf5Tree {
  readonly attributes?: Readonly<Record<string, string | readonly string[]>>;
  readonly members?: ReadonlyMap<string, Hdf5Tree | NamedTensor>;
}

const isTensor = (member: Hdf5Tree | NamedTensor): member is NamedTensor => "data" in member;

/**
 * Writes an HDF5 file in the form that every version of the library reads (superblock 0): groups as symbol tables, numbers in one piece.
 *
 * @see HDF5 File Format Specification, version 3.0
 * @throws UsageError "too-large" for a list of strings that no attribute can hold
 */
export function writeHdf5(root: Hdf5Tree): OwnBytes {
  const leafK = Math.max(4, Math.ceil(mostMembers(root) / 2));
  const file = new File();
  file.put(new Bytes().zeros(96));
  const header = writeGroup(file, root, leafK);
  const superblock = new Bytes().raw(SIGNATURE);
  superblock.raw([0, 0, 0, 0, 0, 8, 8, 0]).u16(leafK).u16(INTERNAL_K).u32(0);
  superblock.u64(0).undefinedAddress().u64(file.length).undefinedAddress();
  superblock.u64(0).u64(header).u32(0).u32(0).zeros(16);
  return file.finish(superblock);
}

/** Half the number of children of an inner node of a tree; ours have one leaf, so it is as the library has it. */
const INTERNAL_K = 16;

const mostMembers = ({ members }: Hdf5Tree): number => {
  let most = members?.size ?? 0;
  for (const member of members?.values() ?? []) if (!isTensor(member)) most = Math.max(most, mostMembers(member));
  return most;
};

/** Little-endian numbers one after the other. */
class Bytes {
  private readonly parts: Uint8Array[] = [];
  length = 0;

  get bytes(): Uint8Array {
    return concatBytes(this.parts);
  }
  raw(bytes: ArrayLike<number>): this {
    this.parts.push(Uint8Array.from(bytes));
    this.length += bytes.length;
    return this;
  }
  zeros(count: number): this {
    return this.raw(new Uint8Array(count));
  }
  private whole(value: number, width: number): this {
    return this.raw(Array.from({ length: width }, (_, k) => Math.floor(value / 256 ** k) % 256));
  }
  u16(value: number): this {
    return this.whole(value, 2);
  }
  u32(value: number): this {
    return this.whole(value, 4);
  }
  u64(value: number): this {
    return this.whole(value, 8);
  }
  undefinedAddress(): this {
    return this.raw(new Uint8Array(8).fill(255));
  }
  align(): this {
    return this.zeros((8 - (this.length % 8)) % 8);
  }
}

/** The file so far: structures at multiples of 8 bytes. */
class File {
  length = 0;
  private readonly parts: { at: number; bytes: Uint8Array }[] = [];

  /** Adds bytes and returns their address. */
  put(bytes: Uint8Array | Bytes): number {
    const at = this.length;
    this.parts.push({ at, bytes: bytes instanceof Bytes ? bytes.bytes : bytes });
    this.length = Math.ceil((at + bytes.length) / 8) * 8;
    return at;
  }

  finish(superblock: Bytes): OwnBytes {
    const out = new Uint8Array(this.length);
    for (const { at, bytes } of this.parts) out.set(bytes, at);
    out.set(superblock.bytes, 0);
    return out;
  }
}

function writeGroup(file: File, { members = new Map(), attributes = {} }: Hdf5Tree, leafK: number): number {
  const encoder = new TextEncoder();
  const entries = [...members]
    .map(([name, member]) => ({ name: encoder.encode(name), header: writeMember(file, member, leafK) }))
    .sort((a, b) => compareBytes(a.name, b.name));
  const names = new Bytes().zeros(8);
  const symbols = new Bytes().raw(ascii("SNOD")).raw([1, 0]).u16(entries.length);
  let last = 0;
  for (const { name, header } of entries) {
    last = names.length;
    symbols.u64(last).u64(header).u32(0).u32(0).zeros(16);
    names.raw(name).zeros(1).align();
  }
  symbols.zeros(40 * (2 * leafK - entries.length));
  // The heap says where its unused space begins; 1 stands for none.
  const heap = new Bytes().raw(ascii("HEAP")).zeros(4).u64(names.length).u64(1).u64(file.put(names));
  const tree = new Bytes().raw(ascii("TREE")).raw([0, 0]);
  tree
    .u16(entries.length > 0 ? 1 : 0)
    .undefinedAddress()
    .undefinedAddress();
  // Between the keys, names below and up to which a leaf goes, lies the leaf.
  if (entries.length > 0) tree.u64(0).u64(file.put(symbols)).u64(last);
  tree.zeros(24 + 2 * INTERNAL_K * 16 + 8 - tree.length);
  const table = new Bytes().u64(file.put(tree)).u64(file.put(heap));
  return writeHeader(file, [[MESSAGE.symbolTable, table], ...attributeMessages(file, attributes)]);
}

const compareBytes = (a: Uint8Array, b: Uint8Array): number => {
  const at = a.findIndex((byte, k) => byte !== b[k]);
  return at < 0 ? a.length - b.length : a[at]! - (b[at] ?? -1);
};
const ascii = (word: string): Uint8Array => new TextEncoder().encode(word);

function writeMember(file: File, member: Hdf5Tree | NamedTensor, leafK: number): number {
  if (!isTensor(member)) return writeGroup(file, member, leafK);
  const values = Float32Array.from(member.data);
  const bytes = new Uint8Array(values.buffer);
  const layout = new Bytes().raw([3, 1]);
  if (bytes.length > 0) layout.u64(file.put(bytes)).u64(bytes.length);
  else layout.undefinedAddress().u64(0);
  // Space is taken late and nothing is filled in: all numbers are here.
  const fill = new Bytes().raw([2, 2, 2, 0]);
  return writeHeader(file, [
    [MESSAGE.dataspace, dataspace(member.shape)],
    [MESSAGE.datatype, float32Type()],
    [MESSAGE.fill, fill],
    [MESSAGE.layout, layout.align()],
  ]);
}

function dataspace(shape: readonly number[]): Bytes {
  const bytes = new Bytes().raw([1, shape.length, 0]).zeros(5);
  for (const n of shape) bytes.u64(n);
  return bytes;
}

/** IEEE 754: sign at bit 31, exponent of 8 bits at 23 with bias 127, mantissa of 23 bits with a hidden leading 1. */
const float32Type = (): Bytes =>
  new Bytes().raw([0x11, 0x20, 31, 0]).u32(4).u16(0).u16(32).raw([23, 8, 0, 23]).u32(127);

function writeHeader(file: File, messages: readonly (readonly [type: number, data: Bytes])[]): number {
  const body = new Bytes();
  for (const [type, data] of messages) {
    data.align();
    body.u16(type).u16(data.length).zeros(4).raw(data.bytes);
  }
  const head = new Bytes().raw([1, 0]).u16(messages.length).u32(1).u32(body.length).zeros(4);
  return file.put(head.raw(body.bytes));
}

/** What one message of a header, and so an attribute, can hold. */
export const MOST_BYTES = 64_000;

function attributeMessages(file: File, attributes: NonNullable<Hdf5Tree["attributes"]>): [number, Bytes][] {
  return Object.entries(attributes).map(([name, value]) => {
    const text = typeof value === "string";
    const [type, data] = text ? heapText(file, value) : fixedTexts(name, value);
    const label = new Bytes().raw(ascii(name)).zeros(1);
    const space = text ? dataspace([]) : dataspace([value.length]);
    const message = new Bytes().raw([1, 0]).u16(label.length).u16(type.length).u16(space.length);
    for (const part of [label, type, space]) message.raw(part.align().bytes);
    return [MESSAGE.attribute, message.raw(data.bytes)];
  });
}

/** A string of any length: it lies in a heap of its own. */
function heapText(file: File, value: string): [type: Bytes, data: Bytes] {
  const bytes = new TextEncoder().encode(value);
  const size = Math.max(4096, 16 + 16 + Math.ceil(bytes.length / 8) * 8 + 16);
  const heap = new Bytes().raw(ascii("GCOL")).raw([1, 0, 0, 0]).u64(size);
  heap.u16(1).u16(1).u32(0).u64(bytes.length).raw(bytes).align();
  const free = size - heap.length;
  heap.u16(0).u16(0).u32(0).u64(free);
  heap.zeros(size - heap.length);
  const type = new Bytes().raw([0x19, 0x01, 0x01, 0]).u32(16);
  // Of single bytes: the type that strings are lists of.
  type.raw([0x10, 0, 0, 0]).u32(1).u16(0).u16(8);
  return [type, new Bytes().u32(bytes.length).u64(file.put(heap)).u32(1)];
}

/** Strings of the length of the longest, the others filled up with zeros. */
function fixedTexts(name: string, values: readonly string[]): [type: Bytes, data: Bytes] {
  const encoded = values.map((value) => new TextEncoder().encode(value));
  const size = Math.max(1, ...encoded.map((bytes) => bytes.length));
  if (size * values.length > MOST_BYTES)
    throw new UsageError(
      "too-large",
      `the list ${JSON.stringify(name)} takes ${size * values.length} bytes; an attribute holds ${MOST_BYTES}`,
    );
  const type = new Bytes()
    .raw([0x13, encoded.some((bytes) => bytes.some((byte) => byte > 127)) ? 0x11 : 0x01, 0, 0])
    .u32(size);
  const data = new Bytes();
  for (const bytes of encoded) data.raw(bytes).zeros(size - bytes.length);
  return [type, data];
}
