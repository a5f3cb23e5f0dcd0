import { expectBoolean, expectInteger, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { BatchSource } from "./batch-source.ts";
import { bucketedOrder } from "./bucketed-order.ts";
import { perEpoch } from "./per-epoch.ts";

/** Options of `bucketedBatches`. */
export interface BucketedBatchesOptions {
  /** Number of steps of each example. */
  readonly lengths: ArrayLike<number>;
  /** B: examples per batch. */
  readonly batchSize: number;
  /**
   * Whether the last two batches of an epoch share the remaining examples evenly, so that no update is made from a few examples alone.
   * Default true; false: the last batch has the remainder, as in PyTorch's DataLoader.
   */
  readonly evenBatches?: boolean | undefined;
  /** Seed of the order. Default 0. */
  readonly seed?: number | undefined;
  /** Number of batches whose examples are sorted by length together. Default 50; 1 turns sorting off. */
  readonly bucket?: number | undefined;
  /** Returns the inputs of a batch: the examples with these indices, padded to `steps` (see `padSequences`). */
  readonly inputs: (examples: Uint32Array, steps: number) => Readonly<Record<string, ArrayLike<number>>>;
  /** Number of items that the loss of a batch is the mean of. Default: its number of examples. */
  readonly weight?: ((examples: Uint32Array) => number) | undefined;
  /** Identifies the examples; see `BatchSource.identity`. Lengths, batch size and seed are added. */
  readonly identity?: BatchSource["identity"];
}

/**
 * Batches examples of similar length together, in a new order in each epoch. Batches are padded to a limited set of lengths (at most a
 * quarter longer than their longest example), so that few plans serve all of them.
 * @throws UsageError "no-examples", "not-an-integer", "out-of-range"
 */
export function bucketedBatches(options: BucketedBatchesOptions): BatchSource {
  expectOptions("bucketedBatches", options, {
    lengths: "required",
    batchSize: "required",
    evenBatches: 1,
    seed: 1,
    bucket: 1,
    inputs: "required",
    weight: 1,
    identity: 1,
  });
  const { lengths, inputs } = options;
  if (!(lengths.length > 0)) throw new UsageError("no-examples", "lengths: expected at least one example, got none");
  const batchSize = expectInteger("batchSize", options.batchSize, { min: 1 });
  const seed = expectInteger("seed", options.seed ?? 0, { min: 0 });
  const bucket = expectInteger("bucket", options.bucket ?? 50, { min: 1 });
  const evenBatches = expectBoolean("evenBatches", options.evenBatches ?? true);
  let [longest, total] = [1, 0];
  for (let i = 0; i < lengths.length; i++) {
    const length = expectInteger(`lengths[${i}]`, lengths[i], { min: 0 });
    longest = Math.max(longest, length);
    total += length;
  }
  // Only where it changes anything: checkpoints from before know nothing of it.
  const shares = evenBatches && lengths.length > batchSize && lengths.length % batchSize > 0;
  const order = perEpoch((epoch) => bucketedOrder({ lengths, batchSize, evenBatches, seed, epoch, bucket }));
  const batchesPerEpoch = order(0).length;
  return {
    batchesPerEpoch,
    identity: {
      ...options.identity,
      ...{ examples: lengths.length, total, longest, batchSize, bucket, seed },
      ...(shares && { evenBatches }),
    },
    batch(epoch, index) {
      const examples = order(epoch)[expectInteger("index", index, { min: 0, max: batchesPerEpoch - 1 })]!;
      const needed = examples.reduce((most, example) => Math.max(most, lengths[example]!), 1);
      const steps = Math.min(paddedLength(needed), longest);
      return { inputs: inputs(examples, steps), rows: examples.length, steps, weight: options.weight?.(examples) };
    },
  };
}

/** The next larger of 1 … 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, …: four lengths for each doubling. */
export function paddedLength(length: number): number {
  const step = 2 ** Math.max(0, Math.ceil(Math.log2(length)) - 3);
  return Math.ceil(length / step) * step;
}
