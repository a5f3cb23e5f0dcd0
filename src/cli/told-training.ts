import type { Metrics } from "../train/evaluator.ts";
import type { StartEvent, TrainEvent } from "../train/events.ts";
import type { RecordOptions, Run } from "../train/run.ts";
import type { Trainer } from "../train/trainer.ts";
import { taskLine } from "./epoch-line.ts";
import { counted, integer } from "./format.ts";
import type { ProgressDisplay } from "./progress.ts";
import type { TrainingOptions, TrainingTools } from "./recorded-training.ts";
import type { TrainingResult } from "./training-record.ts";

/** What the trainings of tasks say of themselves, each in its own words. */
export interface ToldOptions<F extends object> {
  /** What is counted in the speed. */
  readonly items: string;
  /** Lines on data, model and training. */
  readonly introduction: (start: StartEvent<F>) => readonly string[];
  /** What was measured of the validation part, behind its loss, the most telling first; default nothing. */
  readonly measured?: (metrics: Metrics) => readonly string[];
}

/** Records a training in its run and tells of it meanwhile, on the display or as JSON lines. */
export async function recordTold<F extends object>(
  trainer: Trainer<F>,
  { run, display }: Pick<TrainingTools, "run" | "display">,
  { io, json, allowDifferentArithmetic }: TrainingOptions,
  { config, tokenizer, ...words }: Pick<RecordOptions, "config" | "tokenizer"> & ToldOptions<F>,
): Promise<TrainingResult> {
  const told = new Told<F>(display, words);
  for await (const event of run.record(trainer, { config, tokenizer, allowDifferentArithmetic })) {
    if (json && event.type !== "checkpoint") await io.stdout.write(`${JSON.stringify(event)}\n`);
    told.take(event);
  }
  return told.result(run);
}

/** What is shown of a training while it goes on. */
class Told<F extends object> {
  readonly #options: ToldOptions<F>;
  readonly #display: ProgressDisplay;
  #start: StartEvent<F> | undefined;
  #skipped = 0;
  #end: Omit<TrainingResult, "saved" | "totalSteps"> | undefined;

  constructor(display: ProgressDisplay, options: ToldOptions<F>) {
    this.#display = display;
    this.#options = options;
  }

  take(event: TrainEvent<F>): void {
    const display = this.#display;
    switch (event.type) {
      case "start":
        this.#start = event;
        for (const line of this.#options.introduction(event)) display.say(line);
        if (event.step > 0) display.say(`Resumed after step ${integer(event.step)}.`);
        break;
      case "progress": {
        const { totalSteps: steps } = this.#start!;
        display.update({
          ...event,
          steps,
          epochs: this.#epochs,
          tokensPerSecond: event.itemsPerSecond,
          items: this.#options.items,
        });
        if (event.skipped > this.#skipped)
          display.log(
            `${counted(event.skipped, "update")} left out so far because a gradient was not finite; a lower --learning-rate helps.`,
          );
        this.#skipped = event.skipped;
        break;
      }
      case "validation":
        display.validating(event);
        break;
      case "epoch":
      case "evaluation":
        display.say(
          taskLine(event, this.#epochs, event.metrics ? (this.#options.measured?.(event.metrics) ?? []) : []),
        );
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
}
