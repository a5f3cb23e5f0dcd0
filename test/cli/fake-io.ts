import type { Interrupt, Io, Output } from "../../src/cli/io.ts";
import { run } from "../../src/cli/program.ts";
import { type TextOutput, textOutput } from "./fake-output.ts";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface FakeIoOptions {
  readonly env?: Record<string, string>;
  readonly color?: boolean;
  /** Standard output is a terminal that is so wide. */
  readonly columns?: number;
  /** Called with a function that presses Ctrl-C, or sends another signal, as soon as a command listens. */
  readonly onListen?: (press: (signal?: Interrupt) => void) => void;
  /** Lines of standard input. */
  readonly stdin?: readonly string[];
  readonly onStderr?: (text: string) => void;
  readonly onStdout?: (text: string) => void;
}

/** Runs the command line as `longshort ARGV` without a process. */
export async function longshort(argv: readonly string[], options: FakeIoOptions = {}): Promise<Ran> {
  const stdout = textOutput();
  const stderr = textOutput();
  const told = (output: TextOutput, tell?: (text: string) => void): Output => ({
    isTTY: false,
    columns: 80,
    async write(text) {
      await output.write(text);
      tell?.(text);
    },
  });
  const io: Io = {
    stdout: {
      ...told(stdout, options.onStdout),
      ...(options.columns !== undefined && { isTTY: true, columns: options.columns }),
    },
    stderr: told(stderr, options.onStderr),
    env: { ...options.env },
    color: options.color ?? false,
    program: "longshort",
    now: () => performance.now(),
    today: () => new Date(2026, 0, 31),
    stdin: {
      isTTY: false,
      async *lines() {
        yield* options.stdin ?? [];
      },
      bytes: async () => new TextEncoder().encode((options.stdin ?? []).map((line) => `${line}\n`).join("")),
    },
    onInterrupt(listener) {
      options.onListen?.((signal = "SIGINT") => listener(signal));
      return () => undefined;
    },
    exit: (code) => {
      throw new Error(`exit(${code}) was called`);
    },
  };
  const code = await run(argv, io);
  return { code, stdout: stdout.text, stderr: stderr.text };
}
