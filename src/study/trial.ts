import type { Machine } from "../compute/machine.ts";
import { FailureError } from "../shared/errors.ts";
import type { Abortable } from "../shared/signal.ts";
import { taskBatch, taskSequence } from "../tasks/batch.ts";
import type { Task, TaskSequence } from "../tasks/task.ts";
import { layoutParameters } from "../tensor/parameter.ts";
import { createParameters } from "../tensor/parameter-store.ts";
import { openTrainer } from "../train/trainer.ts";
import { studyCell } from "./cells.ts";
import { beginWithLongMemories } from "./chrono.ts";
import { Examiner } from "./examiner.ts";
import { gradientByLag } from "./gradients.ts";
import { TaskNetwork } from "./network.ts";
import type { TrialSettings } from "./settings.ts";

export interface TrialOptions extends Abortable {
  readonly machine: Machine;
  readonly task: Task;
  /** Name of a cell of the study. */
  readonly cell: string;
  readonly seed: number;
  readonly settings: TrialSettings;
  /** Whether to measure how far gradients reach, before and after. Default false. */
  readonly gradients?: boolean | undefined;
  /** Called at each look at the test sequences. */
  readonly onCheck?: ((sequences: number, error: number) => void) | undefined;
}

export interface TrialResult {
  /** Whether the criterion was reached. */
  readonly solved: boolean;
  /** Sequences learned from until then, or until the trial was given up. */
  readonly sequences: number;
  /** On the test sequences, at the end. */
  readonly error: number;
  /** How many numbers were learned. */
  readonly parameters: number;
  /** [sequences, error] at each look. */
  readonly curve: readonly (readonly [number, number])[];
  /** The training ended because its loss was no number. */
  readonly diverged?: true;
  /** Of a language: all strings up to this size are right, of sizes up to `MOST`. */
  readonly reach?: number;
  /** ‖∂L/∂h_t‖ by lag (`gradientByLag`). */
  readonly gradients?: { readonly start: readonly number[]; readonly trained: readonly number[] };
}

/** Largest size of a string that is looked at. */
export const MOST = 200;
/** Sequences with fewer steps have no long lags to look at. */
const LONG = 20;
/** Sequences that gradients are averaged over. */
const TRACED = 8;
/** Test sequences are the same for every seed and cell. */
const TEST_SEED = 1;

/** Trains one network with one seed until it meets the task's criterion or the budget is spent. @throws the reason of `signal` */
export async function runTrial(options: TrialOptions): Promise<TrialResult> {
  const { machine, task, seed, settings, signal, onCheck } = options;
  const { hiddenSize, batchSize, learningRate, schedule, clipNorm, initialize, budget, checkEvery } = settings;
  const cell = studyCell(options.cell);
  const network = new TaskNetwork({ task, cell, hiddenSize, initialize });
  const parameters = await createParameters({ machine, layout: layoutParameters(network), seed });
  const { memory } = settings;
  if (memory !== undefined) await beginWithLongMemories(parameters, cell, { memory, seed });
  const examiner = new Examiner(network, parameters);
  const test = Array.from({ length: settings.testSequences }, (_, k) => taskSequence(task, TEST_SEED, "test", k));
  const flow =
    options.gradients && test.slice(0, TRACED).every(({ steps }) => steps >= LONG)
      ? (): Promise<number[]> => gradientByLag(network, parameters, test.slice(0, TRACED))
      : undefined;
  try {
    const trainer = await openTrainer({
      ...{ machine, parameters, learningRate, schedule, clipNorm, seed, signal },
      batches: {
        batchesPerEpoch: Math.ceil(budget / batchSize),
        batch: (_, index) => taskBatch(task, trainingSequences(task, seed, index, batchSize)),
      },
      ...{ epochs: 1, evaluateEvery: checkEvery, logEvery: Number.MAX_SAFE_INTEGER },
      evaluator: { run: async () => ({ loss: await examiner.error(test) }), close: () => undefined },
      record: (graph, { steps = 1, rows }) => ({ loss: network.loss(graph, steps, rows) }),
    });
    try {
      const start = await flow?.();
      const curve: [number, number][] = [];
      let [solved, diverged] = [false, false];
      try {
        for await (const event of trainer) {
          if (event.type === "end" && event.reason === "aborted") throw signal!.reason;
          const error = "metrics" in event ? event.metrics?.loss : undefined;
          if (error === undefined) continue;
          curve.push([trainer.step * batchSize, error]);
          onCheck?.(trainer.step * batchSize, error);
          solved = error <= task.criterion.error;
          if (solved) break;
        }
      } catch (failed) {
        if (!(failed instanceof FailureError && failed.code === "diverged")) throw failed;
        diverged = true;
      }
      const reach = solved ? await examiner.reach(MOST) : undefined;
      const trained = await flow?.();
      return {
        ...{ solved, sequences: trainer.step * batchSize, error: curve.at(-1)?.[1] ?? task.chance },
        ...{ parameters: parameters.count, curve },
        ...(diverged && { diverged }),
        ...(reach !== undefined && { reach }),
        ...(start && trained && { gradients: { start, trained } }),
      };
    } finally {
      trainer.close();
    }
  } finally {
    examiner.close();
    parameters.close();
  }
}

const trainingSequences = (task: Task, seed: number, index: number, count: number): TaskSequence[] =>
  Array.from({ length: count }, (_, b) => taskSequence(task, seed, "train", index * count + b));
