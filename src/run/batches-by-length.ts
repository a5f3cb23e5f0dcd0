import { paddedLength } from "../data/bucketed-batches.ts";
import { takeTurns } from "../platform/turns.ts";
import type { Abortable } from "../shared/signal.ts";

/** How inputs of different lengths are computed. */
export interface BatchesByLength<Input, Result> extends Abortable {
  readonly lengthOf: (input: Input) => number;
  /** B */
  readonly batchSize: number;
  /** Computes the results of a batch, padded to `steps`. */
  readonly run: (batch: readonly Input[], steps: number) => Promise<readonly Result[]>;
}

/** The result of each input, in their order; inputs of similar length are computed together. @throws the reason of `signal` */
export async function resultsByLength<Input, Result>(
  inputs: readonly Input[],
  { lengthOf, batchSize, run, signal }: BatchesByLength<Input, Result>,
): Promise<Result[]> {
  const order = [...inputs.keys()].sort((a, b) => lengthOf(inputs[a]!) - lengthOf(inputs[b]!));
  const results: Result[] = [];
  const turns = takeTurns(signal);
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
