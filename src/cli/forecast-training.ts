import type { TimeSeriesSet } from "../data/time-series.ts";
import { formatStep } from "../data/time-step.ts";
import type { ForecastSettings } from "../schema/forecast.ts";
import { formatBytes } from "../shared/shapes.ts";
import type { EpochEvent, StartEvent, TrainEvent } from "../train/events.ts";
import type { Run } from "../train/run.ts";
import { type ForecasterTraining, type ForecastFacts, trainForecaster } from "../train/train-forecaster.ts";
import { readSeriesFile } from "./forecast-data.ts";
import { counted, duration, integer } from "./format.ts";
import type { ProgressDisplay } from "./progress.ts";
import { recordedTraining, type TrainingOptions } from "./recorded-training.ts";
import { trainerOptions } from "./trainer-settings.ts";
import type { TrainingResult } from "./training-record.ts";

/** Trains a forecaster on a file and records it as a run, as `trainToFolder` does for text. */
export async function trainForecasterToFolder(
  settings: ForecastSettings,
  options: TrainingOptions,
): Promise<TrainingResult> {
  const { io, json, allowDifferentArithmetic } = options;
  return recordedTraining(settings, options, async ({ run, machine, display, signal, own }) => {
    const data = await readSeriesFile(settings.file, settings);
    const training = await trainForecaster({ ...trainOptions(settings), ...{ machine, data, signal } });
    const { trainer, forecaster } = training;
    own(trainer);
    const config = { task: "forecast", ...forecaster.config, training: settings };
    const events = run.record(trainer, { config, allowDifferentArithmetic });
    const told = new Told(settings, training, data, display);
    for await (const event of events) {
      if (json && event.type !== "checkpoint") await io.stdout.write(`${JSON.stringify(event)}\n`);
      told.take(event);
    }
    return told.result(run);
  });
}

function trainOptions(settings: ForecastSettings) {
  const { horizon, context, season, validation, test, head, pointLoss, quantiles, decoding, anchor } = settings;
  const { transform, scaling, calendar, cell, hiddenSize, numLayers, dropout, batchSize, epochs } = settings;
  return {
    ...trainerOptions({ ...settings, epochs: epochs ?? 1 }),
    ...{
      horizon,
      context,
      season,
      validation,
      test,
      head,
      pointLoss,
      levels: quantiles,
      decoding,
      anchor,
      transform,
      scaling,
    },
    calendar: calendar?.filter((name) => name !== "none"),
    ...{ batchSize, epochs, model: { cell, hiddenSize, numLayers, dropout } },
  };
}

/** What is shown of a training while it goes on. */
class Told {
  readonly #settings: ForecastSettings;
  readonly #training: ForecasterTraining;
  readonly #data: TimeSeriesSet;
  readonly #display: ProgressDisplay;
  #start: StartEvent<ForecastFacts> | undefined;
  #skipped = 0;
  #end: Omit<TrainingResult, "saved" | "totalSteps"> | undefined;

  constructor(settings: ForecastSettings, training: ForecasterTraining, data: TimeSeriesSet, display: ProgressDisplay) {
    this.#settings = settings;
    this.#training = training;
    this.#data = data;
    this.#display = display;
  }

  take(event: TrainEvent<ForecastFacts>): void {
    const display = this.#display;
    switch (event.type) {
      case "start":
        this.#start = event;
        for (const line of this.#introduction(event)) display.say(line);
        break;
      case "progress": {
        const { totalSteps: steps } = this.#start!;
        const tokensPerSecond = event.itemsPerSecond;
        display.update({ ...event, steps, epochs: this.#epochs, tokensPerSecond, items: "values" });
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

  #introduction(start: StartEvent<ForecastFacts>): string[] {
    const { layout, network } = this.#training.forecaster;
    const { cell, hiddenSize, numLayers, machine } = this.#settings;
    const { step, notices } = this.#data;
    const { head } = network.config;
    const inputs = [...layout.past, ...layout.known, ...layout.calendar];
    const short = start.skippedSeries > 0 ? ` (${integer(start.skippedSeries)} too short to learn from)` : "";
    const layers = numLayers === 1 ? `${hiddenSize} units` : `${numLayers} layers of ${hiddenSize} units`;
    return [
      ...notices,
      `Data: ${counted(start.series, "series").replace(/seriess$/, "series")}${short}${step ? ` of steps of ${formatStep(step)}` : ""}, ${counted(start.trainWindows, "window")} to learn from, ${integer(start.validationWindows)} to validate`,
      `Task: ${layout.targets.join(", ")}, ${counted(layout.horizon, "step")} from the last ${layout.context}${inputs.length > 0 ? ` with ${inputs.join(", ")}` : ""}; ${head}, ${layout.decoding}${layout.transform === "log" ? ", logarithms" : ""}${layout.anchor === "none" ? "" : `, from the ${layout.anchor === "last" ? "last value" : "season before"}`}`,
      `Model: ${cell}, ${layers}: ${integer(start.parameters)} parameters, ${formatBytes(start.bytes)} to train`,
      `Training: ${counted(start.totalSteps, "step")} of ${counted(start.batchSize, "window")}, ${integer(start.stepsPerEpoch)} an epoch, on ${machine}; Ctrl-C stops and saves`,
      ...(start.step === 0 ? [] : [`Resumed after step ${integer(start.step)}.`]),
    ];
  }

  #epochLine({ epoch, trainLoss, validationLoss, seconds }: EpochEvent): string {
    const found = validationLoss === undefined ? "" : `, validation ${validationLoss.toFixed(4)}`;
    return `epoch ${epoch}/${this.#epochs}: loss ${trainLoss.toFixed(4)}${found}, ${duration(seconds)}`;
  }
}
