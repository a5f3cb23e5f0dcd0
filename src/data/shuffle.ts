import { RandomStream } from "../shared/random.ts";

/** The order of `n` things in an epoch: a permutation of 0 … n − 1, a function of the seed and the epoch alone. */
export function shuffle(n: number, seed: number, epoch: number): Uint32Array {
  return new RandomStream(seed, "shuffle", epoch).permutation(n);
}
