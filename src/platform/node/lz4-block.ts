/**
 * Unpacks a block of LZ4: literals, then a copy of what came before, again and again; literals end it.
 *
 * @param length of what was packed
 * @throws Error where the block is damaged or would be longer
 * @see Collet, "LZ4 block format description"
 */
export function unpackLz4Block(block: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  let [at, end] = [0, 0];
  const byte = (): number => {
    if (at >= block.length) throw new Error("a block of LZ4 ends too early");
    return block[at++]!;
  };
  /** A length that does not fit into its four bits goes on in bytes, of which the last is no 255. */
  const whole = (bits: number): number => {
    let sum = bits;
    if (bits === 15) for (let next = 255; next === 255; sum += next) next = byte();
    return sum;
  };
  while (at < block.length) {
    const token = byte();
    const literals = whole(token >> 4);
    if (at + literals > block.length || end + literals > length) throw new Error("literals of LZ4 beyond the block");
    out.set(block.subarray(at, at + literals), end);
    at += literals;
    end += literals;
    if (at === block.length) break;
    const back = byte() | (byte() << 8);
    const copied = whole(token & 15) + 4;
    if (back === 0 || back > end || end + copied > length) throw new Error("a copy of LZ4 from outside the block");
    // Byte by byte: what is copied may reach into what it becomes.
    for (const stop = end + copied; end < stop; end++) out[end] = out[end - back]!;
  }
  return out.subarray(0, end);
}
