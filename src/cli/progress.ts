import { cutToWidth } from "../explain/display-width.ts";
import { type Forms, fitting } from "./epoch-line.ts";
import { clock, integer, short } from "./format.ts";
import type { Output } from "./io.ts";

/** Where a training stands. */
export interface ProgressState {
  readonly step: number;
  readonly steps: number;
  /** From 1. */
  readonly epoch: number;
  readonly epochs: number;
  readonly loss: number;
  readonly itemsPerSecond: number;
  /** What is counted: "tokens". */
  readonly items: string;
  readonly secondsLeft: number;
}

/** Where a validation stands that takes long. */
export interface ValidationState {
  /** Parts that were measured, of how many. */
  readonly done: number;
  readonly total: number;
  readonly secondsLeft: number;
}

const GAP = "  ";
const WIDEST_BAR = 30;
const NARROWEST_BAR = 6;

/** What a line of progress says, in its order. */
type Parts = Readonly<Record<string, string>>;

const partsOf = (state: ProgressState): Parts => ({
  percent: percentOf(fraction(state)),
  epoch: `epoch ${state.epoch}/${state.epochs}`,
  step: `step ${integer(state.step)}/${integer(state.steps)}`,
  loss: `loss ${state.loss.toFixed(3)}`,
  speed: `${short(state.itemsPerSecond)} ${state.items}/s`,
  left: `${clock(state.secondsLeft)} left`,
});

const validationParts = ({ done, total, secondsLeft }: ValidationState): Parts => ({
  percent: percentOf(done / total),
  what: "validating",
  parts: `${integer(done)}/${integer(total)}`,
  left: `${clock(secondsLeft)} left`,
});

const percentOf = (share: number): string => `${Math.floor(share * 100)} %`.padStart(5);

/**
 * One line that fits into `columns` (40 or more): percentage, loss and time left always, then speed, epoch, bar and step
 * as long as there is room. One column stays free, or terminals wrap.
 */
export const progressLine = (state: ProgressState, columns: number): string =>
  fittedLine(fraction(state), partsOf(state), ["speed", "epoch", "step"], columns);

/** The same of a validation: what it is, percentage and time left always. */
export const validationLine = (state: ValidationState, columns: number): string =>
  fittedLine(state.done / state.total, validationParts(state), ["parts"], columns);

/** @param optional names of what is left out where there is no room, the most telling first */
function fittedLine(share: number, parts: Parts, optional: readonly string[], columns: number): string {
  const room = columns - 1;
  const shown = new Set(Object.keys(parts).filter((name) => !optional.includes(name)));
  const line = (): string =>
    Object.entries(parts)
      .filter(([name]) => shown.has(name))
      .map(([, text]) => text)
      .join(GAP);
  for (const name of optional) {
    shown.add(name);
    if (line().length > room) shown.delete(name);
  }
  const bare = line();
  const width = Math.min(WIDEST_BAR, room - bare.length - 1);
  return width < NARROWEST_BAR ? bare.slice(0, Math.max(0, room)) : `${bar(share, width)} ${bare}`;
}

/** The same as a line of a log: everything, whatever the width. */
export const progressLogLine = (state: ProgressState): string => Object.values(partsOf(state)).join(GAP);

const fraction = ({ step, steps }: ProgressState): number => (steps > 0 ? Math.min(1, Math.max(0, step / steps)) : 0);

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A bar of exactly `width` columns, drawn to an eighth of a column. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  const full = Math.floor(eighths / 8);
  const part = EIGHTHS[eighths % 8]!;
  return "█".repeat(full) + part + "░".repeat(width - full - (part === "" ? 0 : 1));
}

const wholeOf = (line: string | Forms): string => (typeof line === "string" ? line : line[0]);

const REDRAW_MS = 100;
const LOG_MS = 5000;
const JOURNAL_MS = 30_000;
/** Erases from the cursor to the end of the line: after a text that leaves a column free, so that nothing flickers. */
const CLEAR_REST = "\u001b[K";

/**
 * Shows progress: on a terminal as one line that is drawn over, elsewhere as a line every few seconds. Whatever else is
 * to be printed meanwhile goes through `log`, so that no line is torn.
 */
export class ProgressDisplay {
  readonly #out: Output;
  readonly #live: boolean;
  readonly #now: () => number;
  readonly #quiet: boolean;
  /** Told every line that stays, also those that are not shown. */
  #journal: (line: string) => void = () => undefined;
  #last: number | undefined;
  #journaled: number | undefined;
  #drawn = "";
  /** Whether the terminal has taken the last drawing. One that is slow gets fewer, or it would show an ever older past. */
  #taken = true;

  constructor(options: {
    readonly out: Output;
    readonly live: boolean;
    readonly now: () => number;
    /** Shows warnings only. */
    readonly quiet?: boolean;
  }) {
    this.#out = options.out;
    this.#live = options.live;
    this.#now = options.now;
    this.#quiet = options.quiet ?? false;
  }

  /** From now on every line that stays is told to `journal` as well. */
  keep(journal: (line: string) => void): void {
    this.#journal = journal;
  }

  update(state: ProgressState): void {
    const now = this.#now();
    this.#journaled ??= now;
    if (now - this.#journaled >= JOURNAL_MS) {
      this.#journaled = now;
      this.#journal(progressLogLine(state).trimStart());
    }
    if (this.#quiet) return;
    if (!this.#due()) return;
    if (this.#live) this.#draw(progressLine(state, this.#out.columns));
    else void this.#out.write(`${progressLogLine(state)}\n`);
  }

  /** As `update`, of a validation. */
  validating(state: ValidationState): void {
    if (this.#quiet || !this.#due()) return;
    if (this.#live) this.#draw(validationLine(state, this.#out.columns));
    else void this.#out.write(`${Object.values(validationParts(state)).join(GAP)}\n`);
  }

  /** A text for the one line, as often as progress: what happens before training begins. */
  note(text: string): void {
    if (this.#quiet || !this.#due()) return;
    if (this.#live) this.#draw(cutToWidth(text, this.#out.columns - 1));
    else void this.#out.write(`${text}\n`);
  }

  /** Prints a line that stays, unless nothing but warnings is to be shown: of several forms the one that the terminal has room for. */
  say(line: string | Forms): void {
    if (this.#quiet) this.#journal(wholeOf(line));
    else this.log(line);
  }

  /** Prints a line that stays, above the line that is drawn over; as it may fill a row to its end, what it replaces goes first. */
  log(text: string | Forms): void {
    this.#journal(wholeOf(text));
    const line = this.#live && typeof text !== "string" ? fitting(text, this.#out.columns) : wholeOf(text);
    if (this.#drawn === "") void this.#out.write(`${line}\n`);
    else void this.#out.write(`\r${CLEAR_REST}${line}\n${this.#drawn}`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#drawn !== "") void this.#out.write(`\r${CLEAR_REST}`);
    this.#drawn = "";
  }

  /** Whether it is time for the next line of progress. */
  #due(): boolean {
    const now = this.#now();
    // The first line of a log comes after some seconds as well: the first losses mean little.
    this.#last ??= this.#live ? Number.NEGATIVE_INFINITY : now;
    if (now - this.#last < (this.#live ? REDRAW_MS : LOG_MS)) return false;
    this.#last = now;
    return true;
  }

  #draw(line: string): void {
    if (!this.#taken) return;
    this.#drawn = line;
    this.#taken = false;
    const taken = (): void => {
      this.#taken = true;
    };
    this.#out.write(`\r${line}${CLEAR_REST}`).then(taken, taken);
  }
}
