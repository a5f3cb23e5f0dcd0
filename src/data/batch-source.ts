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

export const weightOf = ({ weight, rows }: Batch): number => weight ?? rows;
