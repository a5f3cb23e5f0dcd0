import type { BatchSource } from "../data/batch-source.ts";
import { expectInteger, UsageError } from "../shared/errors.ts";
import { firstNotFinite } from "../shared/finite.ts";
import { RandomStream } from "../shared/random.ts";
import { adding } from "../tasks/arithmetic.ts";
import { taskSequence } from "../tasks/batch.ts";

/** What a model of numbers learns: [T, B, channels] to one number, at the end or at every step. */
export interface NumberTask {
  readonly channels: number;
  /** T */
  readonly steps: number;
  readonly everyStep: boolean;
  readonly batches: BatchSource;
  /** One example that is shown again and again: input [T, channels], what is to be said, and what stands over its steps. */
  readonly probe: { readonly input: Float32Array; readonly target: Float32Array; readonly labels: readonly string[] };
}

const PER_EPOCH = 1000;

/** The adding problem of `longshort study`: the sum of two numbers that are marked among T is to be said at the end. */
export function addingTask({ steps, rows, seed }: { steps: number; rows: number; seed: number }): NumberTask {
  const task = adding(expectInteger("steps", steps, { min: 2 }));
  const { name, inputSize: channels } = task;
  const shown = taskSequence(task, seed, "test", 0);
  return {
    ...{ channels, steps, everyStep: false },
    batches: {
      batchesPerEpoch: PER_EPOCH,
      identity: { task: name, seed },
      batch(epoch, index) {
        const [x, y] = [new Float32Array(steps * rows * channels), new Float32Array(rows)];
        for (let b = 0; b < rows; b++) {
          const { inputs, answers } = taskSequence(task, seed, "train", (epoch * PER_EPOCH + index) * rows + b);
          for (let t = 0; t < steps; t++)
            x.set(inputs.subarray(t * channels, (t + 1) * channels), (t * rows + b) * channels);
          y[b] = answers[steps - 1]!;
        }
        return { inputs: { x, y }, rows, steps };
      },
    },
    probe: {
      input: Float32Array.from(shown.inputs),
      target: Float32Array.from(shown.answers.slice(-1)),
      labels: Array.from({ length: steps }, (_, t) => (shown.inputs[2 * t + 1] === 1 ? "+" : "·")),
    },
  };
}

/** The next number of a series, at every step: pieces of T steps from anywhere in it. @throws UsageError "bad-series" */
export function seriesTask(
  data: Float32Array,
  { steps: wanted, rows, seed }: { steps: number; rows: number; seed: number },
): NumberTask {
  if (data.length < 8)
    throw new UsageError("bad-series", `series: expected at least 8 numbers to learn from, got ${data.length}`);
  const wrong = firstNotFinite(data);
  if (wrong >= 0) throw new UsageError("bad-series", `series: expected finite numbers, got ${data[wrong]} at ${wrong}`);
  const steps = Math.min(wanted, data.length - 1);
  const shown = Math.min(data.length - 1, 240);
  return {
    ...{ channels: 1, steps, everyStep: true },
    batches: {
      batchesPerEpoch: PER_EPOCH,
      identity: { task: "series", steps, seed, length: data.length },
      batch(epoch, index) {
        const [x, y] = [new Float32Array(steps * rows), new Float32Array(steps * rows)];
        new RandomStream(seed, "series", epoch, index).uniform(rows).forEach((u, b) => {
          const start = Math.floor(u * (data.length - steps));
          for (let t = 0; t < steps; t++) {
            x[t * rows + b] = data[start + t]!;
            y[t * rows + b] = data[start + t + 1]!;
          }
        });
        return { inputs: { x, y }, rows, steps, weight: rows * steps };
      },
    },
    probe: {
      input: data.slice(0, shown),
      target: data.slice(1, shown + 1),
      labels: Array.from(data.slice(0, shown), (v) => String(Number(v.toPrecision(2)))),
    },
  };
}
