import type { Machine } from "../compute/machine.ts";
import { UsageError } from "../shared/errors.ts";
import type { OwnBytes } from "../shared/own-bytes.ts";
import type { TrainingSnapshot } from "../train/snapshot.ts";
import { openNumbersTask } from "./live-numbers.ts";
import { type LiveTask, openTextTask } from "./live-task.ts";
import type { TrainingChoice, TrainingProgress } from "./protocol.ts";

/** Milliseconds between two messages, and between two samples. */
const EVERY = 120;
const SAMPLE_EVERY = 1500;
const CHECKPOINTS = 12;

const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** A training that can be paused, gone through step by step, gone back in, and kept for another day. */
export class LiveTraining {
  private readonly task: LiveTask;
  private readonly tell: (progress: TrainingProgress) => void;
  private readonly checkpoints = new Map<number, TrainingSnapshot>();
  private allowed = Number.POSITIVE_INFINITY;
  private goingBackTo: readonly [step: number, kept: TrainingSnapshot] | undefined;
  private ended = false;
  private closed = false;
  private wake: () => void = () => undefined;
  /** Who waits for a snapshot: it is taken where the trainer stands still. */
  private waiting: ((snapshot: TrainingSnapshot | undefined | Promise<TrainingSnapshot>) => void)[] = [];

  private constructor(task: LiveTask, tell: (progress: TrainingProgress) => void) {
    this.task = task;
    this.tell = tell;
  }

  /** @param from what `snapshot` gave for the same choice: the training goes on from there */
  static async open(
    machine: Machine,
    choice: TrainingChoice,
    tell: (progress: TrainingProgress) => void,
    from?: TrainingSnapshot,
  ): Promise<LiveTraining> {
    const task = await (choice.numbers ? openNumbersTask : openTextTask)(machine, choice);
    try {
      if (from) await task.trainer.restore(from, { allowDifferentArithmetic: true });
    } catch (error) {
      task.trainer.close();
      task.parameters.close();
      throw error;
    }
    return new LiveTraining(task, tell);
  }

  /** What the page is told at first. */
  get facts(): { readonly parameters: number; readonly vocabularySize: number | undefined } {
    const { parameters, vocabularySize } = this.task;
    return { vocabularySize, parameters: parameters.count };
  }

  /** Trains until `stop`. @throws FailureError "diverged" */
  async run(): Promise<void> {
    try {
      await this.keep();
      while (!this.ended) await (this.goingBackTo ? this.goBack(...this.goingBackTo) : this.steps());
    } finally {
      this.closed = true;
      for (const give of this.waiting.splice(0)) give(undefined);
      this.task.trainer.close();
      this.task.parameters.close();
    }
  }

  /** How many more updates may be made: 0 pauses, 1 is a step, Infinity runs on. */
  allow(updates: number): void {
    this.allowed = updates;
    this.wake();
  }

  rewind(step: number): void {
    const kept = this.checkpoints.get(step);
    if (!kept) {
      const known = [...this.checkpoints.keys()].join(", ");
      throw new UsageError("out-of-range", `rewind: expected one of the steps that were kept, ${known}, got ${step}`);
    }
    // By the time it goes back others may have taken its place.
    this.goingBackTo = [step, kept];
    this.allow(0);
  }

  stop(): void {
    this.ended = true;
    this.wake();
  }

  /** All that the rest of the training depends on, taken after the update under way; undefined when it has ended. */
  snapshot(): Promise<TrainingSnapshot | undefined> {
    if (this.closed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.wake();
    });
  }

  save(): Promise<OwnBytes> {
    return this.task.save();
  }

  private async steps(): Promise<void> {
    let [told, sampled] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const losses: number[] = [];
    // Seconds an item of each update since the last message.
    const seconds: number[] = [];
    for await (const event of this.task.trainer) {
      if (event.type !== "progress") continue;
      losses.push(event.loss);
      seconds.push(1 / event.itemsPerSecond);
      this.allowed--;
      const now = performance.now();
      const pausing = this.allowed <= 0;
      if (now - told >= EVERY || pausing) {
        told = now;
        const withSample = now - sampled >= SAMPLE_EVERY || pausing;
        if (withSample) sampled = now;
        const itemsPerSecond = 1 / meanOf(seconds.splice(0));
        await this.report({ ...event, itemsPerSecond, loss: meanOf(losses.splice(0)) }, withSample);
        // Messages of the page come in between two macrotasks.
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      await this.giveSnapshots();
      await this.standStill();
      if (this.leaves) return;
    }
    this.ended = true;
  }

  /** Whether the way ahead is another than the next update. */
  private get leaves(): boolean {
    return this.ended || this.goingBackTo !== undefined;
  }

  /** Until the page says how to go on; who asks for a snapshot gets it meanwhile. */
  private async standStill(): Promise<void> {
    while (this.allowed <= 0 && !this.leaves) {
      // Who asked while the last one was taken waits already.
      if (this.waiting.length === 0)
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      await this.giveSnapshots();
    }
  }

  private async giveSnapshots(): Promise<void> {
    // Where it is about to go back to is what they ask for.
    if (this.goingBackTo || this.waiting.length === 0) return;
    const waiting = this.waiting.splice(0);
    // Who waits hears too why there is none.
    const taken = this.task.trainer.snapshot();
    for (const give of waiting) give(taken);
    await taken;
  }

  private async report(
    event: { step: number; loss: number; gradientNorm: number; itemsPerSecond: number },
    withSample: boolean,
  ): Promise<void> {
    if (withSample && event.step >= 2 * Math.max(0, ...this.checkpoints.keys())) await this.keep();
    const more = withSample ? { sample: await this.task.sample(), reading: await this.task.read() } : {};
    this.tell({
      step: event.step,
      loss: event.loss,
      gradientNorm: event.gradientNorm,
      itemsPerSecond: event.itemsPerSecond * this.task.stepsPerItem,
      checkpoints: [...this.checkpoints.keys()],
      ...more,
    });
  }

  private async keep(): Promise<void> {
    this.checkpoints.set(this.task.trainer.step, await this.task.trainer.snapshot());
    const [, second] = this.checkpoints.keys();
    if (this.checkpoints.size > CHECKPOINTS && second !== undefined) this.checkpoints.delete(second);
  }

  private async goBack(step: number, kept: TrainingSnapshot): Promise<void> {
    this.goingBackTo = undefined;
    await this.task.trainer.restore(kept);
    for (const later of [...this.checkpoints.keys()]) if (later > step) this.checkpoints.delete(later);
    this.checkpoints.set(step, kept);
    await this.standStill();
  }
}
