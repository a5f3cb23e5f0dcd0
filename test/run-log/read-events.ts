import { fromBinary } from "@bufbuild/protobuf";
import { type Event, EventSchema } from "./proto/event_pb.js";

/*
 * Reads event files with nothing of what writes them: the messages by code generated from the schema, the checksums by the
 * plain definition of CRC-32C, bit by bit.
 */

/** By polynomial division of the bits, lowest bit of each byte first (0x82f63b78 is 0x1edc6f41 with its bits in reverse). */
export function crc32cByBits(bytes: Uint8Array): number {
  let remainder = 0xffffffffn;
  for (const byte of bytes) {
    for (let bit = 0n; bit < 8n; bit++) {
      const carry = (remainder ^ (BigInt(byte) >> bit)) & 1n;
      remainder >>= 1n;
      if (carry === 1n) remainder ^= 0x82f63b78n;
    }
  }
  return Number(remainder ^ 0xffffffffn);
}

function masked(bytes: Uint8Array): number {
  const crc = BigInt(crc32cByBits(bytes));
  const turned = (crc >> 15n) | ((crc & 0x7fffn) << 17n);
  return Number((turned + 0xa282ead8n) % 2n ** 32n);
}

/** @throws when a length does not fit or a checksum is not that of its bytes */
export function readEvents(bytes: Uint8Array): Event[] {
  const events: Event[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; ) {
    const length = Number(view.getBigUint64(at, true));
    if (view.getUint32(at + 8, true) !== masked(bytes.subarray(at, at + 8))) throw new Error(`length at ${at}`);
    const data = bytes.subarray(at + 12, at + 12 + length);
    if (data.length !== length) throw new Error(`record at ${at} is cut short`);
    if (view.getUint32(at + 12 + length, true) !== masked(data)) throw new Error(`data at ${at}`);
    events.push(fromBinary(EventSchema, data));
    at += length + 16;
  }
  return events;
}
