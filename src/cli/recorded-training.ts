import { openMachine } from "../compute/open.ts";
import { FailureError } from "../shared/errors.ts";
import { openRun, type Run } from "../train/run.ts";
import { Ended } from "./failure.ts";
import { integer, quoted } from "./format.ts";
import { EXIT, type Io, isLive } from "./io.ts";
import { ProgressDisplay } from "./progress.ts";
import { openRunLog, type RunLog } from "./run-log.ts";

export interface TrainingOptions {
  readonly io: Io;
  readonly folder: string;
  /** Nothing on standard error but warnings. */
  readonly quiet: boolean;
  /** Events as JSON lines on standard output. */
  readonly json: boolean;
  /** Whether a run that is there goes on, or gives its place to this one. */
  readonly existing: "resume" | "overwrite";
  readonly allowDifferentArithmetic?: boolean;
}

/** Steps between two looks at the loss: often enough for a bar that moves. */
export const LOG_EVERY = 5;

/** What ends a training that could go on elsewhere or later. */
const UNWRITTEN = ["disk-full", "file-write-failed"];

/** What a training of any task is done with. */
export interface TrainingTools {
  readonly run: Run;
  readonly machine: Awaited<ReturnType<typeof openMachine>>;
  readonly display: ProgressDisplay;
  readonly log: RunLog;
  /** Whether it goes on from a checkpoint. */
  readonly goesOn: boolean;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** From now on Ctrl-C saves; before, while data is read, it ends the command, as nothing is learned that could be lost. */
  begin(): void;
  /** Closes something at the end, before what was opened earlier. */
  own(one: { close(): void | Promise<void> }): void;
}

/**
 * The frame of a training that is recorded as a run: the folder is locked, Ctrl-C stops it once to save (what throws the signal's
 * reason before `begin` ends the command with nothing to save) and twice at once, the machine has the arithmetic of the checkpoint that is gone on from, and everything is closed in the end.
 */
export async function recordedTraining<T>(
  settings: { readonly machine: "wasm" | "reference"; readonly keep: number; readonly tensorboard: boolean },
  { io, quiet, folder, existing }: TrainingOptions,
  train: (tools: TrainingTools) => Promise<T>,
): Promise<T> {
  const display = new ProgressDisplay({ out: io.stderr, live: isLive(io) && !quiet, now: io.now, quiet });
  const log = openRunLog({ folder, display, tensorboard: settings.tensorboard, now: io.today });
  const controller = new AbortController();
  const { signal } = controller;
  let begun = false;
  let run: Run | undefined;
  const off = io.onInterrupt(() => {
    if (signal.aborted) {
      display.end();
      io.exit(EXIT.interrupted);
    }
    controller.abort();
    display.log(
      begun
        ? "Stopping after this step, then saving. Ctrl-C again ends at once; what was not saved is lost."
        : "Stopping before training begins. Ctrl-C again ends at once.",
    );
  });
  const open: { close(): void | Promise<void> }[] = [];
  try {
    // Before anything that takes long: another process may be at it.
    run = await openRun({ folder, existing, keep: settings.keep, onNotice: (text) => display.log(text) });
    open.push(run);
    const before = await run.arithmetic();
    const portable = before?.family === "portable";
    const machine = await openMachine(settings.machine, portable ? { fused: false } : undefined);
    open.push(machine);
    const begin = (): void => {
      signal.throwIfAborted();
      begun = true;
    };
    const goesOn = before !== undefined;
    return await train({ run, machine, display, log, goesOn, signal, begin, own: (one) => void open.push(one) });
  } catch (error) {
    const kept = run?.lastCheckpoint;
    if (error instanceof FailureError && UNWRITTEN.includes(error.code) && kept !== undefined)
      throw new FailureError(
        error.code,
        `${error.message}\nThe checkpoint after step ${integer(kept)} is kept. Once there is room, continue from it:\n  ${io.program} resume ${quoted(folder)}`,
        { cause: error },
      );
    if (begun || !signal.aborted || error !== signal.reason) throw error;
    display.end();
    await io.stderr.write(
      existing === "resume"
        ? `Stopped before training continued: ${folder} is unchanged, and resume continues it.\n`
        : "Stopped before training began; nothing is kept. The same command starts it again.\n",
    );
    throw new Ended(EXIT.interrupted);
  } finally {
    display.end();
    off();
    for (const one of open.reverse()) await one.close();
  }
}
