import { expectInteger } from "./errors.ts";
import { philox4x32, philoxBlocks } from "./philox.ts";

/**
 * Explicit randomness: a draw is a function of its coordinates (seed, purpose, indices, position), never of call order,
 * batch position, thread or process. Asking twice gives the same numbers twice; ask for other coordinates to get others.
 */

/** A number in [0, 1) from the upper 24 of 32 random bits: every value is exact in float32 as well. */
export function uniform(bits: number): number {
  return (bits >>> 8) * 2 ** -24;
}

/** A number in [0, 1) from the upper 27 and 26 of two times 32 random bits: as fine as float64 has them. */
export function uniform53(bits0: number, bits1: number): number {
  return ((bits0 >>> 5) * 2 ** 26 + (bits1 >>> 6)) * 2 ** -53;
}

/**
 * Two independent standard normal numbers from two words of 32 random bits, in float64.
 * @see Box & Muller, "A note on the generation of random normal deviates" (1958)
 */
export function normalPair(bits0: number, bits1: number): [number, number] {
  // Centred between the grid points, so that the logarithm never sees 0; the largest value is 6.7.
  const radius = Math.sqrt(-2 * Math.log(((bits0 >>> 0) + 0.5) * 2 ** -32));
  const angle = 2 * Math.PI * ((bits1 >>> 0) * 2 ** -32);
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/** What kind of word a block of the key schedule carries, so that the string "1" and the number 1 differ. */
const KIND = { number: 1, string: 2, end: 3 } as const;
/** The third counter word keeps the kinds of draws of one stream apart: uniform(n) and normal(n) share no bits. */
const LANE = { bits: 0, uniform: 1, normal: 2, permutation: 3 } as const;

type Key = readonly [number, number];

/**
 * An endless row of random numbers named by its coordinates:
 * `new RandomStream(seed, "dropout", update, layer).uniform(n)` are the first n numbers of that row.
 *
 * Seed and indices are whole numbers from 0 to 2^53 − 1; a purpose may be any string. Each coordinate is folded into a
 * 64-bit Philox key by one application of Philox.
 */
export class RandomStream {
  /** The Philox key that the coordinates come to; a kernel that draws on the machine itself is given this. */
  readonly key: Key;

  constructor(seed: number, purpose: string | number, ...indices: readonly number[]) {
    expectInteger("seed", seed, { min: 0 });
    let key: Key = [low(seed), high(seed)];
    key = typeof purpose === "string" ? foldString(key, purpose) : foldNumber(key, "purpose", purpose);
    this.key = foldIndices(key, indices);
  }

  /** The stream with further coordinates: `stream.at(3, 1)`. */
  at(...indices: readonly number[]): RandomStream {
    const child = Object.create(RandomStream.prototype) as { key: Key };
    child.key = foldIndices(this.key, indices);
    return child as RandomStream;
  }

  /** The first n words of 32 random bits. */
  bits(n: number): Uint32Array {
    return draw(this.key, n, LANE.bits);
  }

  /** The first n numbers, uniform in [0, 1), multiples of 2^-24. */
  uniform(n: number): Float64Array {
    return spread(this, n, 1, 1, 0);
  }

  /** `uniform(n)` spread over [−bound, bound): bound · (2u − 1). */
  symmetric(n: number, bound: number): Float64Array {
    return spread(this, n, bound, 2, -1);
  }

  /** The first n standard normal numbers. */
  normal(n: number): Float64Array {
    const words = draw(this.key, n + (n % 2), LANE.normal);
    const result = new Float64Array(words.length);
    for (let i = 0; i < words.length; i += 2) {
      const pair = normalPair(words[i]!, words[i + 1]!);
      result[i] = pair[0];
      result[i + 1] = pair[1];
    }
    return result.subarray(0, n);
  }

  /** A permutation of 0 … n − 1, n at most 2^32 − 1 (Fisher & Yates; the bias of scaling 53 bits is below n · 2^-53). */
  permutation(n: number): Uint32Array {
    const words = draw(this.key, 2 * n, LANE.permutation);
    const result = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const fraction = uniform53(words[2 * i]!, words[2 * i + 1]!);
      const j = Math.floor(fraction * (i + 1));
      const swapped = result[i]!;
      result[i] = result[j]!;
      result[j] = swapped;
    }
    return result;
  }
}

/**
 * `scale · (factor · u + shift)` for the first n uniform numbers u; the factor is a power of two, so that it may be multiplied first. One
 * loop that calls nothing: the initial values of a model come before an optimising compiler has seen anything, when a loop that calls for
 * each number takes as long as drawing it.
 */
function spread(stream: RandomStream, n: number, scale: number, factor: number, shift: number): Float64Array {
  const words = draw(stream.key, n, LANE.uniform);
  const result = new Float64Array(n);
  const unit = factor * 2 ** -24;
  for (let i = 0; i < n; i++) result[i] = scale * ((words[i]! >>> 8) * unit + shift);
  return result;
}

function draw(key: Key, n: number, lane: number): Uint32Array {
  expectInteger("n", n, { min: 0 });
  const words = new Uint32Array(n);
  philoxBlocks(words, [0, 0, lane, 0], key);
  return words;
}

function low(value: number): number {
  return value >>> 0;
}

/** What of a whole number up to 2^53 − 1 lies beyond its lowest 32 bits. */
export function high(value: number): number {
  return Math.floor(value / 0x100000000) >>> 0;
}

/** The fourth counter word is never 0 here, so that no key is ever made of a draw. */
function fold(key: Key, word0: number, word1: number, position: number, kind: number): Key {
  const [a, b] = philox4x32([word0, word1, position, kind], key);
  return [a, b];
}

function foldNumber(key: Key, name: string, value: number): Key {
  expectInteger(name, value, { min: 0 });
  return fold(key, low(value), high(value), 0, KIND.number);
}

function foldString(key: Key, text: string): Key {
  let folded = key;
  for (let i = 0; i < text.length; i += 2) {
    folded = fold(folded, text.charCodeAt(i), i + 1 < text.length ? text.charCodeAt(i + 1) : 0, i, KIND.string);
  }
  return fold(folded, text.length, 0, 0, KIND.end);
}

function foldIndices(key: Key, indices: readonly number[]): Key {
  return indices.reduce((folded, value, i) => foldNumber(folded, `indices[${i}]`, value), key);
}
