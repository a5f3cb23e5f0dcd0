import { FailureError } from "../shared/errors.ts";

const damaged = (what: string): FailureError => new FailureError("damaged-snappy", `data packed by Snappy: ${what}`);

/**
 * Unpacks raw Snappy: the length, then literals and copies of what came before.
 *
 * @param most bytes that the result may have
 * @throws FailureError "damaged-snappy"
 * @see format_description.txt of google/snappy
 */
export function unsnappy(bytes: Uint8Array, most: number): Uint8Array {
  let at = 0;
  const next = (): number => {
    if (at >= bytes.length) throw damaged("it ends too early");
    return bytes[at++]!;
  };
  const number = (count: number): number => {
    let value = 0;
    for (let k = 0; k < count; k++) value += next() * 256 ** k;
    return value;
  };
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = next();
    length += (byte & 127) * 2 ** shift;
    if (byte < 128) break;
    if (shift >= 28) throw damaged("its length does not end");
  }
  if (length > most) throw damaged(`it unpacks to ${length} bytes, at most ${most} are expected`);
  const out = new Uint8Array(length);
  let filled = 0;
  const expectRoom = (count: number): void => {
    if (count > length - filled) throw damaged("it is longer than it says");
  };
  while (at < bytes.length) {
    const tag = next();
    const high = tag >> 2;
    if ((tag & 3) === 0) {
      const count = 1 + (high < 60 ? high : number(high - 59));
      expectRoom(count);
      if (count > bytes.length - at) throw damaged("it ends too early");
      out.set(bytes.subarray(at, at + count), filled);
      at += count;
      filled += count;
      continue;
    }
    const short = (tag & 3) === 1;
    const count = short ? 4 + (high & 7) : 1 + high;
    const back = short ? (high >> 3) * 256 + next() : number((tag & 3) === 2 ? 2 : 4);
    expectRoom(count);
    if (back < 1 || back > filled) throw damaged("it copies from before its beginning");
    // Byte by byte: a copy may read what it writes.
    for (let k = 0; k < count; k++, filled++) out[filled] = out[filled - back]!;
  }
  if (filled !== length) throw damaged(`it has ${filled} bytes, it says ${length}`);
  return out;
}
