import type { Batch } from "../data/batch-source.ts";
import { paddedLength } from "../data/bucketed-batches.ts";
import { RandomStream } from "../shared/random.ts";
import type { Task, TaskSequence } from "./task.ts";

/** Sequences side by side, time-major and padded at the end to one of few lengths, so that few plans serve all batches. */
export function taskBatch({ kind, inputSize: D, outputSize: C }: Task, sequences: readonly TaskSequence[]): Batch {
  const B = sequences.length;
  const T = paddedLength(Math.max(...sequences.map(({ steps }) => steps)));
  const width = kind === "set" ? C : 1;
  const x = new Float64Array(T * B * D);
  const y = new Float64Array(T * B * width);
  const [valid, asked] = [new Float64Array(T * B), new Float64Array(T * B)];
  for (const [b, sequence] of sequences.entries())
    for (let t = 0; t < sequence.steps; t++) {
      const at = t * B + b;
      x.set(sequence.inputs.subarray(t * D, (t + 1) * D), at * D);
      y.set(sequence.answers.subarray(t * width, (t + 1) * width), at * width);
      valid[at] = 1;
      asked[at] = sequence.asked[t]!;
    }
  return { inputs: { x, y, valid, asked }, rows: B, steps: T };
}

/** Sequence number `index` of what `purpose` names: training and test draw from different rows. */
export const taskSequence = (task: Task, seed: number, purpose: "train" | "test", index: number): TaskSequence =>
  task.sequence(new RandomStream(seed, `task ${task.name}: ${purpose}`, index));
