import type { Corpus } from "../data/corpus.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { formatBytes } from "../shared/shapes.ts";
import type { ProgressEvent, StartEvent, TrainEvent } from "../train/events.ts";
import type { Run, SavedWeights } from "../train/run.ts";
import type { TextFacts } from "../train/train-text.ts";
import { textLine } from "./epoch-line.ts";
import { counted, integer } from "./format.ts";
import type { ProgressDisplay } from "./progress.ts";
import type { TrainingOptions } from "./recorded-training.ts";
import type { TextSettings } from "./text-settings.ts";

export interface TrainingResult {
  readonly interrupted: boolean;
  /** Updates made, of how many. */
  readonly step: number;
  readonly totalSteps: number;
  /** Which weights lie in the run's model.safetensors. */
  readonly saved: SavedWeights;
  /** Of the training steps alone. */
  readonly seconds: number;
}

export interface TrainingRecordOptions extends TrainingOptions {
  readonly settings: TextSettings;
  readonly corpus: Corpus;
  readonly model: LanguageModel;
  readonly run: Pick<Run, "savedWeights">;
  readonly display: ProgressDisplay;
}

/** What becomes of the events of a training for the one who watches: shown, or printed as JSON. */
export class TrainingRecord {
  readonly #options: TrainingRecordOptions;
  #start: StartEvent<TextFacts> | undefined;
  #result: TrainingResult | undefined;
  #skipped = 0;

  constructor(options: TrainingRecordOptions) {
    this.#options = options;
  }

  async take(event: TrainEvent<TextFacts>): Promise<void> {
    const { io, json, run } = this.#options;
    if (json && event.type !== "checkpoint") await io.stdout.write(`${JSON.stringify(event)}\n`);
    switch (event.type) {
      case "start":
        this.#start = event;
        this.#say(...this.#introduction(event));
        break;
      case "progress":
        this.#update(event);
        if (event.skipped > this.#skipped) this.#warnSkipped(event.skipped);
        break;
      case "validation":
        this.#options.display.validating(event);
        break;
      case "epoch":
      case "evaluation":
        this.#options.display.say(textLine(event, this.#epochs));
        break;
      case "end": {
        const { reason, step, seconds } = event;
        const saved = run.savedWeights!;
        if (reason === "stopped-early") this.#say("Stopped early: the validation got no better.");
        this.#result = {
          ...{ interrupted: reason === "aborted", step, seconds, saved },
          totalSteps: this.#start!.totalSteps,
        };
      }
    }
  }

  /** After the last event. */
  result(): TrainingResult {
    return this.#result!;
  }

  #update(event: ProgressEvent): void {
    const { totalSteps: steps } = this.#start!;
    this.#options.display.update({ ...event, steps, epochs: this.#epochs, tokensPerSecond: event.itemsPerSecond });
  }

  get #epochs(): number {
    const { totalSteps, stepsPerEpoch } = this.#start!;
    return Math.ceil(totalSteps / stepsPerEpoch);
  }

  #say(...lines: readonly string[]): void {
    for (const line of lines) this.#options.display.say(line);
  }

  #introduction(start: StartEvent<TextFacts>): string[] {
    const { settings, model, corpus } = this.#options;
    const { hiddenSize, embeddingSize, numLayers } = model.config;
    const layers = numLayers === 1 ? `${hiddenSize} units` : `${numLayers} layers of ${hiddenSize} units`;
    const resumed = start.step === 0 ? [] : [`Resumed after step ${integer(start.step)}.`];
    return [
      `Text: ${counted(settings.files.length, "file")}, ${integer(start.trainTokens)} tokens to learn from, ${integer(start.validationTokens)} to validate (${corpus.tokenizer.kind}, ${integer(corpus.tokenizer.vocabularySize)} different)`,
      `Model: ${settings.cell}, ${layers}, embedding ${embeddingSize}: ${integer(start.parameters)} parameters, ${formatBytes(start.bytes)} to train`,
      `Training: ${counted(start.totalSteps, "step")} of ${start.batchSize} × ${start.steps} tokens, ${integer(start.stepsPerEpoch)} an epoch, on ${settings.machine}; Ctrl-C stops and saves`,
      ...resumed,
    ];
  }

  #warnSkipped(skipped: number): void {
    this.#skipped = skipped;
    this.#options.display.log(
      `${counted(skipped, "update")} left out so far because a gradient was not finite; a lower --learning-rate helps.`,
    );
  }
}
