/** A place that text is written to: standard output or standard error, or what a test hands in. */
export interface Output {
  /** Resolves when the reader has kept up; text that matters in time is awaited. */
  write(text: string): Promise<void>;
  readonly isTTY: boolean;
  /** Width of the terminal in columns; asked at every drawing, because windows are resized. */
  readonly columns: number;
}

/** Everything a command needs of the process it runs in, so that tests can run commands without one. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether standard output shows 24-bit colours. */
  readonly color: boolean;
  /** How the user calls this program, for commands to copy: `npx longshort`. */
  readonly program: string;
  /** Milliseconds of a clock that never runs backwards. */
  now(): number;
  /** The date for the names of runs. */
  today(): Date;
  /** Standard input until it ends, as lines or whole; `isTTY`: a person types it. */
  readonly stdin: {
    readonly isTTY: boolean;
    lines(): AsyncIterable<string>;
    bytes(): Promise<Uint8Array<ArrayBuffer>>;
  };
  /**
   * Calls `listener` at each Ctrl-C (SIGINT), SIGTERM, and when the terminal is closed (SIGHUP), until the returned function is
   * called; meanwhile they do not end the process.
   */
  onInterrupt(listener: (signal: Interrupt) => void): () => void;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** What asks a process to end, and lets it end in its own way. */
export const INTERRUPTS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type Interrupt = (typeof INTERRUPTS)[number];

/** Exit codes, the same for every command. A process that was stopped by another signal than Ctrl-C ends with that signal's code. */
export const EXIT = { success: 0, failure: 1, usage: 2, interrupted: 130 } as const;

/** Whether a line may be drawn over again: on a terminal that is not the log of a build. */
export const isLive = ({ stderr, env }: Pick<Io, "stderr" | "env">): boolean =>
  stderr.isTTY && !env.CI && env.TERM !== "dumb";
