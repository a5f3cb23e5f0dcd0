import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { FakeIoOptions, Ran } from "./fake-io.ts";

/** What is added to the plain call (or put in its place), and where the difference shows; by default in what is printed. */
export interface Effect {
  readonly add?: readonly string[];
  readonly instead?: readonly string[];
  /** Exit codes that the changed call may end with; default success. */
  readonly codes?: readonly number[];
  /** What it is compared with, in place of the plain call. */
  readonly against?: readonly string[];
  readonly see?: (ran: Ran) => unknown;
  readonly io?: FakeIoOptions;
}

/** A call of a command, and what each of its options changes. */
export interface Effects {
  readonly plain: () => readonly string[];
  readonly io?: FakeIoOptions;
  readonly options: Readonly<Record<string, Effect>>;
}

const runOf = ({ stdout }: Ran): string => /^Saved in (.*) \(the weights /m.exec(stdout)![1]!;
const checkpointsIn = (ran: Ran): unknown => readdirSync(join(runOf(ran), "checkpoints"));

/** Of what every training keeps. @param train a call with these flags */
export const keptEffects = (train: (...flags: readonly string[]) => readonly string[]) => ({
  checkpointEvery: { add: ["--checkpoint-every", "1"], see: checkpointsIn },
  checkpointSeconds: { add: ["--checkpoint-seconds", "1e-9"], see: checkpointsIn },
  keep: {
    ...{ against: train("--epochs", "4"), instead: train("--epochs", "4", "--keep", "1") },
    see: checkpointsIn,
  },
  tensorboard: { add: ["--no-tensorboard"], see: (ran: Ran) => existsSync(join(runOf(ran), "tensorboard")) },
});
