import type { MonitoredMetric } from "./best.ts";
import type { Metrics } from "./evaluator.ts";

/** An event of a training. Steps (updates) and epochs are counted from 1. `F`: further facts of the start event. */
export type TrainEvent<F extends object = object> =
  | StartEvent<F>
  | ProgressEvent
  | ValidationEvent
  | EvaluationEvent
  | EpochEvent
  | CheckpointEvent
  | EndEvent;

/** The start of a training, or of its continuation after a resume. */
export type StartEvent<F extends object = object> = TrainingStart & F;

/** What every training says when it begins. */
export interface TrainingStart {
  readonly type: "start";
  /** Updates made before: 0, or more after a resume. */
  readonly step: number;
  /** Number of trainable numbers. */
  readonly parameters: number;
  readonly stepsPerEpoch: number;
  readonly epochs: number;
  readonly totalSteps: number;
  /** Memory on the machine, in bytes. */
  readonly bytes: number;
  /** The metric that decides which weights are best; absent without an evaluator. */
  readonly monitor?: MonitoredMetric | undefined;
}

/** Progress, every `logEvery` steps. */
export interface ProgressEvent {
  readonly type: "progress";
  readonly step: number;
  readonly epoch: number;
  /** Mean loss since the last progress event. */
  readonly loss: number;
  readonly learningRate: number;
  /** Norm of all gradients at this step, before clipping. */
  readonly gradientNorm: number;
  /** Items per second, in the units of `Batch.weight`: tokens for text. */
  readonly itemsPerSecond: number;
  /** Estimated time left, in seconds. */
  readonly secondsLeft: number;
  /** Updates skipped so far because a gradient was not finite. */
  readonly skipped: number;
}

/** Progress of a long evaluation, about once a second, first after one second. */
export interface ValidationEvent {
  readonly type: "validation";
  readonly step: number;
  readonly epoch: number;
  /** Number of batches (or examples) evaluated so far. */
  readonly done: number;
  /** Number of batches (or examples) in all. */
  readonly total: number;
  /** Estimated time left of this evaluation, in seconds. */
  readonly secondsLeft: number;
}

/** What was measured, and what it means. */
interface Measured {
  /** All that the evaluator measured. */
  readonly metrics?: Metrics | undefined;
  /** The metric `loss`, where there is one. */
  readonly validationLoss?: number | undefined;
  /** Whether these weights are the best so far, by the monitored metric; without an evaluator the latest are. */
  readonly best: boolean;
}

/** An evaluation within an epoch, requested by `evaluateEvery` or at the end. */
export interface EvaluationEvent extends Measured {
  readonly type: "evaluation";
  readonly step: number;
  readonly epoch: number;
}

/** The end of an epoch. */
export interface EpochEvent extends Measured {
  readonly type: "epoch";
  readonly epoch: number;
  readonly step: number;
  /** Mean training loss over the epoch, while the weights changed. */
  readonly trainLoss: number;
  /** Time of the epoch, without the evaluation. */
  readonly seconds: number;
}

/** A moment to save, as requested by `checkpointEvery`: call `snapshot()` now. */
export interface CheckpointEvent {
  readonly type: "checkpoint";
  readonly step: number;
  readonly epoch: number;
}

/** The last event of a training. */
export interface EndEvent {
  readonly type: "end";
  /** Why training ended: all steps done, aborted by `signal`, or stopped early. */
  readonly reason: "done" | "aborted" | "stopped-early";
  readonly step: number;
  /** Time of all steps, without evaluations. */
  readonly seconds: number;
}

/** Functions to call at events, by event type. */
export type Callbacks<F extends object = object> = {
  readonly [E in TrainEvent<F> as E["type"]]?: ((event: E) => unknown) | undefined;
};
