import { describe, UsageError } from "../shared/errors.ts";

/** Text that may go out, and whether a stop string ended it. */
export interface Settled {
  readonly text: string;
  readonly stopped: boolean;
}

/** @throws UsageError "bad-option" */
export function expectStop(value: unknown): string[] {
  const stop = value === undefined ? [] : value;
  if (Array.isArray(stop) && stop.every((one) => typeof one === "string" && one !== "")) return stop as string[];
  throw new UsageError(
    "bad-option",
    `stop: expected strings that are not empty, got ${describe(Array.isArray(stop) ? stop.find((one) => typeof one !== "string" || one === "") : stop)}`,
  );
}

/** Where the string begins that is the first to be complete in a text, of several that end at one place the longest; ∞ if none is there. */
export function firstStop(text: string, stop: readonly string[]): number {
  let [start, end] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const one of stop) {
    const at = text.indexOf(one);
    if (at < 0 || at + one.length > end || (at + one.length === end && at > start)) continue;
    [start, end] = [at, at + one.length];
  }
  return start;
}

/**
 * Ends a stream of text before the first of some strings to be complete, wherever its pieces are cut. Text that may be the beginning of
 * one is kept back until it is known.
 */
export class StopStrings {
  readonly #stop: readonly string[];
  #held = "";

  constructor(stop: readonly string[]) {
    this.#stop = stop;
  }

  push(piece: string): Settled {
    const text = this.#held + piece;
    const at = firstStop(text, this.#stop);
    if (at < Number.POSITIVE_INFINITY) {
      this.#held = "";
      return { text: text.slice(0, at), stopped: true };
    }
    const kept = Math.max(0, ...this.#stop.map((stop) => begun(text, stop)));
    this.#held = text.slice(text.length - kept);
    return { text: text.slice(0, text.length - kept), stopped: false };
  }

  /** What was kept back. */
  end(): string {
    return this.#held;
  }
}

/** How many code units at the end of `text` are the beginning of `stop`. */
function begun(text: string, stop: string): number {
  for (let n = Math.min(text.length, stop.length - 1); n > 0; n--) if (text.endsWith(stop.slice(0, n))) return n;
  return 0;
}
