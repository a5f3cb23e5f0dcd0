/** What a training tells on its way. Losses are nats per token; steps and epochs are counted from 1. */
export type TrainEvent = StartEvent | ProgressEvent | EvaluationEvent | EpochEvent | EndEvent;

/** Before the first step. */
export interface StartEvent {
  readonly type: "start";
  /** How many numbers are learned. */
  readonly parameters: number;
  readonly trainTokens: number;
  readonly validationTokens: number;
  /** B and T, as given or as fitted to a short text. */
  readonly batchSize: number;
  readonly steps: number;
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
  readonly tokensPerSecond: number;
  readonly secondsLeft: number;
  /** Updates left out so far because a gradient was not finite. */
  readonly skipped: number;
}

/** In the middle of an epoch, where `evaluateEvery` or the end asks for it. */
export interface EvaluationEvent {
  readonly type: "evaluation";
  readonly step: number;
  readonly epoch: number;
  readonly validationLoss: number;
  /** Whether it is the lowest so far. */
  readonly best: boolean;
}

/** At the end of each epoch. */
export interface EpochEvent {
  readonly type: "epoch";
  readonly epoch: number;
  readonly step: number;
  /** Mean over the epoch, of weights that changed meanwhile. */
  readonly trainLoss: number;
  readonly validationLoss?: number;
  /** Of the epoch, without the validation. */
  readonly seconds: number;
  /** Whether `validationLoss` (without one `trainLoss`) is the lowest so far. */
  readonly best: boolean;
}

/** The last event. */
export interface EndEvent {
  readonly type: "end";
  readonly reason: "done" | "aborted";
  readonly step: number;
  /** Of all steps, without the validations. */
  readonly seconds: number;
}
