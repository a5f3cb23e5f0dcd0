import type { BatchSource } from "../data/batch-source.ts";
import { expectInteger, UsageError } from "../shared/errors.ts";
import { firstNotFinite } from "../shared/finite.ts";
import { RandomStream } from "../shared/random.ts";

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

/**
 * The adding problem: of T numbers in [0, 1) two are marked, one in either half; at the end their sum is to be said. Always to
 * say 1 has a squared error of 1/6.
 * @see Hochreiter & Schmidhuber (1997), section 5.4; in this form Le, Jaitly & Hinton (2015), arXiv:1504.00941
 */
export function addingTask({ steps, rows, seed }: { steps: number; rows: number; seed: number }): NumberTask {
  expectInteger("steps", steps, { min: 2 });
  const draw = (purpose: string, ...at: readonly number[]) => {
    const half = Math.floor(steps / 2);
    const random = new RandomStream(seed, purpose, ...at).uniform(rows * (steps + 2));
    const x = new Float32Array(steps * rows * 2);
    const y = new Float32Array(rows);
    for (let b = 0; b < rows; b++) {
      const own = random.subarray(b * (steps + 2), (b + 1) * (steps + 2));
      const marks = [Math.floor(own[steps]! * half), half + Math.floor(own[steps + 1]! * (steps - half))];
      for (let t = 0; t < steps; t++) x[(t * rows + b) * 2] = own[t]!;
      for (const t of marks) {
        x[(t * rows + b) * 2 + 1] = 1;
        y[b]! += own[t]!;
      }
    }
    return { x, y };
  };
  const shown = draw("probe");
  const input = Float32Array.from({ length: steps * 2 }, (_, k) => shown.x[(k >> 1) * rows * 2 + (k & 1)]!);
  return {
    ...{ channels: 2, steps, everyStep: false },
    batches: {
      batchesPerEpoch: PER_EPOCH,
      identity: { task: "adding", steps, seed },
      batch(epoch, index) {
        const { x, y } = draw("adding", epoch, index);
        return { inputs: { x, y }, rows, steps };
      },
    },
    probe: {
      input,
      target: shown.y.slice(0, 1),
      labels: Array.from({ length: steps }, (_, t) => (input[2 * t + 1] === 1 ? "+" : "·")),
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
