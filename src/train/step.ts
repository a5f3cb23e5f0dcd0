import type { Numbers } from "../compute/machine.ts";
import { Closing } from "../shared/closing.ts";
import { expectInteger } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Executable } from "../tensor/executable.ts";
import type { Graph } from "../tensor/graph.ts";
import { type Learner, type LearnerOptions, type Objective, openLearner } from "./learner.ts";
import type { StepReading } from "./notes.ts";

/** Options of `openTrainingStep`. */
export interface TrainingStepOptions extends Omit<LearnerOptions, "record" | "accumulates"> {
  /** Records the forward pass and the loss. */
  readonly record: (graph: Graph) => Objective;
}

/**
 * Opens a single training step for your own loop: forward, loss, backward, clipping, update and carried state, recorded once and
 * replayed at each step. `openTrainer` is the complete loop.
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

/** A training step that can be run repeatedly: see `openTrainingStep`. */
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
   * Runs step number `step` (from 1) with a learning rate, after the inputs have been written. Skipped updates are excluded from Adam's
   * bias correction from the next reading on; read after each step to have that exact.
   * @throws UsageError "not-an-integer", "out-of-range" for the step; "not-a-number" for a rate that is not finite
   */
  run(step: number, rate: number): void {
    expectInteger("TrainingStep.run: step", step, { min: 1 });
    this.learner.addGradient(this.executable, step, { share: 1, firstExample: 0 });
    this.learner.applyUpdate(step, rate);
  }

  /** Reads the results since the last reading. */
  read(): Promise<StepReading> {
    return this.learner.read();
  }

  /** Resolves to copies of the gradients of the last run by the name of their parameter, before clipping; frozen ones have none. */
  gradients(): Promise<Map<string, { shape: readonly number[]; data: Numbers }>> {
    return this.learner.readGradients();
  }

  /** Memory of the step on the machine in bytes, including parameters and moments. */
  get bytes(): number {
    return this.learner.bytes;
  }

  /** Frees what belongs to the step; the parameters stay. */
  close(): void {
    this.learner.close();
  }
}
