import type { Abortable } from "../shared/signal.ts";
import type { EvaluatorRunOptions } from "./evaluator.ts";

/** Enough for full batches of like lengths, few enough that a long measurement says how far it is. */
const PIECE = 1024;

/** What is answered to each of the inputs, piece after piece. @throws the reason of `signal` */
export async function inPieces<I, O>(
  inputs: readonly I[],
  answer: (piece: readonly I[], how: Abortable) => Promise<readonly O[]>,
  { signal, onProgress }: EvaluatorRunOptions = {},
): Promise<O[]> {
  const answers: O[] = [];
  for (let start = 0; start < inputs.length; start += PIECE) {
    signal?.throwIfAborted();
    answers.push(...(await answer(inputs.slice(start, start + PIECE), { signal })));
    await onProgress?.({ done: answers.length, total: inputs.length });
  }
  return answers;
}
