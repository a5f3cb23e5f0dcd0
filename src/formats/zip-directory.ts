import type { ByteSource } from "../platform/platform.ts";
import { FailureError } from "../shared/errors.ts";

/** A file in an archive, as the central directory describes it. */
export interface ZipEntry {
  /** Path inside the archive, with "/" between folders. */
  readonly name: string;
  readonly rawName: Uint8Array;
  readonly method: "stored" | "deflated";
  readonly flags: number;
  readonly crc: number;
  /** Bytes, unpacked and as they lie in the archive. */
  readonly size: number;
  readonly packedSize: number;
  /** Where its local header lies, and the first byte behind it that belongs to something else. */
  readonly headerOffset: number;
  readonly limit: number;
}

/** What the parts of an archive begin with. */
export const SIGNATURE = { local: 0x04034b50, directory: 0x02014b50, end: 0x06054b50 } as const;

/** Whether a file begins as an archive. */
export const isZip = (start: Uint8Array): boolean => start[0] === 0x50 && start[1] === 0x4b;

const MAX_DIRECTORY = 1 << 26;
const END = 22;
const LOCATOR = 20;

/** @throws FailureError "bad-zip" */
export async function readDirectory(source: ByteSource): Promise<Map<string, ZipEntry>> {
  const { offset, size, count } = await findDirectory(source);
  if (size > MAX_DIRECTORY)
    badZip(source.name, `its directory has ${size} bytes, more than the ${MAX_DIRECTORY} allowed`);
  const bytes = await source.read(offset, size);
  const entries: Omit<ZipEntry, "limit">[] = [];
  let at = 0;
  while (at < size) {
    const entry = readEntry(bytes, at, source.name);
    entries.push(entry.entry);
    at = entry.end;
  }
  if (entries.length !== count)
    badZip(source.name, `${count} entries are declared, but its directory lists ${entries.length}`);
  return checkTogether(entries, offset, source.name);
}

function checkTogether(entries: Omit<ZipEntry, "limit">[], end: number, label: string): Map<string, ZipEntry> {
  const byPlace = [...entries].sort((a, b) => a.headerOffset - b.headerOffset);
  const limits = new Map<unknown, number>();
  byPlace.forEach((entry, i) => {
    const limit = byPlace[i + 1]?.headerOffset ?? end;
    if (entry.headerOffset + 30 + entry.rawName.length + entry.packedSize > limit)
      badZip(label, `the entry ${JSON.stringify(entry.name)} overlaps what follows it`);
    limits.set(entry, limit);
  });
  const names = new Map<string, ZipEntry>();
  const seen = new Set<string>();
  for (const entry of entries) {
    if (seen.has(entry.name)) badZip(label, `two entries are named ${JSON.stringify(entry.name)}`);
    seen.add(entry.name);
    if (!entry.name.endsWith("/")) names.set(entry.name, { ...entry, limit: limits.get(entry)! });
    else if (entry.size > 0) badZip(label, `the folder ${JSON.stringify(entry.name)} has content`);
  }
  return names;
}

function readEntry(bytes: Uint8Array, at: number, label: string): { entry: Omit<ZipEntry, "limit">; end: number } {
  if (at + 46 > bytes.length) badZip(label, "its directory is cut short");
  const head = new DataView(bytes.buffer, bytes.byteOffset + at, 46);
  if (head.getUint32(0, true) !== SIGNATURE.directory) badZip(label, "its directory is damaged");
  const flags = head.getUint16(8, true);
  const method = head.getUint16(10, true);
  const nameEnd = at + 46 + head.getUint16(28, true);
  const extraEnd = nameEnd + head.getUint16(30, true);
  const end = extraEnd + head.getUint16(32, true);
  if (end > bytes.length) badZip(label, "its directory is cut short");
  const rawName = bytes.slice(at + 46, nameEnd);
  const name = readName(rawName, label);
  const own = `${label}, ${JSON.stringify(name)}`;
  if ((flags & ~0x080e) !== 0)
    badZip(own, flags & 0x2041 ? "it is encrypted" : `it has flags that are not known here (0x${flags.toString(16)})`);
  if (method !== 0 && method !== 8)
    badZip(own, `it is packed by method ${method}; only stored (0) and deflated (8) are read`);
  const declared = { size: head.getUint32(24, true), packedSize: head.getUint32(20, true) };
  const extra = bytes.subarray(nameEnd, extraEnd);
  const { size, packedSize, headerOffset, disk } = sizesOf(
    { ...declared, headerOffset: head.getUint32(42, true), disk: head.getUint16(34, true) },
    extra,
    own,
  );
  if (disk !== 0) badZip(own, "it lies on another disk of a divided archive");
  if (method === 0 && size !== packedSize) badZip(own, "it is stored, but its two sizes differ");
  // RFC 1951 cannot pack tighter than 258 bytes in two bits.
  if (size > 1032 * packedSize + 1032) badZip(own, "it is declared larger than its packed bytes can become");
  return {
    entry: {
      name,
      rawName,
      method: method === 0 ? "stored" : "deflated",
      flags,
      crc: head.getUint32(16, true),
      size,
      packedSize,
      headerOffset,
    },
    end,
  };
}

/** Names are looked up, never used as paths; those that would be a trick as a path are refused all the same. */
function readName(raw: Uint8Array, label: string): string {
  let name: string;
  try {
    name = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    return badZip(label, "the name of an entry is not UTF-8");
  }
  if (!isPlainPath(name.endsWith("/") ? name.slice(0, -1) : name))
    badZip(label, `an entry is named ${JSON.stringify(name)}, which is no plain path inside the archive`);
  return name;
}

/** Whether a name is well-formed and, taken for a path on any system, leads to a file below the folder where it is looked up. */
export const isPlainPath = (name: string): boolean =>
  !/[\\\0\p{Surrogate}]|^[a-zA-Z]:/u.test(name) && !name.split("/").some((part) => ["", ".", ".."].includes(part));

type Sizes = { size: number; packedSize: number; headerOffset?: number; disk?: number };

/** Zip64: numbers that do not fit stand, in this order, in the extra field 1 (APPNOTE 4.5.3). */
export function sizesOf(declared: Sizes, extra: Uint8Array, label: string): Required<Sizes> {
  const result = { headerOffset: 0, disk: 0, ...declared };
  const view = new DataView(extra.buffer, extra.byteOffset, extra.byteLength);
  let seen = false;
  // Fewer than four bytes at the end are padding that some writers leave.
  for (let at = 0; at + 4 <= extra.length; ) {
    const id = view.getUint16(at, true);
    const end = at + 4 + view.getUint16(at + 2, true);
    if (end > extra.length) badZip(label, "its extra field is cut short");
    if (id === 1) {
      if (seen) badZip(label, "it has two Zip64 fields");
      seen = true;
      let from = at + 4;
      for (const key of ["size", "packedSize", "headerOffset"] as const) {
        if (result[key] !== 0xffffffff) continue;
        if (from + 8 > end) badZip(label, "its Zip64 field is cut short");
        result[key] = safe(view.getBigUint64(from, true), label);
        from += 8;
      }
      if (result.disk === 0xffff && from + 4 <= end) result.disk = view.getUint32(from, true);
    }
    at = end;
  }
  return result;
}

async function findDirectory(source: ByteSource): Promise<{ offset: number; size: number; count: number }> {
  const length = Math.min(source.size, END + LOCATOR + 0xffff);
  const tailStart = source.size - length;
  const tail = await source.read(tailStart, length);
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  let at = length - END;
  // The comment must end with the file, so that nothing can hide behind or in it.
  while (
    at >= 0 &&
    !(view.getUint32(at, true) === SIGNATURE.end && at + END + view.getUint16(at + 20, true) === length)
  )
    at--;
  if (at < 0) badZip(source.name, "it is no zip archive, or cut short: the end of its directory was not found");
  const end = {
    disks: view.getUint16(at + 4, true) | view.getUint16(at + 6, true),
    here: view.getUint16(at + 8, true),
    count: view.getUint16(at + 10, true),
    size: view.getUint32(at + 12, true),
    offset: view.getUint32(at + 16, true),
  };
  let border = tailStart + at;
  if (at >= LOCATOR && view.getUint32(at - LOCATOR, true) === 0x07064b50) {
    const record = safe(view.getBigUint64(at - LOCATOR + 8, true), source.name);
    const wide = await readZip64(source, record, tailStart + at - LOCATOR);
    const agree = (short: number, long: number, full: number): boolean => short === long || short === full;
    if (
      !agree(end.count, wide.count, 0xffff) ||
      !agree(end.size, wide.size, 0xffffffff) ||
      !agree(end.offset, wide.offset, 0xffffffff)
    )
      badZip(source.name, "the two ends of its directory do not agree");
    Object.assign(end, wide);
    border = record;
  }
  if ((end.disks !== 0 && end.disks !== 0xffff) || end.here !== end.count)
    badZip(source.name, "it is one part of a divided archive");
  if (end.offset + end.size !== border) badZip(source.name, "its directory does not lie where its end says");
  return end;
}

async function readZip64(
  source: ByteSource,
  offset: number,
  end: number,
): Promise<{ disks: number; here: number; count: number; size: number; offset: number }> {
  if (offset + 56 > end) badZip(source.name, "its Zip64 end record does not lie where its locator says");
  const bytes = await source.read(offset, 56);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 56);
  const length = safe(view.getBigUint64(4, true), source.name);
  if (view.getUint32(0, true) !== 0x06064b50 || offset + 12 + length !== end)
    badZip(source.name, "its Zip64 end record does not lie where its locator says");
  return {
    disks: view.getUint32(16, true) | view.getUint32(20, true),
    here: safe(view.getBigUint64(24, true), source.name),
    count: safe(view.getBigUint64(32, true), source.name),
    size: safe(view.getBigUint64(40, true), source.name),
    offset: safe(view.getBigUint64(48, true), source.name),
  };
}

function safe(value: bigint, label: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) badZip(label, `a size or place in it is ${value}`);
  return Number(value);
}

export function badZip(label: string, why: string): never {
  throw new FailureError("bad-zip", `${label}: ${why}`);
}
