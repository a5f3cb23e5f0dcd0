import type { Metrics } from "./evaluator.ts";

/** What a training tells on its way; steps (updates) and epochs are counted from 1. `F`: what is known at its start besides. */
export type TrainEvent<F extends object = object> =
  | StartEvent<F>
  | ProgressEvent
  | ValidationEvent
  | EvaluationEvent
  | EpochEvent
  | CheckpointEvent
  | EndEvent;

/** Before the first step, also the first one after a training was resumed. */
export type StartEvent<F extends object = object> = TrainingStart & F;

export interface TrainingStart {
  readonly type: "start";
  /** Updates that were made before: 0, or more where a training is resumed. */
  readonly step: number;
  /** How many numbers are learned. */
  readonly parameters: number;
  readonly stepsPerEpoch: number;
  readonly epochs: number;
  readonly totalSteps: number;
  /** Memory on the machine. */
  readonly bytes: number;
}

/** Every `logEvery` steps. */
export interface ProgressEvent {
  readonly type: "progress";
  readonly step: number;
  readonly epoch: number;
  /** Mean since the last progress event. */
  readonly loss: number;
  readonly learningRate: number;
  /** Norm of all gradients at this step, before clipping. */
  readonly gradientNorm: number;
  /** What batches count by their `weight`: tokens for text. */
  readonly itemsPerSecond: number;
  readonly secondsLeft: number;
  /** Updates left out so far because a gradient was not finite. */
  readonly skipped: number;
}

/** While a measurement takes long: about once a second, the first time after the first one. */
export interface ValidationEvent {
  readonly type: "validation";
  readonly step: number;
  readonly epoch: number;
  /** Parts that were measured, of how many: batches, or examples where a task measures them itself. */
  readonly done: number;
  readonly total: number;
  /** Of this measurement. */
  readonly secondsLeft: number;
}

/** What was measured, and what it means. */
interface Measured {
  /** All that the evaluator measured. */
  readonly metrics?: Metrics;
  /** The metric `loss`, where there is one. */
  readonly validationLoss?: number;
  /** Whether the metric that decides (without an evaluator the loss of training) is better than ever before. */
  readonly best: boolean;
}

/** In the middle of an epoch, where `evaluateEvery` or the end asks for it. */
export interface EvaluationEvent extends Measured {
  readonly type: "evaluation";
  readonly step: number;
  readonly epoch: number;
}

/** At the end of each epoch. */
export interface EpochEvent extends Measured {
  readonly type: "epoch";
  readonly epoch: number;
  readonly step: number;
  /** Mean over the epoch, of weights that changed meanwhile. */
  readonly trainLoss: number;
  /** Of the epoch, without the validation. */
  readonly seconds: number;
}

/** A moment to save, as `checkpointEvery` asked for: `snapshot()` now. */
export interface CheckpointEvent {
  readonly type: "checkpoint";
  readonly step: number;
  readonly epoch: number;
}

/** The last event. */
export interface EndEvent {
  readonly type: "end";
  /** All steps were made, `signal` aborted it, or the metric that decides got no better. */
  readonly reason: "done" | "aborted" | "stopped-early";
  readonly step: number;
  /** Of all steps, without the validations. */
  readonly seconds: number;
}

/** What is to be done at events, by their type. */
export type Callbacks<F extends object = object> = {
  readonly [E in TrainEvent<F> as E["type"]]?: (event: E) => unknown;
};
