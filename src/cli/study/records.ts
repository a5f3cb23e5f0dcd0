import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TrialSettings } from "../../study/settings.ts";
import type { TrialRecord } from "../../study/summary.ts";
import { jsonLine } from "../format.ts";
import { makeOutput } from "../run-paths.ts";
import type { Maker } from "./maker.ts";

/** A line of `trials.jsonl`. */
export interface KeptTrial extends TrialRecord {
  readonly settings: TrialSettings;
  /** Undefined in files of early versions. */
  readonly madeBy?: Maker;
  /** Its gradients were to be measured, and the call asked not to: one that wants them runs the trial again. */
  readonly withoutGradients?: true;
}

/** What tells a trial from others: one with other settings, or on another machine, is another. */
export interface TrialKey extends Pick<KeptTrial, "task" | "cell" | "seed" | "settings"> {
  readonly machine: Maker["machine"];
}
const keyOf = ({ task, cell, seed, settings, machine }: TrialKey): string =>
  JSON.stringify([task, cell, seed, machine, Object.entries(settings).sort()]);
/** A trial that does not say its machine ran on the usual one. */
const keyOfKept = (trial: KeptTrial): string => keyOf({ ...trial, machine: trial.madeBy?.machine ?? "wasm" });

/** The finished trials of a folder. Each is written as soon as it is finished, so that a study goes on where it was stopped. */
export class Records {
  private readonly file: string;
  private readonly trials = new Map<string, KeptTrial>();

  constructor(folder: string) {
    makeOutput(folder);
    this.file = join(folder, "trials.jsonl");
    if (!existsSync(this.file)) return;
    const lines = readFileSync(this.file, "utf8").split("\n");
    // A line that was being written when the power went is not finished: the trial is run again.
    const whole = lines.flatMap((line) => parsed(line) ?? []);
    for (const trial of whole) this.trials.set(keyOfKept(trial), trial);
    if (whole.length < lines.filter((line) => line !== "").length)
      writeFileSync(this.file, whole.map(jsonLine).join(""));
  }

  find(wanted: TrialKey): KeptTrial | undefined {
    return this.trials.get(keyOf(wanted));
  }

  add(trial: KeptTrial): void {
    this.trials.set(keyOfKept(trial), trial);
    appendFileSync(this.file, jsonLine(trial));
  }
}

function parsed(line: string): KeptTrial | undefined {
  try {
    const value: KeptTrial | null = JSON.parse(line);
    return typeof value?.task === "string" && typeof value.settings === "object" ? value : undefined;
  } catch {
    return undefined;
  }
}
