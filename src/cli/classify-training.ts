import type { ClassifySettings } from "../schema/classify.ts";
import { formatBytes } from "../shared/shapes.ts";
import type { EpochEvent, StartEvent, TrainEvent } from "../train/events.ts";
import type { Run } from "../train/run.ts";
import { type ClassifierFacts, type ClassifierTraining, trainClassifier } from "../train/train-classifier.ts";
import { readExamples } from "./classify-data.ts";
import { percent } from "./classify-scores.ts";
import { counted, duration, integer } from "./format.ts";
import type { ProgressDisplay } from "./progress.ts";
import { recordedTraining, type TrainingOptions } from "./recorded-training.ts";
import { trainerOptions } from "./trainer-settings.ts";
import type { TrainingResult } from "./training-record.ts";

/**
 * Trains a classifier on a file and records it as a run, as `trainToFolder` does for text.
 */
export async function trainClassifierToFolder(
  settings: ClassifySettings,
  options: TrainingOptions,
): Promise<TrainingResult> {
  const { io, json, allowDifferentArithmetic } = options;
  return recordedTraining(settings, options, async ({ run, machine, display, signal, own }) => {
    const training = await trainClassifier({
      ...trainOptions(settings),
      ...{ machine, examples: await readExamples(settings.file, settings), signal },
    });
    const { trainer, classifier } = training;
    own(trainer);
    const config = { task: "classify", model: classifier.model.config, training: settings };
    const events = run.record(trainer, { config, tokenizer: classifier.tokenizer, allowDifferentArithmetic });
    const told = new Told(settings, training, display);
    for await (const event of events) {
      if (json && event.type !== "checkpoint") await io.stdout.write(`${JSON.stringify(event)}\n`);
      told.take(event);
    }
    return told.result(run);
  });
}

function trainOptions(settings: ClassifySettings) {
  const { cell, hiddenSize, numLayers, dropout, bidirectional, pooling, embeddingSize } = settings;
  const { tokenizer, vocabularySize, minimumCount, alphabet, normalize } = settings;
  const { regression, validation, classWeights, scaling, batchSize } = settings;
  const stages = normalize ?? (tokenizer === "word" ? (["lowercase"] as const) : []);
  return {
    ...trainerOptions(settings),
    ...{ regression, validation, classWeights, scaling, batchSize },
    model: { cell, hiddenSize, numLayers, dropout, bidirectional, pooling, embeddingSize },
    tokenizer: {
      ...{ kind: tokenizer, normalize: stages },
      ...(vocabularySize !== undefined && { maximumSize: vocabularySize }),
      ...(minimumCount !== undefined && { minimumCount }),
      ...(alphabet !== undefined && { alphabet }),
    },
  };
}

/** What is shown of a training while it goes on. */
class Told {
  readonly #settings: ClassifySettings;
  readonly #training: ClassifierTraining;
  readonly #display: ProgressDisplay;
  #start: StartEvent<ClassifierFacts> | undefined;
  #skipped = 0;
  #end: Omit<TrainingResult, "saved" | "totalSteps"> | undefined;

  constructor(settings: ClassifySettings, training: ClassifierTraining, display: ProgressDisplay) {
    this.#settings = settings;
    this.#training = training;
    this.#display = display;
  }

  take(event: TrainEvent<ClassifierFacts>): void {
    const display = this.#display;
    switch (event.type) {
      case "start":
        this.#start = event;
        for (const line of this.#introduction(event)) display.say(line);
        break;
      case "progress": {
        const { totalSteps: steps } = this.#start!;
        display.update({
          ...event,
          steps,
          epochs: this.#epochs,
          tokensPerSecond: event.itemsPerSecond,
          items: "examples",
        });
        if (event.skipped > this.#skipped)
          display.log(
            `${counted(event.skipped, "update")} left out so far because a gradient was not finite; a lower --learning-rate helps.`,
          );
        this.#skipped = event.skipped;
        break;
      }
      case "epoch":
        display.say(this.#epochLine(event));
        break;
      case "end":
        if (event.reason === "stopped-early") display.say("Stopped early: the validation got no better.");
        this.#end = { interrupted: event.reason === "aborted", step: event.step, seconds: event.seconds };
    }
  }

  /** After the last event. */
  result({ savedWeights }: Run): TrainingResult {
    return { ...this.#end!, totalSteps: this.#start!.totalSteps, saved: savedWeights! };
  }

  get #epochs(): number {
    const { totalSteps, stepsPerEpoch } = this.#start!;
    return Math.ceil(totalSteps / stepsPerEpoch);
  }

  #introduction(start: StartEvent<ClassifierFacts>): string[] {
    const { classifier } = this.#training;
    const { cell, hiddenSize, numLayers, bidirectional, pooling, machine } = this.#settings;
    const { classes, channels } = classifier.model.config;
    const what = classes ? counted(classes.length, "class").replace(/classs$/, "classes") : "numbers to predict";
    const read = classifier.tokenizer
      ? `${classifier.tokenizer.kind}, ${integer(classifier.tokenizer.vocabularySize)} different`
      : counted(channels!, "channel");
    const layers = `${numLayers === 1 ? "" : `${numLayers} layers of `}${hiddenSize} units${bidirectional ? " in both directions" : ""}`;
    return [
      `Data: ${counted(start.trainExamples, "example")} to learn from, ${integer(start.validationExamples)} to validate; ${what} (${read})`,
      `Model: ${cell}, ${layers}, ${pooling}: ${integer(start.parameters)} parameters, ${formatBytes(start.bytes)} to train`,
      `Training: ${counted(start.totalSteps, "step")} of ${counted(start.batchSize, "example")}, ${integer(start.stepsPerEpoch)} an epoch, on ${machine}; Ctrl-C stops and saves`,
      ...(start.step === 0 ? [] : [`Resumed after step ${integer(start.step)}.`]),
    ];
  }

  #epochLine({ epoch, trainLoss, metrics, seconds }: EpochEvent): string {
    const found =
      metrics === undefined
        ? ""
        : `, validation ${metrics.loss!.toFixed(4)}, ${
            metrics.accuracy === undefined
              ? `RMSE ${metrics.rmse!.toPrecision(4)}`
              : `accuracy ${percent(metrics.accuracy)}, macro-F1 ${percent(metrics.macroF1!)}`
          }`;
    return `epoch ${epoch}/${this.#epochs}: loss ${trainLoss.toFixed(4)}${found}, ${duration(seconds)}`;
  }
}
