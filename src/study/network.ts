import type { Cell } from "../cells/define.ts";
import type { RecurrentPreset } from "../layers/initialize.ts";
import { type Linear, linear } from "../layers/linear.ts";
import { type Recurrent, recurrent } from "../layers/recurrent.ts";
import { binaryCrossEntropy } from "../losses/binary-cross-entropy.ts";
import { crossEntropy } from "../losses/cross-entropy.ts";
import { meanSquaredError } from "../losses/mean-squared-error.ts";
import type { Task } from "../tasks/task.ts";
import type { Graph, Tensor } from "../tensor/graph.ts";
import { reshape } from "../tensor/operations.ts";
import type { HasParameters } from "../tensor/parameter.ts";

export interface TaskNetworkOptions {
  readonly task: Task;
  readonly cell: Cell;
  /** H */
  readonly hiddenSize: number;
  readonly initialize: RecurrentPreset;
}

/** One recurrent layer and a linear head that answers at every step. Parameters as PyTorch names them: `rnn.weight_ih_l0`, …, `head.weight`. */
export class TaskNetwork implements HasParameters {
  readonly task: Task;
  readonly parts: { readonly rnn: Recurrent; readonly head: Linear };

  constructor({ task, cell, hiddenSize, initialize }: TaskNetworkOptions) {
    this.task = task;
    const rnn = recurrent({ cell, inputSize: task.inputSize, hiddenSize, initialize });
    this.parts = { rnn, head: linear({ inputSize: hiddenSize, outputSize: task.outputSize }) };
  }

  /** Records the network on a batch of `taskBatch`. @returns [T, B, C] */
  outputs(graph: Graph, steps: number, rows: number): Tensor {
    const x = graph.input("x", [steps, rows, this.task.inputSize]);
    const mask = graph.input("valid", [steps, rows]);
    return this.parts.head.forward(this.parts.rnn.forward(x, { mask }).output);
  }

  /** Records what is learned: the mean loss of all answers of a batch. @returns [] */
  loss(graph: Graph, steps: number, rows: number): Tensor {
    const { kind, outputSize: C } = this.task;
    const outputs = this.outputs(graph, steps, rows);
    const mask = graph.input("asked", [steps, rows]);
    if (kind === "number")
      return meanSquaredError(reshape(outputs, [steps, rows]), graph.input("y", [steps, rows]), { mask });
    if (kind === "set") return binaryCrossEntropy(outputs, graph.input("y", [steps, rows, C]), { mask });
    return crossEntropy(outputs, graph.input("y", [steps, rows], { type: "int", below: C }), { mask });
  }
}
