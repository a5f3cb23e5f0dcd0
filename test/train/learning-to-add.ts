import { gru } from "../../src/cells/gru.ts";
import type { BatchSource } from "../../src/data/batch-source.ts";
import { bucketedBatches } from "../../src/data/bucketed-batches.ts";
import { dropout } from "../../src/layers/dropout.ts";
import { linear } from "../../src/layers/linear.ts";
import { recurrent } from "../../src/layers/recurrent.ts";
import { meanSquaredError } from "../../src/losses/mean-squared-error.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { reshape } from "../../src/tensor/operations.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { openEvaluator } from "../../src/train/evaluator.ts";
import type { TrainEvent } from "../../src/train/events.ts";
import { openTrainer, type Trainer } from "../../src/train/trainer.ts";
import type { TrainerOptions } from "../../src/train/trainer-options.ts";
import type { Opened } from "../support/machines.ts";

/** Sequences of different length; to be learned is their sum. */
const examples = Array.from({ length: 26 }, (_, k) => new RandomStream(7, "example", k).uniform(1 + ((k * 5) % 9)));
export const sum = (x: ArrayLike<number>): number => Array.from(x).reduce((a, b) => a + b, 0);

export function ragged(options: { batchSize?: number; seed?: number } = {}): BatchSource {
  return bucketedBatches({
    lengths: examples.map((x) => x.length),
    ...{ batchSize: 4, seed: 3, bucket: 2, ...options },
    inputs(chosen, steps) {
      const B = chosen.length;
      const [x, mask] = [new Float64Array(steps * B), new Float64Array(steps * B)];
      for (let b = 0; b < B; b++) {
        const example = examples[chosen[b]!]!;
        for (let t = 0; t < example.length; t++) {
          x[t * B + b] = example[t]!;
          mask[t * B + b] = 1;
        }
      }
      return { x, mask, y: Float64Array.from(chosen, (example) => sum(examples[example]!)) };
    },
  });
}

/** Adds numbers up: GRU, dropout, linear; the last state of each row is its answer. */
export function adder(rate = 0.2) {
  const rnn = recurrent({ cell: gru(), inputSize: 1, hiddenSize: 3 });
  const head = linear({ inputSize: 3, outputSize: 1 });
  const record: TrainerOptions["record"] = (graph, { rows, steps = 1 }) => {
    const x = graph.input("x", [steps, rows, 1]);
    const mask = graph.input("mask", [steps, rows]);
    const y = graph.input("y", [rows, 1]);
    const { h } = rnn.forward(x, { mask }).final;
    const answer = head.forward(dropout({ rate }).forward(reshape(h!, [rows, 3])));
    return { loss: meanSquaredError(answer, y) };
  };
  return { model: { parts: { rnn, head } }, record };
}

export async function opened(
  m: Pick<Opened, "machine">,
  { measured, ...options }: Partial<TrainerOptions> & { measured?: boolean } = {},
) {
  const { machine } = m;
  const { model, record } = adder();
  const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 1 });
  const batches = ragged();
  const evaluator = measured
    ? await openEvaluator({
        ...{ machine, parameters, batches },
        record: (graph, batch) => ({ metrics: { loss: record(graph, batch).loss } }),
      })
    : undefined;
  const trainer = await openTrainer({
    ...{ machine, parameters, batches, record, evaluator, learningRate: 0.05, epochs: 3, logEvery: 4 },
    ...options,
  });
  return { trainer, parameters, machine };
}

/** Without what depends on the clock, moments to save and news of a measurement included. */
export const timelessOf = (events: readonly TrainEvent[]): object[] =>
  events
    .filter(({ type }) => type !== "checkpoint" && type !== "validation")
    .map((event) =>
      Object.fromEntries(
        Object.entries(event).filter(([name]) => !["seconds", "itemsPerSecond", "secondsLeft", "bytes"].includes(name)),
      ),
    );
export async function eventsOf(trainer: Trainer, until = Number.POSITIVE_INFINITY): Promise<TrainEvent[]> {
  const all: TrainEvent[] = [];
  for await (const event of trainer) {
    all.push(event);
    if ("step" in event && event.step >= until) break;
  }
  return all;
}
