import type { RunConfig } from "../checkpoint/run-folder.ts";
import type { EpochEvent, EvaluationEvent, StartEvent, TrainEvent } from "../train/events.ts";
import type { RecordOptions } from "../train/run.ts";
import type { Trainer } from "../train/trainer.ts";
import type { Forms } from "./epoch-line.ts";
import { counted, integer, jsonLine } from "./format.ts";
import type { ProgressDisplay } from "./progress.ts";
import type { TrainingOptions, TrainingTools } from "./recorded-training.ts";
import type { Kept } from "./run-log.ts";
import type { TrainingResult } from "./training-result.ts";

/** What is counted in the speed of a training, by its task. */
export const ITEMS = { text: "tokens", classify: "examples", tag: "tokens", forecast: "values" } as const;

/** What a training says of itself, in the words of its task. */
interface Words<F extends object> extends Kept {
  /** Lines on data, model and training. */
  readonly introduction: (start: StartEvent<F>) => readonly string[];
  /** What was measured after an epoch, one of `epochs`, or in the midst of one. */
  readonly measured: (event: EpochEvent | EvaluationEvent, epochs: number) => Forms;
}

interface ToldOptions<F extends object> extends Pick<RecordOptions, "tokenizer">, Omit<Words<F>, "items"> {
  readonly task: keyof typeof ITEMS;
  readonly config: RunConfig;
}

/** Records a training in its run and tells of it meanwhile, on the display or as JSON lines. */
export async function recordTold<F extends object>(
  trainer: Trainer<F>,
  { run, display, log, begin }: TrainingTools,
  { io, json, allowDifferentArithmetic }: TrainingOptions,
  { task, config, tokenizer, ...rest }: ToldOptions<F>,
): Promise<TrainingResult> {
  begin();
  const words = { ...rest, items: ITEMS[task] };
  const told = new Told<F>(display, words);
  const recorded = run.record(trainer, { config: { task, ...config }, tokenizer, allowDifferentArithmetic });
  for await (const event of recorded) {
    if (json && event.type !== "checkpoint") await io.stdout.write(jsonLine(event));
    told.take(event);
    await log.take(event, words);
  }
  return { ...told.result(), saved: run.savedWeights! };
}

/** What is shown of a training while it goes on. */
class Told<F extends object> {
  readonly #words: Words<F>;
  readonly #display: ProgressDisplay;
  #start: StartEvent<F> | undefined;
  #skipped = 0;
  #end: Omit<TrainingResult, "saved" | "totalSteps"> | undefined;

  constructor(display: ProgressDisplay, words: Words<F>) {
    this.#display = display;
    this.#words = words;
  }

  take(event: TrainEvent<F>): void {
    const display = this.#display;
    const { items, introduction, measured } = this.#words;
    switch (event.type) {
      case "start":
        this.#start = event;
        for (const line of introduction(event)) display.say(line);
        if (event.step > 0) {
          const done =
            event.step >= event.totalSteps ? " Nothing is left to do; give a larger --epochs to train longer." : "";
          display.say(`Resumed after step ${integer(event.step)}.${done}`);
        }
        break;
      case "progress":
        display.update({ ...event, steps: this.#start!.totalSteps, epochs: this.#epochs, items });
        if (event.skipped > this.#skipped)
          display.log(
            `${counted(event.skipped, "update")} skipped so far because a gradient was not finite; a lower --learning-rate helps.`,
          );
        this.#skipped = event.skipped;
        break;
      case "validation":
        display.validating(event);
        break;
      case "epoch":
      case "evaluation":
        display.say(measured(event, this.#epochs));
        break;
      case "end":
        if (event.reason === "stopped-early")
          display.say(
            `Stopped early: the ${this.#start!.monitor?.metric ?? "loss of training"} did not improve any more.`,
          );
        this.#end = { interrupted: event.reason === "aborted", step: event.step, seconds: event.seconds };
    }
  }

  /** After the last event. */
  result(): Omit<TrainingResult, "saved"> {
    return { ...this.#end!, totalSteps: this.#start!.totalSteps };
  }

  get #epochs(): number {
    const { totalSteps, stepsPerEpoch } = this.#start!;
    return Math.ceil(totalSteps / stepsPerEpoch);
  }
}
