import { expectInteger, UsageError } from "../shared/errors.ts";
import { RandomStream } from "../shared/random.ts";

/** Sequences of different length side by side. Time-major: row b at step t is at index t·B + b. */
export interface PaddedBatch {
  /** [T·B], `padding` beyond the end of a row. */
  readonly tokens: Int32Array;
  /** [B] */
  readonly lengths: Int32Array;
  /** [T·B], 1 where there is a token and 0 where there is padding. */
  readonly mask: Uint8Array;
  /** T, the longest length, or what was asked for. */
  readonly steps: number;
  /** B */
  readonly streams: number;
}

/**
 * Puts sequences of tokens side by side, padded at the end. A sequence may be empty, but not all of them.
 *
 * @param options.padding token beyond the end, default 0; masked or skipped by length, so any that the vocabulary has
 * @param options.steps T, when it is to be larger than the longest length
 * @throws UsageError "empty-batch", "out-of-range"
 */
export function padBatch(
  sequences: readonly ArrayLike<number>[],
  options: { readonly padding?: number; readonly steps?: number } = {},
): PaddedBatch {
  const B = sequences.length;
  const longest = sequences.reduce((most, sequence) => Math.max(most, sequence.length), 0);
  if (longest === 0) {
    const came = B === 0 ? "no sequence" : `${B} empty sequence${B === 1 ? "" : "s"}`;
    throw new UsageError("empty-batch", `sequences: expected at least one with a token in it, got ${came}`);
  }
  const T = expectInteger("steps", options.steps ?? longest, { min: longest });
  const tokens = new Int32Array(T * B).fill(expectInteger("padding", options.padding ?? 0, { min: 0 }));
  const lengths = new Int32Array(B);
  const mask = new Uint8Array(T * B);
  sequences.forEach((sequence, b) => {
    lengths[b] = sequence.length;
    for (let t = 0; t < sequence.length; t++) {
      tokens[t * B + b] = sequence[t]!;
      mask[t * B + b] = 1;
    }
  });
  return { tokens, lengths, mask, steps: T, streams: B };
}

export interface BucketedOrderOptions {
  /** Length of each example. */
  readonly lengths: ArrayLike<number>;
  /** B; the last batch of an epoch may be smaller. */
  readonly batchSize: number;
  readonly seed: number;
  readonly epoch: number;
  /**
   * How many batches are sorted by length together. 1: no sorting, full chance; more: less padding. Default 50.
   */
  readonly bucket?: number;
}

/**
 * Which examples stand together in the batches of an epoch: shuffled, then sorted by length within stretches of `bucket`
 * batches so that little is padding, and the batches shuffled again. A function of seed and epoch alone.
 *
 * @returns for each batch the indices of its examples; each index occurs once
 * @throws UsageError "not-an-integer", "out-of-range"
 */
export function bucketedOrder(options: BucketedOrderOptions): Uint32Array[] {
  const { lengths } = options;
  const batchSize = expectInteger("batchSize", options.batchSize, { min: 1 });
  const bucket = expectInteger("bucket", options.bucket ?? 50, { min: 1 });
  const random = new RandomStream(options.seed, "buckets", options.epoch);
  const order = random.at(0).permutation(lengths.length);
  const batches: Uint32Array[] = [];
  for (let start = 0; start < order.length; start += batchSize * bucket) {
    const stretch = order.subarray(start, start + batchSize * bucket);
    if (bucket > 1) stretch.sort((a, b) => lengths[a]! - lengths[b]!);
    for (let at = 0; at < stretch.length; at += batchSize) batches.push(stretch.slice(at, at + batchSize));
  }
  return Array.from(random.at(1).permutation(batches.length), (batch) => batches[batch]!);
}
