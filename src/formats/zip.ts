import type { ByteSource } from "../platform/platform.ts";
import { FailureError, LongshortError, nearest, UsageError } from "../shared/errors.ts";
import { formatBytes } from "../shared/shapes.ts";
import { bytesSource, windowOf } from "./byte-source.ts";
import { crc32 } from "./crc32.ts";
import { inflate } from "./inflate.ts";
import { badZip, readDirectory, SIGNATURE, sizesOf, type ZipEntry } from "./zip-directory.ts";

/** A zip archive of which only the central directory has been read. */
export interface ZipFile {
  readonly name: string;
  /** Files by their whole path, folders left out. */
  readonly entries: ReadonlyMap<string, ZipEntry>;
  /** The content of a file, unpacked and checked against its CRC. */
  read(name: string): Promise<Uint8Array>;
  /**
   * A file read in parts: a stored one is read from the archive where it lies, after its CRC was checked once; a
   * compressed one is unpacked first.
   */
  open(name: string): Promise<ByteSource>;
}

/** Options of opening a zip archive. */
export interface OpenZipOptions {
  /**
   * Maximum number of bytes that all compressed entries together may unpack to. Default: 256 MiB or 32 times their compressed size,
   * whichever is larger.
   */
  readonly maxBytes?: number | undefined;
  /** Whether a stored CRC of 0 means that none was computed (PyTorch can be told so). Default false. */
  readonly zeroCrcIsNone?: boolean | undefined;
}

const CHUNK = 1 << 22;

/**
 * Opens an archive by its central directory. What is refused: encryption, several disks, methods other than stored and
 * deflated, repeated names, paths that lead out of the archive, entries that overlap, bytes that belong to nothing at the
 * end, and later, when an entry is read, a local header that says something else than the directory. The caller closes the
 * source.
 *
 * @see APPNOTE.TXT 6.3.10, PKWARE
 * @throws FailureError "bad-zip"
 */
export async function openZip(source: ByteSource, options: OpenZipOptions = {}): Promise<ZipFile> {
  const { zeroCrcIsNone = false } = options;
  const entries = await readDirectory(source);
  checkTotal(source.name, entries, options.maxBytes);

  function entryOf(name: string): ZipEntry {
    const entry = entries.get(name);
    if (entry) return entry;
    const near = nearest(name, [...entries.keys()]);
    const hint = near === undefined ? "" : `; did you mean ${JSON.stringify(near)}?`;
    throw new UsageError("no-such-entry", `${source.name}: the archive has no file ${JSON.stringify(name)}${hint}`);
  }

  const label = (entry: ZipEntry): string => entryLabel(source, entry);

  function checkCrc(entry: ZipEntry, crc: number): void {
    if (crc === entry.crc || (zeroCrcIsNone && entry.crc === 0)) return;
    badZip(label(entry), "its bytes do not agree with their checksum (CRC-32): the file is damaged; get it again");
  }

  async function unpack(entry: ZipEntry): Promise<Uint8Array> {
    const start = await dataStart(source, entry);
    const packed = await source.read(start, entry.packedSize);
    if (entry.method === "stored") return packed;
    try {
      const { bytes, used } = inflate(packed, entry.size);
      if (used !== packed.length) badZip(label(entry), "bytes follow the end of its compressed data");
      return bytes;
    } catch (cause) {
      if (!(cause instanceof LongshortError) || cause.code !== "bad-deflate") throw cause;
      throw new FailureError("bad-zip", `${label(entry)}: ${cause.message}`, { cause });
    }
  }

  async function read(name: string): Promise<Uint8Array> {
    const entry = entryOf(name);
    const bytes = await unpack(entry);
    checkCrc(entry, crc32(bytes));
    return bytes;
  }

  async function open(name: string): Promise<ByteSource> {
    const entry = entryOf(name);
    if (entry.method !== "stored") return bytesSource(await read(name), label(entry));
    const window = windowOf(source, await dataStart(source, entry), entry.size, label(entry));
    if (zeroCrcIsNone && entry.crc === 0) return window;
    let crc = 0;
    for (let at = 0; at < entry.size; at += CHUNK)
      crc = crc32(await window.read(at, Math.min(CHUNK, entry.size - at)), crc);
    checkCrc(entry, crc);
    return window;
  }

  return { name: source.name, entries, read, open };
}

function checkTotal(label: string, entries: ReadonlyMap<string, ZipEntry>, limit: number | undefined): void {
  const compressed = [...entries.values()].filter(({ method }) => method === "deflated");
  const packed = compressed.reduce((sum, entry) => sum + entry.packedSize, 0);
  const unpacked = compressed.reduce((sum, entry) => sum + entry.size, 0);
  const most = limit ?? Math.max(1 << 28, 32 * packed);
  if (unpacked > most)
    badZip(
      label,
      `it would unpack from ${formatBytes(packed)} to ${formatBytes(unpacked)}, more than the limit of ${formatBytes(most)}; if that is right, give maxBytes`,
    );
}

const entryLabel = ({ name }: ByteSource, entry: ZipEntry): string => `${name}, ${JSON.stringify(entry.name)}`;

/** Where the bytes of an entry begin, after its local header was found to say the same as the directory. */
async function dataStart(source: ByteSource, entry: ZipEntry): Promise<number> {
  const label = entryLabel(source, entry);
  const differs = (what: string): never => badZip(label, `the directory and the entry itself do not agree on ${what}`);
  if (entry.headerOffset + 30 > entry.limit) badZip(label, "its header overlaps what follows");
  const head = view(await source.read(entry.headerOffset, 30));
  if (head.getUint32(0, true) !== SIGNATURE.local) badZip(label, "there is no entry where the directory says");
  const nameLength = head.getUint16(26, true);
  const extraLength = head.getUint16(28, true);
  const start = entry.headerOffset + 30 + nameLength + extraLength;
  if (start + entry.packedSize > entry.limit) badZip(label, "it overlaps what follows it");
  const variable = await source.read(entry.headerOffset + 30, nameLength + extraLength);
  const name = variable.subarray(0, nameLength);
  if (name.length !== entry.rawName.length || name.some((byte, i) => byte !== entry.rawName[i])) differs("its name");
  // Bit 11 only says how the name is written; what matters is whether it is encrypted and whether a descriptor follows.
  const flags = head.getUint16(6, true);
  if ((flags & ~0x0800) !== (entry.flags & ~0x0800)) differs("its flags");
  if (head.getUint16(8, true) !== (entry.method === "stored" ? 0 : 8)) differs("how it is packed");
  const later = (flags & 8) !== 0;
  const crc = head.getUint32(14, true);
  if (crc !== entry.crc && !(later && crc === 0)) differs("its checksum");
  const { size, packedSize } = sizesOf(
    { size: head.getUint32(22, true), packedSize: head.getUint32(18, true) },
    variable.subarray(nameLength),
    label,
  );
  if (!(later && size === 0 && packedSize === 0) && (size !== entry.size || packedSize !== entry.packedSize))
    differs("its size");
  return start;
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
