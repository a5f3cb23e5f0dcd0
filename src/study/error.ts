import type { Task, TaskSequence } from "../tasks/task.ts";

/** What a network said of a batch: [T · B · C], row-major. */
export interface Outputs {
  readonly data: ArrayLike<number>;
  /** B */
  readonly rows: number;
}

/**
 * How wrong outputs are, by the rule of the task's kind (`TaskKind`): the squared error of a sequence that asks for a number, 0 or 1 of
 * others.
 *
 * @param row which row of the batch this sequence is
 */
export function sequenceError(task: Task, sequence: TaskSequence, { data, rows }: Outputs, row: number): number {
  const C = task.outputSize;
  let squares = 0;
  for (let t = 0; t < sequence.steps; t++) {
    if (!sequence.asked[t]) continue;
    const at = (t * rows + row) * C;
    const output = Float64Array.from({ length: C }, (_, k) => data[at + k]!);
    if (task.kind === "number") squares += (output[0]! - sequence.answers[t]!) ** 2;
    else if (!rightAt(task, sequence, output, t)) return 1;
  }
  return squares;
}

function rightAt(task: Task, { answers, possible }: TaskSequence, output: Float64Array, t: number): boolean {
  const C = output.length;
  if (task.kind === "set") return output.every((logit, k) => logit > 0 === (answers[t * C + k] === 1));
  if (task.kind === "next") {
    const [in_, out] = [true, false].map((wanted) => output.filter((_, k) => (possible![t * C + k] === 1) === wanted));
    return Math.min(...in_!) > Math.max(...out!);
  }
  const most = Math.max(...output);
  const total = output.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
  return Math.exp(output[answers[t]!]! - most) / total > (task.criterion.confidence ?? 0.5);
}
