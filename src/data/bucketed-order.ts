import { RandomStream } from "../shared/random.ts";

export interface BucketedOrderOptions {
  /** Length of each example. */
  readonly lengths: ArrayLike<number>;
  /** B */
  readonly batchSize: number;
  /** Whether the last two batches of an epoch share the remaining examples evenly; otherwise the last one has the remainder. */
  readonly evenBatches: boolean;
  readonly seed: number;
  readonly epoch: number;
  /** How many batches are sorted by length together. 1: no sorting, full chance; more: less padding. */
  readonly bucket: number;
}

/**
 * Which examples stand together in the batches of an epoch: shuffled, then sorted by length within stretches of `bucket`
 * batches so that little is padding, and the batches shuffled again. A function of seed and epoch alone.
 *
 * @returns for each batch the indices of its examples; each index occurs once
 */
export function bucketedOrder(options: BucketedOrderOptions): Uint32Array[] {
  const { lengths, batchSize, bucket } = options;
  const random = new RandomStream(options.seed, "buckets", options.epoch);
  const order = random.at(0).permutation(lengths.length);
  const starts = batchStarts(lengths.length, batchSize, options.evenBatches);
  if (bucket > 1)
    for (let first = 0; first < starts.length; first += bucket)
      order.subarray(starts[first], starts[first + bucket]).sort((a, b) => lengths[a]! - lengths[b]!);
  return Array.from(random.at(1).permutation(starts.length), (k) => order.slice(starts[k], starts[k + 1]));
}

/**
 * Where each batch begins. The gradient of a batch of a few is mostly chance, but an update of Adam is as large as any other: of 50 series
 * in batches of 16, the two left over undid in each epoch what the others had taught.
 */
function batchStarts(examples: number, batchSize: number, even: boolean): number[] {
  const starts = Array.from({ length: Math.ceil(examples / batchSize) }, (_, k) => k * batchSize);
  const [before, last] = starts.slice(-2);
  if (even && last !== undefined) starts[starts.length - 1] = Math.ceil((before! + examples) / 2);
  return starts;
}
