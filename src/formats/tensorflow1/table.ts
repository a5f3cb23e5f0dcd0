import type { ByteSource } from "../../platform/platform.ts";
import { concatBytes } from "../../shared/concat-bytes.ts";
import { FailureError, UsageError } from "../../shared/errors.ts";
import { maskedCrc32c } from "../crc32c.ts";
import { unsnappy } from "../snappy.ts";

export const damaged = (what: string): FailureError =>
  new FailureError("damaged-tensorflow", `the TensorFlow checkpoint is damaged: ${what}`);

const FOOTER = 48;
/** The last eight bytes of a table. */
const MAGIC = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
/** How a block is packed, one byte behind it; a checksum follows. */
const [PLAIN, SNAPPY] = [0, 1];
const TRAILER = 5;
/** An index holds names, shapes and places; of the largest models it takes a few megabytes. */
const MOST_BYTES = 2 ** 28;

export const isTable = (end: Uint8Array): boolean =>
  end.length >= MAGIC.length && MAGIC.every((byte, k) => end[end.length - MAGIC.length + k] === byte);

/**
 * Reads all pairs of a table of sorted keys (LevelDB's file format, as TensorFlow keeps the index of a checkpoint): blocks of pairs in which a key
 * leaves out what it shares with the one before, an index of the blocks, a footer that leads to the index.
 *
 * @returns in the order of the keys, each the latin-1 of its bytes
 * @throws FailureError "damaged-tensorflow"
 * @see table_format.md of google/leveldb
 */
export async function readTable(source: ByteSource): Promise<Map<string, Uint8Array>> {
  if (source.size < FOOTER || source.size > MOST_BYTES) throw damaged(`an index of ${source.size} bytes`);
  const footer = new Reader(await source.read(source.size - FOOTER, FOOTER));
  if (!isTable(footer.bytes)) throw damaged("its index does not end as one");
  footer.handle();
  const pairs = new Map<string, Uint8Array>();
  const budget = { left: MOST_BYTES };
  for (const [, place] of pairsOf(await readBlock(source, footer.handle(), budget)))
    for (const [key, value] of pairsOf(await readBlock(source, new Reader(place).handle(), budget))) {
      if (pairs.has(key)) throw damaged(`two entries ${JSON.stringify(key)}`);
      pairs.set(key, value);
    }
  return pairs;
}

interface Handle {
  readonly offset: number;
  readonly length: number;
}

async function readBlock(
  source: ByteSource,
  { offset, length }: Handle,
  budget: { left: number },
): Promise<Uint8Array> {
  if (offset + length + TRAILER > source.size) throw damaged("a block lies behind the end of the index");
  const bytes = await source.read(offset, length + TRAILER);
  const sum = new DataView(bytes.buffer, bytes.byteOffset + length + 1, 4).getUint32(0, true);
  if (maskedCrc32c(bytes.subarray(0, length + 1)) !== sum)
    throw damaged("a block of the index does not match its checksum");
  const content = bytes.subarray(0, length);
  const packing = bytes[length];
  const block = packing === SNAPPY ? unsnappy(content, budget.left) : content;
  if (packing !== PLAIN && packing !== SNAPPY)
    throw new UsageError("unsupported-tensorflow", `a block of the index is packed by method ${packing}`);
  budget.left -= block.length;
  if (budget.left < 0) throw damaged(`an index of more than ${MOST_BYTES} bytes`);
  return block;
}

/** Pairs of a block; behind them stand the places of whole keys, for those that search. */
function* pairsOf(block: Uint8Array): Generator<readonly [key: string, value: Uint8Array]> {
  if (block.length < 4) throw damaged("a block without an end");
  const restarts = new DataView(block.buffer, block.byteOffset + block.length - 4, 4).getUint32(0, true);
  const end = block.length - 4 - 4 * restarts;
  if (end < 0) throw damaged("a block without pairs");
  const at = new Reader(block.subarray(0, end));
  let key = new Uint8Array();
  while (at.left > 0) {
    const [shared, own, length] = [at.varint(), at.varint(), at.varint()];
    if (shared > key.length) throw damaged("a key shares more with the one before than that has");
    key = concatBytes([key.subarray(0, shared), at.take(own)]);
    yield [new TextDecoder("latin1").decode(key), at.take(length)];
  }
}

class Reader {
  readonly bytes: Uint8Array;
  private at = 0;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
  get left(): number {
    return this.bytes.length - this.at;
  }
  take(length: number): Uint8Array {
    if (length > this.left) throw damaged("a block ends too early");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.take(1)[0]!;
      value += (byte & 127) * scale;
      if (!Number.isSafeInteger(value)) throw damaged("a length without end");
      if (byte < 128) return value;
    }
  }
  handle(): Handle {
    return { offset: this.varint(), length: this.varint() };
  }
}
