import { paddedLength } from "../data/bucketed-batches.ts";
import { takeTurns } from "../platform/turns.ts";

/** How inputs of different lengths are computed. */
export interface BatchesByLength<Input, Result> {
  readonly lengthOf: (input: Input) => number;
  /** B */
  readonly batchSize: number;
  /** Computes the results of a batch, padded to `steps`. */
  readonly run: (batch: readonly Input[], steps: number) => Promise<readonly Result[]>;
}

/** The result of each input, in their order; inputs of similar length are computed together. */
export async function resultsByLength<Input, Result>(
  inputs: readonly Input[],
  { lengthOf, batchSize, run }: BatchesByLength<Input, Result>,
): Promise<Result[]> {
  const order = [...inputs.keys()].sort((a, b) => lengthOf(inputs[a]!) - lengthOf(inputs[b]!));
  const results: Result[] = [];
  const turns = takeTurns();
  for (let start = 0; start < order.length; start += batchSize) {
    await turns();
    const chosen = order.slice(start, start + batchSize);
    const batch = chosen.map((k) => inputs[k]!);
    const longest = lengthOf(batch.at(-1)!);
    const found = await run(batch, paddedLength(Math.max(1, longest)));
    for (const [row, k] of chosen.entries()) results[k] = found[row]!;
  }
  return results;
}
