import { maskedCrc32c } from "../formats/crc32c.ts";

/*
 * A record file is records in a row: the length of the data (8 bytes, little-endian), its masked CRC-32C (4), the data, its
 * masked CRC-32C (4). @see "TFRecord and tf.train.Example" of TensorFlow
 */
const HEAD = 12;
const TAIL = 4;

/** One record that holds `data`. */
export function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEAD + data.length + TAIL);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(bytes.subarray(0, 8)), true);
  bytes.set(data, HEAD);
  view.setUint32(HEAD + data.length, maskedCrc32c(data), true);
  return bytes;
}

/**
 * How many bytes from the beginning are whole records. A process that was killed may have left part of one at the end, and
 * what is written behind that could not be read.
 */
export function wholeRecords(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  while (bytes.length - at >= HEAD + TAIL) {
    const length = Number(view.getBigUint64(at, true));
    if (view.getUint32(at + 8, true) !== maskedCrc32c(bytes.subarray(at, at + 8))) return at;
    if (length > bytes.length - at - HEAD - TAIL) return at;
    const data = bytes.subarray(at + HEAD, at + HEAD + length);
    if (view.getUint32(at + HEAD + length, true) !== maskedCrc32c(data)) return at;
    at += HEAD + length + TAIL;
  }
  return at;
}
