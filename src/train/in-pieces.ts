import type { EvaluatorRunOptions } from "./evaluator.ts";

/** Enough for full batches of like lengths, few enough that a long measurement says how far it is. */
const PIECE = 1024;

/** What is answered to each of the inputs, piece after piece; undefined when `signal` aborted it before the end. */
export async function inPieces<I, O>(
  inputs: readonly I[],
  answer: (piece: readonly I[]) => Promise<readonly O[]>,
  { signal, onProgress }: EvaluatorRunOptions = {},
): Promise<O[] | undefined> {
  const answers: O[] = [];
  for (let start = 0; start < inputs.length; start += PIECE) {
    if (signal?.aborted) return undefined;
    answers.push(...(await answer(inputs.slice(start, start + PIECE))));
    await onProgress?.({ done: answers.length, total: inputs.length });
  }
  return signal?.aborted ? undefined : answers;
}
