import type { Machine } from "../compute/machine.ts";
import { languageModel } from "../models/language-model.ts";
import { optimizerByName } from "../optimizers/registry.ts";
import { generate } from "../run/generate.ts";
import { openSession } from "../run/session.ts";
import { UsageError } from "../shared/errors.ts";
import { layoutParameters } from "../tensor/parameter.ts";
import { createParameters } from "../tensor/parameter-store.ts";
import { trainTokenizer } from "../text/train-tokenizer.ts";
import type { TrainingSnapshot } from "../train/snapshot.ts";
import { type TextTrainer, trainText } from "../train/train-text.ts";
import { type OpenedText, packModel } from "./packed-model.ts";
import type { TrainingChoice, TrainingProgress } from "./protocol.ts";
import { readText } from "./reading.ts";

/** Milliseconds between two messages, and between two samples. */
const EVERY = 120;
const SAMPLE_EVERY = 1500;
const CHECKPOINTS = 12;

/** A training that can be paused, gone through step by step, and gone back in. */
export class LiveTraining {
  readonly opened: OpenedText;
  private readonly trainer: TextTrainer;
  private readonly choice: TrainingChoice;
  private readonly tell: (progress: TrainingProgress) => void;
  private readonly checkpoints = new Map<number, TrainingSnapshot>();
  private allowed = Number.POSITIVE_INFINITY;
  private goingBackTo: number | undefined;
  private ended = false;
  private wake: () => void = () => undefined;

  private constructor(
    opened: OpenedText,
    trainer: TextTrainer,
    choice: TrainingChoice,
    tell: (progress: TrainingProgress) => void,
  ) {
    this.opened = opened;
    this.trainer = trainer;
    this.choice = choice;
    this.tell = tell;
  }

  static async open(
    machine: Machine,
    choice: TrainingChoice,
    tell: (progress: TrainingProgress) => void,
  ): Promise<LiveTraining> {
    if (choice.text.trim() === "")
      throw new UsageError("text-empty", "text: expected some text to learn from, got none");
    const { cell, hiddenSize, embeddingSize, numLayers, seed, optimizer, learningRate, clipNorm, batchSize, steps } =
      choice;
    const tokenizer = await trainTokenizer({ kind: "grapheme" }, choice.text);
    const { vocabularySize } = tokenizer;
    const model = languageModel({ vocabularySize, cell, hiddenSize, embeddingSize, numLayers });
    const parameters = await createParameters({ machine, layout: layoutParameters(model), seed });
    try {
      const trainer = await trainText({
        ...{ model, machine, parameters, clipNorm, seed },
        ...{ train: tokenizer.encode(choice.text), batchSize, steps },
        // Ends when the page says so.
        ...{ epochs: 2 ** 20, logEvery: 1, optimizer: optimizerByName(optimizer), learningRate },
      });
      return new LiveTraining({ model, tokenizer, parameters }, trainer, choice, tell);
    } catch (error) {
      parameters.close();
      throw error;
    }
  }

  /** Trains until `stop`. @throws FailureError "diverged" */
  async run(): Promise<void> {
    try {
      await this.keep();
      while (!this.ended) {
        await this.steps();
        if (this.goingBackTo !== undefined) await this.goBack(this.goingBackTo);
      }
    } finally {
      this.trainer.close();
      this.opened.parameters.close();
    }
  }

  /** How many more updates may be made: 0 pauses, 1 is a step, Infinity runs on. */
  allow(updates: number): void {
    this.allowed = updates;
    this.wake();
  }

  rewind(step: number): void {
    if (!this.checkpoints.has(step)) {
      const known = [...this.checkpoints.keys()].join(", ");
      throw new UsageError("out-of-range", `rewind: expected one of the steps that were kept, ${known}, got ${step}`);
    }
    this.goingBackTo = step;
    this.allow(0);
  }

  stop(): void {
    this.ended = true;
    this.wake();
  }

  async save(): Promise<Uint8Array> {
    const { model, tokenizer, parameters } = this.opened;
    return packModel({ config: model.config, tokenizer, tensors: await parameters.toTensors() });
  }

  private async steps(): Promise<void> {
    let [told, sampled] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const losses: number[] = [];
    for await (const event of this.trainer) {
      if (event.type !== "progress") continue;
      losses.push(event.loss);
      this.allowed--;
      const now = performance.now();
      const pausing = this.allowed <= 0;
      if (now - told >= EVERY || pausing) {
        told = now;
        const withSample = now - sampled >= SAMPLE_EVERY || pausing;
        if (withSample) sampled = now;
        await this.report(event, losses.splice(0), withSample);
        // Messages of the page come in between two macrotasks.
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      while (this.allowed <= 0 && !this.ended && this.goingBackTo === undefined)
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      if (this.ended || this.goingBackTo !== undefined) return;
    }
    this.ended = true;
  }

  private async report(
    event: { step: number; gradientNorm: number; itemsPerSecond: number },
    losses: readonly number[],
    withSample: boolean,
  ): Promise<void> {
    if (withSample && event.step >= 2 * Math.max(0, ...this.checkpoints.keys())) await this.keep();
    const more = withSample ? { sample: await this.sample(), reading: await this.read() } : {};
    this.tell({
      step: event.step,
      loss: losses.reduce((a, b) => a + b, 0) / losses.length,
      gradientNorm: event.gradientNorm,
      tokensPerSecond: event.itemsPerSecond,
      checkpoints: [...this.checkpoints.keys()],
      ...more,
    });
  }

  private async keep(): Promise<void> {
    this.checkpoints.set(this.trainer.step, await this.trainer.snapshot());
    const [, second] = this.checkpoints.keys();
    if (this.checkpoints.size > CHECKPOINTS && second !== undefined) this.checkpoints.delete(second);
  }

  private async goBack(step: number): Promise<void> {
    this.goingBackTo = undefined;
    await this.trainer.restore(this.checkpoints.get(step)!);
    for (const kept of [...this.checkpoints.keys()]) if (kept > step) this.checkpoints.delete(kept);
    // It stands where it went back to until it is told to go on.
    await new Promise<void>((resolve) => {
      if (this.allowed > 0 || this.ended) resolve();
      else this.wake = resolve;
    });
  }

  private read() {
    return readText(this.opened, this.choice.probe || this.choice.text.slice(0, 60));
  }

  private async sample(): Promise<string> {
    const { model, parameters, tokenizer } = this.opened;
    const session = await openSession({ model, parameters, machine: parameters.machine });
    try {
      let text = "";
      const seed = this.trainer.step;
      for await (const piece of generate({ session, tokenizer, length: 120, temperature: 0.7, seed })) text += piece;
      return text;
    } finally {
      session.close();
    }
  }
}
