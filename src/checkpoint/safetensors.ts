import { concatBytes } from "../shared/concat-bytes.ts";
import { FailureError, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { OwnBytes } from "../shared/own-bytes.ts";
import { formatShape } from "../shared/shapes.ts";
import { ELEMENT_TYPES, type ElementTypeName, elementType } from "./element-types.ts";
import { byteLength, SafeTensor, storable, type WritableTensor } from "./safe-tensor.ts";
import type { StoredBytes } from "./stored-bytes.ts";
import { parseStrictJson, type StrictJson } from "./strict-json.ts";

/**
 * A safetensors file: eight bytes with the length of a JSON header, the header, and the bytes of the tensors.
 * @see https://github.com/huggingface/safetensors#format
 */
export interface SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of their bytes in the file. */
  readonly tensors: ReadonlyMap<string, SafeTensor>;
}

/** The limit of the reference implementation. */
const MAX_HEADER = 100_000_000;
const METADATA = "__metadata__";
const CODE = "bad-safetensors";

/**
 * Parses a safetensors file in memory. Nothing is copied: the tensors are views of `bytes`.
 * @throws FailureError "bad-safetensors" when anything is not as the format wants it: a header that is too long, cut
 *   short, no JSON or repeats a name; an unknown type; a shape that does not fit its bytes; holes, overlaps, bytes left over
 */
export function readSafetensors(bytes: Uint8Array): SafetensorsFile {
  const headerEnd = 8 + headerLength(bytes.subarray(0, 8), bytes.length);
  const { metadata, entries } = readLayout(bytes.subarray(8, headerEnd), bytes.length - headerEnd);
  const tensors = new Map<string, SafeTensor>();
  for (const { name, dtype, shape, start, end } of entries)
    tensors.set(name, new SafeTensor(dtype, shape, bytes.subarray(headerEnd + start, headerEnd + end)));
  return { metadata, tensors };
}

/**
 * The same of a file whose tensors stay in it until somebody asks for their bytes. Errors as in `readSafetensors` and
 * `StoredBytes`.
 */
export function storedSafetensors(file: StoredBytes): SafetensorsFile {
  const length = headerLength(file.read(0, Math.min(8, file.size)), file.size);
  const dataStart = 8 + length;
  const { metadata, entries } = readLayout(file.read(8, length), file.size - dataStart);
  const tensors = new Map<string, SafeTensor>();
  for (const { name, dtype, shape, start, end } of entries) {
    const place = [dataStart + start, end - start] as const;
    const stored = { length: end - start, read: () => file.read(...place), parts: () => file.parts(...place) };
    tensors.set(name, new SafeTensor(dtype, shape, stored));
  }
  return { metadata, tensors };
}

/**
 * The length of the header, from the first eight bytes of a file of `size` bytes.
 * @throws FailureError "bad-safetensors"
 */
export function headerLength(start: Uint8Array, size: number): number {
  if (size < 8) fail(`the file has ${size} bytes, but the length of the header alone takes 8`);
  const declared = new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true);
  if (declared > BigInt(MAX_HEADER))
    fail(`the header is said to have ${declared} bytes, more than the ${MAX_HEADER} allowed`);
  const length = Number(declared);
  if (8 + length > size) fail(`the header is said to have ${length} bytes, but ${size - 8} follow`);
  return length;
}

/**
 * Reads and checks the header of a file with `available` bytes behind it; entries come in the order of their bytes.
 * @throws FailureError "bad-safetensors"
 */
export function readLayout(header: Uint8Array, available: number): SafetensorsLayout {
  const { entries, metadata } = readHeader(header);
  const sorted = [...entries].sort((a, b) => a.start - b.start || a.end - b.end);
  let position = 0;
  for (const { name, dtype, shape, start, end } of sorted) {
    const label = labelOf(name);
    if (end < start) fail(`${label} ends at byte ${end}, before its start at ${start}`);
    if (end > available) fail(`${label} ends at byte ${end} of the data, but the file holds only ${available}`);
    if (start > position)
      fail(`${label} starts at byte ${start}, which leaves a hole of ${start - position} bytes before it`);
    if (start < position) fail(`${label} starts at byte ${start} and overlaps the tensor that ends at ${position}`);
    const expected = byteLength(dtype, shape);
    if (expected === undefined)
      fail(`${label}: ${dtype} of shape ${formatShape(shape)} has no possible number of bytes`);
    if (expected !== end - start) {
      fail(
        `${label}: ${dtype} of shape ${formatShape(shape)} takes ${expected} bytes, but the header gives it ${end - start}`,
      );
    }
    position = end;
  }
  if (position !== available) fail(`${available - position} bytes follow the last tensor`);
  return { metadata, entries: sorted };
}

export interface SafetensorsLayout {
  readonly metadata: Readonly<Record<string, string>>;
  readonly entries: readonly SafetensorsEntry[];
}

/** Where a tensor lies: bytes `start` to `end` behind the header. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly dtype: ElementTypeName;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

function readHeader(bytes: Uint8Array): { entries: SafetensorsEntry[]; metadata: Record<string, string> } {
  const entries: SafetensorsEntry[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of parseHeader(bytes)) {
    if (name === METADATA) metadata = readMetadata(value);
    else entries.push(readEntry(name, value));
  }
  return { entries, metadata };
}

function parseHeader(bytes: Uint8Array): ReadonlyMap<string, StrictJson> {
  if (bytes[0] !== 0x7b) fail("the header does not begin with {");
  let header: StrictJson;
  try {
    header = parseStrictJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? cause.message : "its text is not UTF-8";
    throw new FailureError(CODE, `not a safetensors file: the header is not acceptable JSON: ${reason}`, { cause });
  }
  return header as ReadonlyMap<string, StrictJson>;
}

function readMetadata(value: StrictJson): Record<string, string> {
  if (!(value instanceof Map)) fail(`${METADATA} is not an object`);
  for (const [key, text] of value as ReadonlyMap<string, StrictJson>) {
    if (typeof text !== "string") fail(`${METADATA}: the value of ${JSON.stringify(key)} is not a string`);
  }
  // fromEntries defines own properties, so that a key named __proto__ stays a key.
  return Object.fromEntries(value as ReadonlyMap<string, string>);
}

function readEntry(name: string, value: StrictJson): SafetensorsEntry {
  const label = labelOf(name);
  if (!(value instanceof Map)) fail(`${label} is not described by an object`);
  const fields = value as ReadonlyMap<string, StrictJson>;
  for (const key of fields.keys()) {
    if (!["dtype", "shape", "data_offsets"].includes(key))
      fail(`${label} has the unknown field ${JSON.stringify(key)}`);
  }
  const dtype = fields.get("dtype");
  if (typeof dtype !== "string" || elementType(dtype) === undefined) {
    const known = Object.keys(ELEMENT_TYPES).join(", ");
    fail(`${label}: expected a dtype among ${known}, got ${JSON.stringify(dtype) ?? "none"}`);
  }
  const shape = readSizes(label, "shape", fields.get("shape"));
  const offsets = readSizes(label, "data_offsets", fields.get("data_offsets"));
  if (offsets.length !== 2) fail(`${label}: expected two data_offsets, got ${offsets.length}`);
  return { name, dtype: dtype as ElementTypeName, shape, start: offsets[0]!, end: offsets[1]! };
}

function readSizes(label: string, field: string, value: StrictJson | undefined): number[] {
  if (!Array.isArray(value)) fail(`${label} has no list named ${field}`);
  return (value as StrictJson[]).map((entry, i) => {
    if (!Number.isSafeInteger(entry) || (entry as number) < 0 || Object.is(entry, -0)) {
      fail(`${label}: ${field}[${i}] is ${JSON.stringify(entry)}, expected a whole number from 0 to 2^53 - 1`);
    }
    return entry as number;
  });
}

function labelOf(name: string): string {
  return `tensor ${JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}...` : name)}`;
}

function fail(what: string): never {
  throw new FailureError(
    CODE,
    `not a valid safetensors file: ${what}; it is damaged, cut short or of another kind: get it again`,
  );
}

/**
 * Returns the bytes of a safetensors file. The same tensors give the same bytes, whatever their order in the map: larger element types
 * first (so that every tensor is aligned), then by name; metadata keys sorted; the header padded with spaces to a multiple of 8.
 * @throws UsageError "bad-tensor" when a name or a metadata value cannot be stored
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, WritableTensor>,
  options: {
    /** Texts by name that the file also holds. Default: none. */
    readonly metadata?: Readonly<Record<string, string>> | undefined;
  } = {},
): OwnBytes {
  expectOptions("writeSafetensors", options, { metadata: 1 });
  return concatBytes(safetensorsParts(storable(tensors), options.metadata));
}

/** What `writeSafetensors` makes one file of: everything up to the first tensor, then the bytes of each tensor as they are. */
export function safetensorsParts(
  tensors: ReadonlyMap<string, SafeTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const { head, order } = safetensorsHead(tensors, metadata);
  return [head, ...order.map((name) => tensors.get(name)!.bytes)];
}

/**
 * What such a file has before the bytes of the tensors, the order in which these follow, and how many they are.
 * @throws as `writeSafetensors`
 */
export function safetensorsHead(
  tensors: ReadonlyMap<string, Pick<SafeTensor, "dtype" | "shape">>,
  metadata: Readonly<Record<string, string>> = {},
): { readonly head: Uint8Array; readonly order: readonly string[]; readonly size: number } {
  const types = Object.keys(ELEMENT_TYPES);
  const rank = (name: string): number => types.indexOf(tensors.get(name)!.dtype);
  const order = [...tensors.keys()].sort((a, b) => rank(b) - rank(a) || compare(a, b));
  // Written member by member: assigning to an object would lose a tensor named __proto__ and reorder numeric names.
  const members = metadataMember(metadata);
  let position = 0;
  for (const name of order) {
    const { dtype, shape } = tensors.get(name)!;
    if (name === METADATA) throw new UsageError("bad-tensor", `a tensor cannot be named ${METADATA}`);
    const end = position + byteLength(dtype, shape)!;
    members.push(`${quote(name)}:${JSON.stringify({ dtype, shape, data_offsets: [position, end] })}`);
    position = end;
  }
  const json = new TextEncoder().encode(`{${members.join(",")}}`);
  const headerLength = Math.ceil(json.length / 8) * 8;
  if (headerLength > MAX_HEADER)
    throw new UsageError("bad-tensor", `the header would take ${headerLength} bytes, more than ${MAX_HEADER}`);
  const head = new Uint8Array(8 + headerLength).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(headerLength), true);
  head.set(json, 8);
  return { head, order, size: position };
}

function metadataMember(metadata: Readonly<Record<string, string>>): string[] {
  const keys = Object.keys(metadata).sort(compare);
  if (keys.length === 0) return [];
  const pairs = keys.map((key) => {
    const value = metadata[key];
    if (typeof value !== "string")
      throw new UsageError("bad-tensor", `metadata: the value of ${JSON.stringify(key)} is not a string`);
    return `${quote(key)}:${quote(value)}`;
  });
  return [`"${METADATA}":{${pairs.join(",")}}`];
}

function quote(text: string): string {
  if (/\p{Surrogate}/u.test(text))
    throw new UsageError("bad-tensor", `${JSON.stringify(text)} is not well-formed Unicode`);
  return JSON.stringify(text);
}

/** By UTF-16 units: the same on every machine, in every locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
