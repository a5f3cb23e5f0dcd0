import { appendFileSync, mkdirSync, readdirSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { scalarsEvent, startEvent, textEvent, versionEvent } from "../run-log/event.ts";
import { record, wholeRecords } from "../run-log/record.ts";

/** A TensorBoard event file that is written while training goes on: readers may look at it at any time. */
export interface EventFile {
  readonly path: string;
  /** Training begins, or begins again, behind `step`. */
  start(step: number): void;
  scalars(step: number, scalars: Readonly<Record<string, number>>): void;
  text(step: number, tag: string, text: string): void;
}

const PREFIX = "events.out.tfevents.";

/**
 * Opens the event file in `folder`, a new one or the one that is there; a record that was not written to its end is cut off.
 *
 * @param now Milliseconds since 1970.
 */
export function openEventFile(folder: string, now: () => number): EventFile {
  mkdirSync(folder, { recursive: true });
  const seconds = (): number => now() / 1000;
  const there = readdirSync(folder)
    .filter((name) => name.startsWith(PREFIX))
    .sort()
    .at(-1);
  const path = join(folder, there ?? `${PREFIX}${Math.floor(seconds())}.longshort`);
  const bytes = there === undefined ? new Uint8Array(0) : readFileSync(path);
  const whole = wholeRecords(bytes);
  if (whole < bytes.length) truncateSync(path, whole);
  const append = (event: Uint8Array): void => appendFileSync(path, record(event));
  if (whole === 0) append(versionEvent(seconds()));
  const at = (step: number) => ({ seconds: seconds(), step });
  return {
    path,
    start: (step) => append(startEvent(at(step))),
    scalars(step, scalars) {
      if (Object.keys(scalars).length > 0) append(scalarsEvent(at(step), scalars));
    },
    text: (step, tag, text) => append(textEvent(at(step), tag, text)),
  };
}
