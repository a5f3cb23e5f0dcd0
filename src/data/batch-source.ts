/** What one step of a training or one part of a measurement reads. */
export interface Batch {
  /** Numbers of each input of the graph by name, row-major. */
  readonly inputs: Readonly<Record<string, ArrayLike<number>>>;
  /** B: how many examples stand side by side. */
  readonly rows: number;
  /** T: how many steps they have; default 1. Batches that differ in rows, steps or the sizes of their inputs get plans of their own. */
  readonly steps?: number | undefined;
  /**
   * How many things the loss of this batch is the mean of (tokens, steps, examples): its weight where means are taken over
   * several batches. Default `rows`.
   */
  readonly weight?: number | undefined;
  /** Whether carried states are to be zero before this batch. Default false. */
  readonly first?: boolean | undefined;
}

/**
 * Batches by their place alone: the same epoch and index always give the same batch, whatever was asked for before. So a
 * training goes on anywhere by knowing its place.
 */
export interface BatchSource {
  /** The same in every epoch. */
  readonly batchesPerEpoch: number;
  /**
   * The batch at a place.
   *
   * @param epoch from 0
   * @param index from 0 to `batchesPerEpoch` − 1
   */
  batch(epoch: number, index: number): Batch | Promise<Batch>;
  /**
   * What tells these data from others (sizes, a hash, the seed of their order): kept in checkpoints, and another one is
   * refused when a training is resumed. Anything that JSON can hold.
   */
  readonly identity?: Readonly<Record<string, string | number | boolean | null>> | undefined;
}

export const weightOf = ({ weight, rows }: Batch): number => weight ?? rows;
