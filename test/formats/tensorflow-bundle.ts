import { snappyCompress } from "hyparquet-writer/src/snappy.js";
import { maskedCrc32c } from "../../src/formats/crc32c.ts";

/** One variable of a checkpoint: TensorFlow's number of its type, its shape and its bytes. */
export interface BundleVariable {
  readonly type: number;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/*
 * A writer of TensorFlow's checkpoints of its own, made after the descriptions of the formats: tensor_bundle.proto and LevelDB's
 * table_format.md. The reader shares only the checksum with it, which `test/run-log` holds against known values.
 */
export function writeBundle(
  variables: ReadonlyMap<string, BundleVariable>,
  { snappy = false, blockPairs = 3 }: { snappy?: boolean; blockPairs?: number } = {},
): { index: Uint8Array; data: Uint8Array; blocks: number[][] } {
  const data: number[] = [];
  const pairs: [string, number[]][] = [["", [...field(1, 0), 1, ...field(2, 0), 0]]];
  for (const name of [...variables.keys()].sort()) {
    const { type, shape, bytes } = variables.get(name)!;
    const axes = shape.flatMap((n) => delimited(2, [...field(1, 0), ...varint(n)]));
    const place = data.length > 0 ? [...field(4, 0), ...varint(data.length)] : [];
    const checksum = [...field(6, 5), ...u32(maskedCrc32c(bytes))];
    pairs.push([
      name,
      [...field(1, 0), type, ...delimited(2, axes), ...place, ...field(5, 0), ...varint(bytes.length), ...checksum],
    ]);
    for (const byte of bytes) data.push(byte);
  }
  const blocks: [string, number[]][] = [];
  for (let k = 0; k < pairs.length; k += blockPairs) {
    const part = pairs.slice(k, k + blockPairs);
    blocks.push([part.at(-1)![0], blockOf(part)]);
  }
  return { index: tableOf(blocks, snappy), data: Uint8Array.from(data), blocks: blocks.map(([, block]) => block) };
}

/** A table of blocks, each with the last of its keys; its checksums are right, whatever is in them. */
export function tableOf(blocks: readonly (readonly [string, readonly number[]])[], snappy = false): Uint8Array {
  const file: number[] = [];
  /** Writes a block and says where it is. */
  const put = (content: readonly number[]): number[] => {
    const packed = snappy ? [...snappyCompress(Uint8Array.from(content))] : content;
    const kept = [...packed, snappy ? 1 : 0];
    const handle = [...varint(file.length), ...varint(packed.length)];
    for (const byte of kept) file.push(byte);
    file.push(...u32(maskedCrc32c(Uint8Array.from(kept))));
    return handle;
  };
  const index = blocks.map(([key, content]): [string, number[]] => [key, put(content)]);
  const footer = [...put(blockOf([])), ...put(blockOf(index))];
  while (footer.length < 40) footer.push(0);
  file.push(...footer, 0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb);
  return Uint8Array.from(file);
}

/** Keys without what they share with the one before, two to a restart. */
function blockOf(pairs: readonly (readonly [string, readonly number[]])[]): number[] {
  const out: number[] = [];
  const restarts: number[] = [];
  pairs.forEach(([key, value], k) => {
    const before = k % 2 === 0 ? "" : pairs[k - 1]![0];
    if (k % 2 === 0) restarts.push(out.length);
    let shared = 0;
    while (shared < before.length && before[shared] === key[shared]) shared++;
    const rest = [...new TextEncoder().encode(key.slice(shared))];
    out.push(...varint(shared), ...varint(rest.length), ...varint(value.length), ...rest, ...value);
  });
  if (restarts.length === 0) restarts.push(0);
  return [...out, ...restarts.flatMap(u32), ...u32(restarts.length)];
}

const field = (number: number, wire: number): number[] => [number * 8 + wire];
const delimited = (number: number, bytes: readonly number[]): number[] => [
  ...field(number, 2),
  ...varint(bytes.length),
  ...bytes,
];
const u32 = (n: number): number[] => [n & 255, (n >>> 8) & 255, (n >>> 16) & 255, n >>> 24];
function varint(n: number): number[] {
  const out: number[] = [];
  for (; n > 127; n = Math.floor(n / 128)) out.push((n % 128) + 128);
  return [...out, n];
}
