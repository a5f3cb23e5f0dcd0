import type { Series } from "./examples.ts";
import { padSequences } from "./pad-sequences.ts";

/** What a model reads: tokens, or series (already scaled). */
export type Sequence = Int32Array | Series;

export const lengthOf = (sequence: Sequence): number =>
  "channels" in sequence ? sequence.values.length / sequence.channels : sequence.length;

/** Sequences side by side, padded at the end to T steps. `x`: tokens [T, B], or numbers [T, B, D]; `mask` [T, B]. */
export function sequenceInputs(
  sequences: readonly Sequence[],
  steps: number,
): { readonly x: Float64Array; readonly mask: Float64Array } {
  const [first] = sequences;
  const channels = first && "channels" in first ? first.channels : 1;
  const { x, mask } = padSequences(
    sequences.map((sequence) => ("channels" in sequence ? sequence.values : sequence)),
    { steps, channels },
  );
  return { x, mask };
}
