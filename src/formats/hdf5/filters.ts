import { LongshortError } from "../../shared/errors.ts";
import { inflate } from "../inflate.ts";
import { Cursor, damaged, unsupported } from "./bytes.ts";
import { MESSAGE, type Message } from "./header.ts";

/** Undoes what was done to the bytes of a chunk. */
export type Filter = (bytes: Uint8Array, size: number, width: number) => Uint8Array;

export function readFilters(messages: readonly Message[]): Filter[] {
  const message = messages.find(({ type }) => type === MESSAGE.filters);
  if (!message) return [];
  const at = new Cursor(message.data);
  const [version, count] = [at.u8(), at.u8()];
  if (version === 1) at.skip(6);
  return Array.from({ length: count }, () => {
    const id = at.u16();
    const name = version === 1 || id >= 256 ? at.u16() : 0;
    at.skip(2);
    const values = at.u16();
    at.skip(version === 1 ? Math.ceil(name / 8) * 8 : name);
    at.skip(4 * values + (version === 1 && values % 2 === 1 ? 4 : 0));
    const filter = filters.get(id);
    if (!filter)
      throw unsupported(`a dataset packed by filter ${id}; unpacked and gzip, shuffle and fletcher32 are read`);
    return filter;
  });
}

const filters: ReadonlyMap<number, Filter> = new Map<number, Filter>([
  [1, (bytes, size) => inflateZlib(bytes, size)],
  [2, (bytes, _, width) => unshuffle(bytes, width)],
  [3, (bytes) => bytes.subarray(0, Math.max(0, bytes.length - 4))],
]);

function inflateZlib(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.length < 6 || (bytes[0]! & 15) !== 8 || (bytes[1]! & 32) !== 0)
    throw damaged("a chunk is not packed by gzip");
  try {
    return inflate(bytes.subarray(2), size).bytes;
  } catch (cause) {
    if (!(cause instanceof LongshortError)) throw cause;
    throw damaged(`a chunk does not unpack: ${cause.message}`);
  }
}

/** First the first bytes of all elements, then the second, …, to elements one after the other. */
function unshuffle(bytes: Uint8Array, width: number): Uint8Array {
  const count = Math.floor(bytes.length / width);
  const out = bytes.slice();
  for (let b = 0; b < width; b++) for (let k = 0; k < count; k++) out[k * width + b] = bytes[b * count + k]!;
  return out;
}
