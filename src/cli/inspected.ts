import type { ReadTrace } from "../explain/read-trace.ts";
import { UsageError } from "../shared/errors.ts";

/** What a run is to read. */
export interface Reading {
  readonly text?: string | undefined;
  /** A file like the one that it was trained on, and which text, series or sentence of it, from 1. */
  readonly file?: string | undefined;
  readonly row: number;
  /** Which token of a sentence, from 1, and which predicted step, from 0, the influence on is shown of. */
  readonly token?: number | undefined;
  readonly step?: number | undefined;
}

/** An option of runs of another task than this one's. @throws UsageError "bad-option" */
export function expectNone({ token, step }: Reading, folder: string, own?: "token" | "step"): void {
  if (token !== undefined && own !== "token")
    throw new UsageError("bad-option", `--token: it is for runs that tag sentences, ${folder} is none`);
  if (step !== undefined && own !== "step")
    throw new UsageError("bad-option", `--step: it is for runs that forecast series, ${folder} is none`);
}

/** Numbers over the steps beside the values of the cells: what was read, or what the model said. */
export interface StepMap {
  readonly title: string;
  readonly rows: readonly { readonly label: string; readonly values: ArrayLike<number> }[];
  /** Ends of the scale. */
  readonly low: number;
  readonly high: number;
}

/** Numbers over the steps that a page draws as a curve. */
export interface Curve {
  readonly label: string;
  readonly data: Float64Array;
}

/** A run while it read something. */
export interface Inspected {
  readonly trace: ReadTrace;
  /** What was read and what it says of all, in lines. */
  readonly said: readonly string[];
  /** What was read, where it is numbers and no text. */
  readonly read?: readonly StepMap[];
  /** What the model said. */
  readonly maps: readonly StepMap[];
  /** The numbers that were read, as a page draws them: by column. */
  readonly curves?: readonly Curve[];
  /** By step: what was read, and what the model said then. */
  readonly steps: readonly object[];
}

export const nothingToRead = (): UsageError =>
  new UsageError(
    "missing-option",
    "expected something to read: give --text TEXT, or a file in the format of the training file, and --row N",
  );

/** One of what a file holds. @throws UsageError "out-of-range" */
export function rowOf<T>(all: readonly T[], { file, row, what }: { file: string; row: number; what: string }): T {
  const one = all[row - 1];
  if (one !== undefined) return one;
  throw new UsageError(
    "out-of-range",
    `--row: expected a number from 1 to ${all.length}, as ${file} has so many ${what}, got ${row}`,
  );
}
