import { Closing } from "../shared/closing.ts";
import { expectOptions } from "../shared/options.ts";
import type { Executable } from "../tensor/executable.ts";
import type { Graph } from "../tensor/graph.ts";
import { type Learner, type LearnerOptions, type Objective, openLearner } from "./learner.ts";
import type { StepReading } from "./notes.ts";

export interface TrainingStepOptions extends Omit<LearnerOptions, "record" | "accumulates"> {
  /** Records the forward pass and the loss. */
  readonly record: (graph: Graph) => Objective;
}

/**
 * A training step for a loop of one's own: forward, loss, backward, clipping, update and carried state are recorded once
 * and replayed at each step. Moments of the optimizer begin anew. (`openTrainer` is the loop with everything around it.)
 *
 * @throws FailureError "out-of-memory" before anything is allocated
 */
export async function openTrainingStep(options: TrainingStepOptions): Promise<TrainingStep> {
  expectOptions("openTrainingStep", options, {
    record: "required",
    seed: 1,
    machine: "required",
    parameters: "required",
    optimizer: "required",
    clipNorm: 1,
    clipValue: 1,
    recompute: 1,
  });
  const learner = await openLearner(options);
  try {
    // Inputs are written by the caller.
    return new TrainingStep(learner, await learner.plan({ inputs: {}, rows: 1 }));
  } catch (error) {
    learner.close();
    throw error;
  }
}

/** One training step, ready to run as often as one likes. */
export class TrainingStep extends Closing {
  /** The plan up to the gradients: write its inputs before each run. */
  readonly executable: Executable;
  private readonly learner: Learner;

  constructor(learner: Learner, executable: Executable) {
    super();
    this.learner = learner;
    this.executable = executable;
  }

  /**
   * Issues step number `step` (from 1) with a learning rate. Inputs must have been written. Updates that were left out do
   * not count for Adam's bias correction and the like from the next reading on; read after each step to have that exact.
   */
  run(step: number, rate: number): void {
    this.learner.addGradient(this.executable, step, { share: 1, firstExample: 0 });
    this.learner.applyUpdate(step, rate);
  }

  /** What the machine has noted since the last reading. */
  read(): Promise<StepReading> {
    return this.learner.read();
  }

  /** Bytes that the step keeps on the machine, parameters and moments included. */
  get bytes(): number {
    return this.learner.bytes;
  }

  /** Frees what belongs to the step; the parameters stay. */
  close(): void {
    this.learner.close();
  }
}
