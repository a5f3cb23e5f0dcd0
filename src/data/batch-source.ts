import { describe, expectInteger, UsageError } from "../shared/errors.ts";

/** The input of one training step or of one part of an evaluation. */
export interface Batch {
  /** Numbers for each input of the graph by name, row-major. */
  readonly inputs: Readonly<Record<string, ArrayLike<number>>>;
  /** B: number of examples. */
  readonly rows: number;
  /** T: number of time steps; default 1. Each combination of rows, steps and input sizes gets its own plan. */
  readonly steps?: number | undefined;
  /**
   * Number of items that the loss is the mean of (tokens, steps, examples): the weight of this batch in means over batches. Default
   * `rows`.
   */
  readonly weight?: number | undefined;
  /** Whether carried states are reset to zero before this batch. Default false. */
  readonly first?: boolean | undefined;
}

/** A source of batches. The same epoch and index always give the same batch, so that a training can resume anywhere. */
export interface BatchSource {
  /** Number of batches, the same in every epoch. */
  readonly batchesPerEpoch: number;
  /**
   * Returns a batch.
   * @param epoch from 0
   * @param index from 0 to `batchesPerEpoch` − 1
   */
  batch(epoch: number, index: number): Batch | Promise<Batch>;
  /**
   * Identifies the data (sizes, a hash, the seed of the order). It is saved in checkpoints, and resuming with another identity is
   * refused. Anything that JSON can hold.
   */
  readonly identity?: Readonly<Record<string, string | number | boolean | null>> | undefined;
}

/** @throws UsageError "bad-option" for what is no source of batches, such as a list of them */
export function expectSource(batches: BatchSource): void {
  if (typeof batches?.batch !== "function")
    throw new UsageError(
      "bad-option",
      `batches: expected { batchesPerEpoch, batch(epoch, index) }, as bucketedBatches gives it, got ${describe(batches)}`,
    );
}

/**
 * Checks what a source gave: without a number of rows, means over batches would be NaN.
 * @throws UsageError "bad-option", "not-an-integer", "out-of-range"
 */
export function expectBatch(batch: Batch): void {
  if (typeof batch?.inputs !== "object" || batch.inputs === null)
    throw new UsageError(
      "bad-option",
      `batch: expected { inputs: { NAME: numbers }, rows, … }, got ${describe(batch)}`,
    );
  expectInteger("batch: rows", batch.rows, { min: 1 });
  if (batch.steps !== undefined) expectInteger("batch: steps", batch.steps, { min: 1 });
  const { weight } = batch;
  if (weight !== undefined && !(Number.isFinite(weight) && weight >= 0))
    throw new UsageError("out-of-range", `batch: weight: expected a number of at least 0, got ${describe(weight)}`);
}

export const weightOf = ({ weight, rows }: Batch): number => weight ?? rows;
