import { expectInteger } from "../shared/errors.ts";
import { expectRange, type TokenSequence } from "../text/token-sequence.ts";
import { lastAtMost } from "./ascending.ts";
import { shuffle } from "./shuffle.ts";

/** Tokens with a new order in each epoch; as a sequence they have the order of the corpus. */
export interface EpochTokens extends TokenSequence {
  /** Seed of the order. */
  readonly seed: number;
  /** Returns the same tokens in the order of an epoch (from 0). */
  inEpoch(epoch: number): TokenSequence;
}

export const hasEpochs = (tokens: TokenSequence): tokens is EpochTokens => "inEpoch" in tokens;

/**
 * Shuffles whole documents, in a new order in each epoch that depends on seed and epoch only. Nothing is copied; it takes memory for a
 * few numbers per document.
 * @param starts where documents begin in `tokens`, ascending from 0
 */
export function shuffleDocuments(tokens: TokenSequence, starts: ArrayLike<number>, seed: number): EpochTokens {
  expectInteger("seed", seed, { min: 0 });
  return {
    seed,
    length: tokens.length,
    // Of the corpus: what the order of an epoch is follows from it and the seed.
    hash: tokens.hash,
    copyTo: (target, at, start, count) => tokens.copyTo(target, at, start, count),
    inEpoch: (epoch) => inOrder(tokens, starts, shuffle(starts.length, seed, epoch)),
  };
}

function inOrder(tokens: TokenSequence, starts: ArrayLike<number>, order: Uint32Array): TokenSequence {
  const endOf = (document: number): number => (document + 1 < starts.length ? starts[document + 1]! : tokens.length);
  /** Where the k-th document of the order begins. */
  const places = new Float64Array(order.length + 1);
  order.forEach((document, k) => {
    places[k + 1] = places[k]! + endOf(document) - starts[document]!;
  });
  return {
    length: tokens.length,
    copyTo(target, at, start, count) {
      expectRange(tokens.length, start, count);
      for (let k = lastAtMost(places, start), done = 0; done < count; k++) {
        const within = start + done - places[k]!;
        const part = Math.min(places[k + 1]! - places[k]! - within, count - done);
        tokens.copyTo(target, at + done, starts[order[k]!]! + within, part);
        done += part;
      }
    },
  };
}
