import { cellByName } from "../cells/registry.ts";
import { safeTensor } from "../checkpoint/safe-tensor.ts";
import { writeSafetensors } from "../checkpoint/safetensors.ts";
import type { Machine } from "../compute/machine.ts";
import { trace } from "../explain/trace.ts";
import { linear } from "../layers/linear.ts";
import { recurrent } from "../layers/recurrent.ts";
import { meanSquaredError } from "../losses/mean-squared-error.ts";
import type { Graph, Tensor } from "../tensor/graph.ts";
import { slice } from "../tensor/operations.ts";
import { layoutParameters } from "../tensor/parameter.ts";
import { createParameters } from "../tensor/parameter-store.ts";
import { openTrainer } from "../train/trainer.ts";
import { type LiveTask, trainingOf } from "./live-task.ts";
import { addingTask, type NumberTask, seriesTask } from "./number-tasks.ts";
import type { TrainingChoice } from "./protocol.ts";
import { valuesOf } from "./reading.ts";

/** Answers that are shown. */
const ANSWERS = 6;

/**
 * Recurrent layers and one number of what they say, trained on `choice.numbers`. Its file holds the names and layout of a state
 * dictionary of PyTorch: `rnn.weight_ih_l0`, …, `value.weight`.
 */
export async function openNumbersTask(machine: Machine, choice: TrainingChoice): Promise<LiveTask> {
  const { hiddenSize, numLayers, batchSize: rows, seed, sequenceLength } = choice;
  const numbers = choice.numbers!;
  const task: NumberTask =
    numbers.task === "adding"
      ? addingTask({ steps: numbers.steps, rows, seed })
      : seriesTask(Float32Array.from(numbers.data), { steps: sequenceLength, rows, seed });
  const { channels, everyStep } = task;
  const rnn = recurrent({ cell: cellByName(choice.cell), inputSize: channels, hiddenSize, numLayers });
  const value = linear({ inputSize: hiddenSize, outputSize: 1 });
  const layout = layoutParameters({ parts: { rnn, value } });
  const parameters = await createParameters({ machine, layout, seed });
  const record = (graph: Graph, { rows: B, steps: T = 1 }: { rows: number; steps?: number | undefined }) => {
    const { output } = rnn.forward(graph.input("x", [T, B, channels]));
    const said: Tensor = value.forward(everyStep ? output : slice(output, 0, T - 1, T));
    return { loss: meanSquaredError(said, graph.input("y", said.shape)) };
  };
  /** What it says of the probe, at every step. */
  const answers = async () => {
    const traced = await trace({ model: rnn, parameters }, { data: task.probe.input });
    const [weight, bias] = [await parameters.read("value.weight"), await parameters.read("value.bias")];
    const { data } = traced.output;
    const said = Float32Array.from({ length: data.length / hiddenSize }, (_, t) => {
      let sum = bias[0]!;
      for (let u = 0; u < hiddenSize; u++) sum += weight[u]! * data[t * hiddenSize + u]!;
      return sum;
    });
    return { said, values: traced.values };
  };
  try {
    const { batches } = task;
    const trainer = await openTrainer({ machine, parameters, batches, record, ...trainingOf(choice) });
    return {
      ...{ trainer, parameters, vocabularySize: undefined, stepsPerItem: everyStep ? 1 : task.steps },
      async read() {
        const { said, values } = await answers();
        const steps = task.probe.labels.length;
        const from = everyStep ? 0 : steps - 1;
        const errors = Array.from(task.probe.target, (y, k) => (said[from + k]! - y) ** 2);
        return {
          ...{ tokens: task.probe.labels, leftOut: [], cut: false, predictions: [] },
          values: valuesOf(values),
          loss: errors.reduce((a, b) => a + b, 0) / errors.length,
          outputs: [{ name: "value", width: 1, everyStep: true, data: said }],
        };
      },
      async sample() {
        const { said } = await answers();
        const { input, target } = task.probe;
        if (!everyStep) {
          const marked = Array.from({ length: task.steps }, (_, t) => t).filter((t) => input[2 * t + 1] === 1);
          const terms = marked.map((t) => input[2 * t]!.toFixed(2)).join(" + ");
          return `${terms} = ${target[0]!.toFixed(2)}\n→ ${said.at(-1)!.toFixed(2)}`;
        }
        const first = target.length - ANSWERS;
        const lines = Array.from({ length: ANSWERS }, (_, k) => first + k).map(
          (t) => `${input[t]!.toFixed(2)} → ${said[t]!.toFixed(2)} (${target[t]!.toFixed(2)})`,
        );
        return lines.join("\n");
      },
      async save() {
        const tensors = [...(await parameters.toTensors())].map(
          ([name, { shape, data }]) => [name, safeTensor("F32", shape, data)] as const,
        );
        return writeSafetensors(new Map(tensors));
      },
    };
  } catch (error) {
    parameters.close();
    throw error;
  }
}
