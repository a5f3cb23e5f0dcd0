import { platform } from "#platform";
import type { CarriedBatches } from "../data/carried-batches.ts";
import { FailureError } from "../shared/errors.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import type { TextEvaluator } from "./evaluate-text.ts";
import type { TrainEvent } from "./events.ts";
import type { Schedule } from "./schedules.ts";
import type { StepReading, TrainingStep } from "./step.ts";
import { takeTurns } from "./turns.ts";

/** States of the training step that begin anew with each epoch. */
export const CARRIED = "carried.";

export interface TrainingPlan {
  readonly epochs: number;
  readonly totalSteps: number;
  readonly logEvery: number;
  /** Infinity: only where epochs end. */
  readonly evaluateEvery: number;
}

export interface TrainerParts extends TrainingPlan {
  readonly parameters: ParameterStore;
  readonly batches: CarriedBatches;
  readonly step: TrainingStep;
  readonly evaluator: TextEvaluator | undefined;
  readonly rate: Schedule;
  readonly sizes: { readonly trainTokens: number; readonly validationTokens: number };
  readonly owned: readonly { close(): void }[];
  readonly signal: AbortSignal | undefined;
}

/** A training under way: see `trainText`. Leaving the loop early and iterating again goes on where it stopped. */
export class TextTrainer implements AsyncIterable<TrainEvent> {
  /** The model's weights as they are now. */
  readonly parameters: ParameterStore;
  private readonly parts: TrainerParts;
  /** Updates made so far. */
  private done = 0;
  private seconds = 0;
  private best = Number.POSITIVE_INFINITY;
  private epoch = { sum: 0, steps: 0, seconds: 0 };
  private progress = { sum: 0, steps: 0, seconds: 0 };
  private started = false;
  /** Told at the next opportunity, also when the loop was left in between. */
  private readonly events: TrainEvent[] = [];

  constructor(parts: TrainerParts) {
    this.parts = parts;
    this.parameters = parts.parameters;
  }

  /** Trains, and tells what happens on the way. */
  async *[Symbol.asyncIterator](): AsyncGenerator<TrainEvent, void> {
    const { totalSteps, signal } = this.parts;
    if (!this.started) this.events.push(this.startEvent());
    this.started = true;
    const turns = takeTurns();
    for (;;) {
      for (let event = this.events.shift(); event; event = this.events.shift()) yield event;
      if (this.done >= totalSteps || signal?.aborted) break;
      await this.step(turns);
    }
    const reason = this.done < totalSteps ? "aborted" : "done";
    yield { type: "end", reason, step: this.done, seconds: this.seconds };
  }

  private async step(turns: () => Promise<void>): Promise<void> {
    const { batches, step, rate, totalSteps, logEvery, evaluateEvery } = this.parts;
    const start = platform.now();
    const batch = batches.batch(batches.position(this.done).window);
    step.executable.write("tokens", batch.input);
    step.executable.write("targets", batch.target);
    if (batch.first) this.zeroState();
    const learningRate = rate(this.done);
    step.run(this.done + 1, learningRate);
    this.done += 1;
    const epochEnds = batch.window === batches.windows - 1;
    const measures = this.done % evaluateEvery === 0 || this.done === totalSteps;
    const tells = this.done % logEvery === 0;
    const reading = epochEnds || measures || tells ? await this.read(learningRate) : undefined;
    await turns();
    this.count(start);
    if (reading && tells) this.events.push(this.progressEvent(reading, learningRate));
    if (epochEnds) this.events.push(await this.endEpoch());
    else if (measures) this.events.push(...(await this.evaluation()));
  }

  /** Frees the plan and everything made for it: the parameters too, unless they were given. */
  close(): void {
    for (const one of this.parts.owned) one.close();
  }

  /** The same as `close`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The carried state only: notes go on from epoch to epoch. */
  private zeroState(): void {
    const { executable } = this.parts.step;
    for (const [name, { range }] of Object.entries(executable.graph.states))
      if (name.startsWith(CARRIED)) executable.writeState(name, new Float32Array(range.length));
  }

  private count(start: number): void {
    const seconds = (platform.now() - start) / 1000;
    this.seconds += seconds;
    this.epoch.seconds += seconds;
    this.epoch.steps += 1;
    this.progress.seconds += seconds;
    this.progress.steps += 1;
  }

  private async read(learningRate: number): Promise<StepReading> {
    const reading = await this.parts.step.read();
    if (reading.failedAt > 0) throw diverged(reading, this.parts.batches, learningRate);
    this.epoch.sum += reading.lossSum;
    this.progress.sum += reading.lossSum;
    return reading;
  }

  private startEvent(): TrainEvent {
    const { batches, step, sizes, totalSteps, epochs } = this.parts;
    const { streams, steps } = batches.batch(0);
    return {
      type: "start",
      ...{ parameters: this.parameters.count, ...sizes, batchSize: streams, steps },
      ...{ stepsPerEpoch: batches.windows, epochs, totalSteps, bytes: step.bytes },
    };
  }

  private progressEvent({ gradientNorm, skipped }: StepReading, learningRate: number): TrainEvent {
    const { batches, totalSteps } = this.parts;
    const { sum, steps, seconds } = this.progress;
    this.progress = { sum: 0, steps: 0, seconds: 0 };
    return {
      type: "progress",
      ...{ step: this.done, epoch: this.epochNumber, loss: sum / steps, learningRate, gradientNorm, skipped },
      tokensPerSecond: (steps * (batches.tokensPerEpoch / batches.windows)) / seconds,
      secondsLeft: ((totalSteps - this.done) * this.seconds) / this.done,
    };
  }

  /** From 1: the epoch of the update made last. */
  private get epochNumber(): number {
    return this.parts.batches.position(this.done - 1).epoch + 1;
  }

  private async endEpoch(): Promise<TrainEvent> {
    const { sum, steps, seconds } = this.epoch;
    this.epoch = { sum: 0, steps: 0, seconds: 0 };
    const trainLoss = sum / steps;
    const validationLoss = await this.measure();
    // Aborted in the middle of the validation: what it would have been is unknown.
    const unknown = this.parts.evaluator !== undefined && validationLoss === undefined;
    const best = !unknown && this.isBest(validationLoss ?? trainLoss);
    return {
      type: "epoch",
      ...{ epoch: this.epochNumber, step: this.done, trainLoss },
      ...(validationLoss !== undefined && { validationLoss }),
      ...{ seconds, best },
    };
  }

  private async evaluation(): Promise<TrainEvent[]> {
    const validationLoss = await this.measure();
    if (validationLoss === undefined) return [];
    const best = this.isBest(validationLoss);
    return [{ type: "evaluation", step: this.done, epoch: this.epochNumber, validationLoss, best }];
  }

  private async measure(): Promise<number | undefined> {
    const { evaluator, signal } = this.parts;
    return (await evaluator?.run(signal))?.nats;
  }

  private isBest(loss: number): boolean {
    const best = loss < this.best;
    if (best) this.best = loss;
    return best;
  }
}

function diverged({ failedAt }: StepReading, batches: CarriedBatches, learningRate: number): FailureError {
  const epoch = batches.position(failedAt - 1).epoch + 1;
  const cause =
    failedAt === 1
      ? "The weights it began with are too large or not numbers: check what was loaded, or begin anew"
      : `The usual cause is a learning rate that is too high (it was ${learningRate}): try a tenth of it, a smaller clipNorm, or fewer steps`;
  return new FailureError(
    "diverged",
    `training broke down at step ${failedAt} (epoch ${epoch}): the loss or its gradient is no finite number. ${cause}. Updates that were not finite have been left out; what was saved before is untouched`,
  );
}
