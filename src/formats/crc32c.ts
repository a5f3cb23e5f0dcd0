import { type Checksum, remainder, tablesOf } from "./crc32.ts";

const TABLES = tablesOf(0x82f63b78);

/** CRC-32C (Castagnoli). @see RFC 3720, appendix B.4 */
export const crc32c: Checksum = (bytes, start = 0) => remainder(TABLES, bytes, start);

/** As record files store it: turned by 15 bits and moved, so that the checksum of a checksum is no constant. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const value = crc32c(bytes);
  return (((value >>> 15) | (value << 17)) + 0xa282ead8) >>> 0;
}
