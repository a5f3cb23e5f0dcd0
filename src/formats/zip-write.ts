import { UsageError } from "../shared/errors.ts";
import type { OwnBytes } from "../shared/own-bytes.ts";
import { crc32 } from "./crc32.ts";
import { SIGNATURE } from "./zip-directory.ts";

export interface WriteZipOptions {
  /** The content of every entry begins at a multiple of this many bytes. Default 1. */
  readonly align?: number;
}

/** 1 January 1980, the first day of zip: files of the same content have the same bytes, whenever they are written. */
const DATE = 0x0021;
const LARGEST = 0xffffffff;

/**
 * Writes an archive whose entries are stored, not compressed, in the order of the map.
 *
 * @throws UsageError "too-large" when archive or entry reach 4 GiB, or there are 65,535 entries
 */
export function writeZip(files: ReadonlyMap<string, Uint8Array>, { align = 1 }: WriteZipOptions = {}): OwnBytes {
  let offset = 0;
  const entries = [...files].map(([path, content]) => {
    const name = new TextEncoder().encode(path);
    if (name.length > 0xffff - 64) throw new UsageError("too-large", `the name of an entry takes ${name.length} bytes`);
    const start = offset + 30 + name.length;
    // An extra field has at least the four bytes of its head.
    const padding = start % align === 0 ? 0 : 4 + ((align - ((start + 4) % align)) % align);
    const entry = { name, content, crc: crc32(content), offset, padding };
    offset = start + padding + content.length;
    return entry;
  });
  const directory = entries.reduce((sum, { name }) => sum + 46 + name.length, 0);
  const size = offset + directory + 22;
  if (size >= LARGEST || entries.length >= 0xffff)
    throw new UsageError(
      "too-large",
      `the archive would take ${size} bytes in ${entries.length} entries; at most 4 GiB and 65,534 entries are written: use safetensors`,
    );
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { name, content, crc, padding } of entries) {
    view.setUint32(at, SIGNATURE.local, true);
    writeCommon(view, at + 4, name, content, crc);
    view.setUint16(at + 28, padding, true);
    bytes.set(name, at + 30);
    at += 30 + name.length;
    if (padding > 0) {
      view.setUint16(at, PADDING, true);
      view.setUint16(at + 2, padding - 4, true);
    }
    at += padding;
    bytes.set(content, at);
    at += content.length;
  }
  for (const { name, content, crc, offset: place } of entries) {
    view.setUint32(at, SIGNATURE.directory, true);
    view.setUint16(at + 4, VERSION, true);
    writeCommon(view, at + 6, name, content, crc);
    view.setUint32(at + 42, place, true);
    bytes.set(name, at + 46);
    at += 46 + name.length;
  }
  view.setUint32(at, SIGNATURE.end, true);
  view.setUint16(at + 8, entries.length, true);
  view.setUint16(at + 10, entries.length, true);
  view.setUint32(at + 12, directory, true);
  view.setUint32(at + 16, offset, true);
  return bytes;
}

/** Features up to zip 2.0 are used. */
const VERSION = 20;
/** The extra field that PyTorch itself pads with. */
const PADDING = 0x4246;

/** The 24 bytes that the local header and the directory share. */
function writeCommon(view: DataView, at: number, name: Uint8Array, content: Uint8Array, crc: number): void {
  view.setUint16(at, VERSION, true);
  view.setUint16(at + 2, 0x0800, true); // names are UTF-8
  view.setUint16(at + 8, DATE, true);
  view.setUint32(at + 10, crc, true);
  view.setUint32(at + 14, content.length, true);
  view.setUint32(at + 18, content.length, true);
  view.setUint16(at + 22, name.length, true);
}
