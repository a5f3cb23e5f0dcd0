/**
 * Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as
 * 1, 2, 3" (SC 2011): ten rounds of two 32×32→64 bit products turn a counter and a key into 128 random bits. There is no
 * state, so any draw can be made alone, in any order, on any machine.
 */

/** Four unsigned 32-bit words. */
export type Words4 = [number, number, number, number];

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
/** Key increments of a round: the golden ratio and √3 − 1, as in the paper. */
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** The upper 32 bits of a 32×32 bit product of unsigned numbers, as a signed one, from 16-bit halves: no partial sum reaches 2^32. BigInt would be slow. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + (carry >>> 16)) | 0;
}

/** 128 random bits as four unsigned 32-bit words, a function of `counter` and `key` alone (words are taken modulo 2^32). */
export function philox4x32(counter: readonly [number, number, number, number], key: readonly [number, number]): Words4 {
  const words = new Uint32Array(4);
  philoxBlocks(words, counter, key);
  return [...words] as Words4;
}

/**
 * Blocks of four words one after the other: of `counter`, of `counter` with its first two words, a number of 64 bits, one higher, and so on.
 * What the last block has too much is left out. One loop over plain numbers: a program's first numbers come before an optimising
 * compiler has seen anything.
 */
export function philoxBlocks(
  out: Uint32Array,
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): void {
  const [first, second] = [counter[0] >>> 0, counter[1] >>> 0];
  for (let start = 0, block = first; start < out.length; start += 4, block++) {
    let c0 = block | 0;
    let c1 = (second + Math.floor(block / 0x100000000)) | 0;
    let c2 = counter[2] | 0;
    let c3 = counter[3] | 0;
    let k0 = key[0] | 0;
    let k1 = key[1] | 0;
    for (let round = 0; round < ROUNDS; round++) {
      const high0 = multiplyHigh(MULTIPLIER_0, c0);
      const high1 = multiplyHigh(MULTIPLIER_1, c2);
      const low0 = Math.imul(MULTIPLIER_0, c0);
      const low1 = Math.imul(MULTIPLIER_1, c2);
      c0 = high1 ^ c1 ^ k0;
      c1 = low1;
      c2 = high0 ^ c3 ^ k1;
      c3 = low0;
      k0 = (k0 + WEYL_0) | 0;
      k1 = (k1 + WEYL_1) | 0;
    }
    out[start] = c0;
    // Stores behind the end of a typed array do nothing.
    out[start + 1] = c1;
    out[start + 2] = c2;
    out[start + 3] = c3;
  }
}
