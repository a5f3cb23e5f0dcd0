import { join } from "node:path";
import { platform } from "#platform";
import { saveRun } from "../checkpoint/run-folder.ts";
import type { Corpus } from "../data/corpus.ts";
import type { LanguageModel } from "../models/language-model.ts";
import { formatBytes } from "../shared/shapes.ts";
import type { EpochEvent, EvaluationEvent, ProgressEvent, StartEvent, TrainEvent } from "../train/events.ts";
import type { TextFacts, TextTrainer } from "../train/train-text.ts";
import { counted, duration, integer } from "./format.ts";
import type { ProgressDisplay } from "./progress.ts";
import type { TextSettings } from "./text-settings.ts";
import type { TrainingOptions } from "./training.ts";

export interface TrainingResult {
  readonly interrupted: boolean;
  /** Update whose weights were saved. */
  readonly savedStep: number;
  /** Epoch that they are the end of, from 1; undefined in the middle of one. */
  readonly savedEpoch: number | undefined;
  /** Of the saved weights, nats per token. */
  readonly validationLoss: number | undefined;
  /** Of the training steps alone. */
  readonly seconds: number;
}

export interface TrainingRecordOptions extends TrainingOptions {
  readonly settings: TextSettings;
  readonly corpus: Corpus;
  readonly model: LanguageModel;
  readonly trainer: TextTrainer;
  readonly display: ProgressDisplay;
}

type Saved = Pick<TrainingResult, "savedStep" | "savedEpoch" | "validationLoss">;

/** What becomes of the events of a training: shown, printed as JSON, kept for metrics.jsonl, and turned into saves. */
export class TrainingRecord {
  readonly #options: TrainingRecordOptions;
  readonly #metrics: TrainEvent<TextFacts>[] = [];
  #start: StartEvent<TextFacts> | undefined;
  #saved: Saved | undefined;
  #result: TrainingResult | undefined;
  #skipped = 0;

  constructor(options: TrainingRecordOptions) {
    this.#options = options;
  }

  async take(event: TrainEvent<TextFacts>): Promise<void> {
    const { io, json, folder } = this.#options;
    this.#metrics.push(event);
    if (json) await io.stdout.write(`${JSON.stringify(event)}\n`);
    switch (event.type) {
      case "start":
        this.#start = event;
        this.#say(...this.#introduction(event));
        break;
      case "progress":
        this.#update(event);
        if (event.skipped > this.#skipped) this.#warnSkipped(event.skipped);
        break;
      case "epoch":
        this.#say(this.#epochLine(event));
        if (event.best) await this.#save(event, event.epoch);
        break;
      case "evaluation":
        if (event.best) await this.#save(event, undefined);
        break;
      case "end": {
        const interrupted = event.reason === "aborted";
        // What the user stopped is what the user wants kept, even though nobody has measured it yet.
        if (this.#saved === undefined || interrupted) await this.#save({ step: event.step }, undefined);
        // The weights may be those of an earlier epoch; the record is complete all the same.
        await platform.writeFileAtomic(
          join(folder, "metrics.jsonl"),
          this.#metrics.map((one) => `${JSON.stringify(one)}\n`).join(""),
        );
        this.#result = { interrupted, seconds: event.seconds, ...this.#saved! };
        if (json) await io.stdout.write(`${JSON.stringify({ type: "saved", folder, ...this.#saved })}\n`);
      }
    }
  }

  /** After the last event. */
  result(): TrainingResult {
    return this.#result!;
  }

  async #save(
    event: Pick<EpochEvent | EvaluationEvent, "step"> & { readonly validationLoss?: number },
    epoch: number | undefined,
  ): Promise<void> {
    if (this.#saved?.savedStep === event.step) return;
    const { folder, settings, model, corpus, trainer } = this.#options;
    this.#saved = { savedStep: event.step, savedEpoch: epoch, validationLoss: event.validationLoss };
    await saveRun(folder, {
      config: { task: "text", model: model.config, training: settings, saved: this.#saved },
      tokenizer: corpus.tokenizer,
      parameters: trainer.parameters,
      metrics: this.#metrics,
    });
  }

  #update(event: ProgressEvent): void {
    const { totalSteps, stepsPerEpoch } = this.#start!;
    const epochs = Math.ceil(totalSteps / stepsPerEpoch);
    this.#options.display.update({ ...event, steps: totalSteps, epochs, tokensPerSecond: event.itemsPerSecond });
  }

  #say(...lines: readonly string[]): void {
    for (const line of lines) this.#options.display.say(line);
  }

  #introduction(start: StartEvent<TextFacts>): string[] {
    const { settings, model, corpus } = this.#options;
    const { hiddenSize, embeddingSize, numLayers } = model.config;
    const layers = numLayers === 1 ? `${hiddenSize} units` : `${numLayers} layers of ${hiddenSize} units`;
    return [
      `Text: ${counted(settings.files.length, "file")}, ${integer(start.trainTokens)} tokens to learn from, ${integer(start.validationTokens)} to validate (${corpus.tokenizer.kind}, ${integer(corpus.tokenizer.vocabularySize)} different)`,
      `Model: ${settings.cell}, ${layers}, embedding ${embeddingSize}: ${integer(start.parameters)} parameters, ${formatBytes(start.bytes)} to train`,
      `Training: ${counted(start.totalSteps, "step")} of ${start.batchSize} × ${start.steps} tokens, ${integer(start.stepsPerEpoch)} an epoch, on ${settings.machine}; Ctrl-C stops and saves`,
    ];
  }

  #epochLine({ epoch, trainLoss, validationLoss, seconds }: EpochEvent): string {
    const { totalSteps, stepsPerEpoch } = this.#start!;
    const validation =
      validationLoss === undefined
        ? ""
        : `, validation ${validationLoss.toFixed(4)} (perplexity ${Math.exp(validationLoss).toFixed(2)})`;
    return `epoch ${epoch}/${Math.ceil(totalSteps / stepsPerEpoch)}: loss ${trainLoss.toFixed(4)} nats per token${validation}, ${duration(seconds)}`;
  }

  #warnSkipped(skipped: number): void {
    this.#skipped = skipped;
    this.#options.display.log(
      `${counted(skipped, "update")} left out so far because a gradient was not finite; a lower --learning-rate helps.`,
    );
  }
}
