import type { BestState } from "./best.ts";
import type { TrainEvent } from "./events.ts";
import type { PlateauState } from "./plateau.ts";
import type { TrainingPlan } from "./trainer-options.ts";

/** Sums since the start of an epoch or since the last progress event. */
interface Sums {
  /** Σ loss · weight */
  loss: number;
  weight: number;
  seconds: number;
}

/** The state of a training outside the machine: plain values that are stored in checkpoints as they are. */
export interface TrainerState<F extends object = object> {
  /** Number of updates so far; the position in the data follows from it. */
  step: number;
  seconds: number;
  epoch: Sums;
  progress: Sums;
  best: BestState;
  /** The rate, where it follows a metric. */
  plateau: PlateauState | null;
  /** Whether it has been decided to stop early. */
  stopped: boolean;
  /** An evaluation that must precede the next step. */
  due: "epoch" | "evaluation" | null;
  /** Events to emit before the next step. */
  events: TrainEvent<F>[];
}

export const firstState = <F extends object>({ best, rate }: TrainingPlan): TrainerState<F> => ({
  ...{ step: 0, seconds: 0 },
  epoch: { loss: 0, weight: 0, seconds: 0 },
  progress: { loss: 0, weight: 0, seconds: 0 },
  best: best.initial,
  plateau: rate.plateau?.initial ?? null,
  ...{ stopped: false, due: null, events: [] },
});
