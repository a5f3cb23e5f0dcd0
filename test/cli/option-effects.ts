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
