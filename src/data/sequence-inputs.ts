import type { Series } from "./examples.ts";

/** What a model reads: tokens, or series (already scaled). */
export type Sequence = Int32Array | Series;

export const lengthOf = (sequence: Sequence): number =>
  "channels" in sequence ? sequence.values.length / sequence.channels : sequence.length;

/** Sequences side by side, padded at the end to T steps. `x`: tokens [T, B], or numbers [T, B, D]; `mask` [T, B]. */
export function sequenceInputs(
  sequences: readonly Sequence[],
  steps: number,
): { readonly x: Int32Array | Float64Array; readonly mask: Float64Array } {
  const B = sequences.length;
  const [first] = sequences;
  const D = first && "channels" in first ? first.channels : undefined;
  const x = D === undefined ? new Int32Array(steps * B) : new Float64Array(steps * B * D);
  const mask = new Float64Array(steps * B);
  for (const [b, sequence] of sequences.entries()) {
    const length = lengthOf(sequence);
    const width = D ?? 1;
    const values = "channels" in sequence ? sequence.values : sequence;
    for (let t = 0; t < length; t++) {
      mask[t * B + b] = 1;
      for (let d = 0; d < width; d++) x[(t * B + b) * width + d] = values[t * width + d]!;
    }
  }
  return { x, mask };
}
