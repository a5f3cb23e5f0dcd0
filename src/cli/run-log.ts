import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { scalarsOf } from "../run-log/scalars.ts";
import type { TrainEvent } from "../train/events.ts";
import { type EventFile, openEventFile } from "./event-file.ts";
import { dayOf, timeOfDay } from "./format.ts";
import type { ProgressDisplay } from "./progress.ts";

export interface RunLogOptions {
  readonly folder: string;
  /** Whether there are to be event files. */
  readonly tensorboard: boolean;
  /** Its lines that stay go to log.txt. */
  readonly display: ProgressDisplay;
  /** The date, for log.txt and TensorBoard. */
  readonly now: () => Date;
}

const FILES = { log: "log.txt", samples: "samples", tensorboard: "tensorboard" } as const;

/** What is kept of a training besides its lines. */
export interface Kept {
  /** What is counted in the speed: "tokens". */
  readonly items: string;
  /** Something that the model makes as it is now, as text; default nothing. */
  readonly sample?: (() => Promise<string>) | undefined;
}

/** What a run folder holds for people and other programs; nothing of it is needed to use the model or to go on training. */
export interface RunLog {
  /** Told every event, in order, while the parameters stand still. */
  take(event: TrainEvent, kept: Kept): Promise<void>;
}

/**
 * Writes beside a training: `log.txt` (the lines that were printed, with their time), `samples/epoch-N.txt` and
 * `tensorboard/events.out.tfevents.…`. A training that begins at step 0 begins them anew, a resumed one goes on with them.
 * What cannot be written is said once and left out from then on; it is no reason to lose a training.
 */
export function openRunLog({ folder, tensorboard, display, now }: RunLogOptions): RunLog {
  const lines: string[] = [];
  let begun = false;
  let events: EventFile | undefined;
  const off = new Set<string>();

  const attempt = async (what: keyof typeof FILES, write: () => void | Promise<void>): Promise<void> => {
    if (off.has(what)) return;
    try {
      await write();
    } catch (error) {
      off.add(what);
      display.log(`${join(folder, FILES[what])} is not written any more: ${(error as Error).message}`);
    }
  };
  const journal = (line: string): void => {
    const date = now();
    const stamped = `${dayOf(date)} ${timeOfDay(date)}  ${line}\n`;
    // Until the first event nobody knows whether the log that is there belongs to this training.
    if (!begun) lines.push(stamped);
    else void attempt("log", () => appendFileSync(join(folder, FILES.log), stamped));
  };
  display.keep(journal);

  const begin = async (step: number): Promise<void> => {
    if (step === 0)
      for (const [what, name] of Object.entries(FILES))
        await attempt(what as keyof typeof FILES, () => rmSync(join(folder, name), { recursive: true, force: true }));
    begun = true;
    await attempt("log", () => appendFileSync(join(folder, FILES.log), lines.join("")));
    if (!tensorboard) return;
    await attempt("tensorboard", () => {
      events = openEventFile(join(folder, FILES.tensorboard), () => now().getTime());
      events.start(step);
    });
  };

  const keepSample = (text: string, epoch: number, step: number): Promise<void> => {
    const samples = join(folder, FILES.samples);
    mkdirSync(samples, { recursive: true });
    writeFileSync(join(samples, `epoch-${epoch}.txt`), `${text}\n`);
    // TensorBoard shows Markdown; an indented block is shown as it is.
    return attempt("tensorboard", () => events?.text(step, "sample", text.replace(/^/gm, "    ")));
  };

  return {
    async take(event, { items, sample }) {
      if (event.type === "start") await begin(event.step);
      else await attempt("tensorboard", () => events?.scalars(event.step, scalarsOf(event, items)));
      if (event.type === "epoch" && sample)
        await attempt("samples", async () => keepSample(await sample(), event.epoch, event.step));
      if (event.type === "end") journal(`end (${event.reason}) after step ${event.step}`);
    },
  };
}
