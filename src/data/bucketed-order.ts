import { expectInteger } from "../shared/errors.ts";
import { RandomStream } from "../shared/random.ts";

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
