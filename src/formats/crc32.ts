/** A checksum of 32 bits. Give the result for one part as `start` of the next. */
export type Checksum = (bytes: Uint8Array, start?: number) => number;

/** CRC-32 as in zip and gzip (ISO 3309). */
export const crc32: Checksum = (bytes, start = 0) => remainder(TABLES, bytes, start);

/** Eight tables: eight bytes are folded in at once ("slicing by 8", Kounavis & Berry 2005). */
type Tables = readonly Int32Array[];

/** The remainder of the bits by the polynomial that the tables are of, bits of a byte in reverse. */
export function remainder([t0, t1, t2, t3, t4, t5, t6, t7]: Tables, bytes: Uint8Array, start: number): number {
  let crc = ~start;
  let i = 0;
  for (const end = bytes.length - 7; i < end; i += 8) {
    const low = crc ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    crc =
      t7![low & 255]! ^
      t6![(low >>> 8) & 255]! ^
      t5![(low >>> 16) & 255]! ^
      t4![low >>> 24]! ^
      t3![bytes[i + 4]!]! ^
      t2![bytes[i + 5]!]! ^
      t1![bytes[i + 6]!]! ^
      t0![bytes[i + 7]!]!;
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ t0![(crc ^ bytes[i]!) & 255]!;
  return ~crc >>> 0;
}

/** @param polynomial without its highest term, bits in reverse */
export function tablesOf(polynomial: number): Tables {
  const first = Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    return crc;
  });
  const all = [first];
  for (let k = 1; k < 8; k++) all.push(all[k - 1]!.map((crc) => (crc >>> 8) ^ first[crc & 255]!));
  return all;
}

const TABLES = tablesOf(0xedb88320);
