import { taskBatch } from "../tasks/batch.ts";
import type { TaskSequence } from "../tasks/task.ts";
import { Executables } from "../tensor/executables.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import { sequenceError } from "./error.ts";
import type { TaskNetwork } from "./network.ts";

const ROWS = 64;

/** Asks a network, with its weights as they are, for the answers to sequences. */
export class Examiner {
  private readonly network: TaskNetwork;
  private readonly plans: Executables;

  constructor(network: TaskNetwork, parameters: ParameterStore) {
    this.network = network;
    this.plans = new Executables(parameters.machine, parameters);
  }

  /** The mean of the errors of all sequences. */
  async error(sequences: readonly TaskSequence[]): Promise<number> {
    const { task } = this.network;
    let sum = 0;
    for (let start = 0; start < sequences.length; start += ROWS) {
      const part = sequences.slice(start, start + ROWS);
      const { inputs, rows, steps = 1 } = taskBatch(task, part);
      const plan = await this.plans.of(`${steps} ${rows}`, (graph) =>
        graph.output("outputs", this.network.outputs(graph, steps, rows)),
      );
      for (const name of ["x", "valid"]) plan.write(name, inputs[name]!);
      plan.run();
      const data = await plan.read("outputs");
      for (const [row, sequence] of part.entries()) sum += sequenceError(task, sequence, { data, rows }, row);
    }
    return sum / sequences.length;
  }

  /**
   * Of a language with strings of any size: the largest n up to `most` so that all strings of sizes 1 to n are answered rightly.
   */
  async reach(most: number): Promise<number | undefined> {
    const { ofSize } = this.network.task;
    if (!ofSize) return undefined;
    for (let n = 1; n <= most; n++) if ((await this.error([ofSize(n)])) > 0) return n - 1;
    return most;
  }

  close(): void {
    this.plans.close();
  }
}
