#!/usr/bin/env node
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { relative, sep } from "node:path";
import { createInterface } from "node:readline";
import { arrayBuffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { engineFlags } from "../../scripts/flags.mjs";
import { VERSION } from "../shared/version.ts";
import { quoted } from "./format.ts";
import { EXIT, INTERRUPTS, type Interrupt, type Io, type Output } from "./io.ts";

/** Set for the process that was started again with V8's flags. */
const RESTARTED = "LONGSHORT_RESTARTED";
/** A terminal sends Ctrl-C, a process manager its signal, to both processes and the first one may pass it on as well: that is one, not two. */
const SAME_INTERRUPT_MS = 100;

const argv = process.argv.slice(2);
const command = argv.find((word) => !word.startsWith("-")) ?? "";
const self = fileURLToPath(import.meta.url);

/** Commands that compute for long enough. */
const COMPUTING = [
  ...["train", "resume", "generate", "evaluate", "score", "inspect", "demo", "bench", "doctor"],
  ...["run", "convert", "verify", "predict", "forecast", "backtest", "quantize", "study"],
];

/** Commands whose result is a run: they go on to its end though nobody reads what they print. */
const LEARNING = ["train", "resume", "demo", "study"];

/** What asked this process to end. */
let interrupt: Interrupt = "SIGINT";

/** WebAssembly computes at full speed only with flags that Node takes when it starts. Help and mistakes do not wait for that. */
const missing =
  wantsSpeed() && !process.env[RESTARTED] ? engineFlags().filter((f) => !process.execArgv.includes(f)) : [];
if (missing.length > 0) restart(missing);
else if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-v")) console.log(VERSION);
else await start();

function wantsSpeed(): boolean {
  return COMPUTING.includes(command) && !argv.includes("--help") && !argv.includes("-h");
}

function restart(flags: readonly string[]): void {
  const child = spawn(process.execPath, [...process.execArgv, ...flags, self, ...argv], {
    stdio: "inherit",
    env: { ...process.env, [RESTARTED]: "1" },
  });
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of INTERRUPTS) process.on(signal, () => (signal === "SIGINT" && terminal) || child.kill(signal));
  child.on("error", () => void start());
  child.on("exit", (code, signal) => (signal === null ? process.exit(code ?? EXIT.failure) : endBy(signal)));
}

/** Ends with what shells say of a process that a signal ended: 130 for Ctrl-C, 143 for SIGTERM, 129 for a closed terminal. */
function endBy(signal: NodeJS.Signals): void {
  if (signal !== "SIGHUP") process.exit(128 + constants.signals[signal]);
  // Node gives a terminal back as it was when it exits, and aborts where there is none any more.
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

async function start(): Promise<void> {
  const learns = LEARNING.includes(command);
  let told = false;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // The reader went away (`longshort generate RUN | head`): nobody is left to tell anything. But what is learned is for the run.
    if (error.code === "EPIPE" && !learns) process.exit(EXIT.success);
    if (error.code !== "EPIPE" && !told) process.stderr.write(`standard output cannot be written: ${error.message}\n`);
    told = true;
    if (learns) return;
    if (process.stdout.isTTY) endBy("SIGHUP");
    else process.exit(EXIT.failure);
  });
  // Progress that nobody reads is no reason to stop learning.
  process.stderr.on("error", () => undefined);
  // Loaded where it is needed: not to say the version, nor to start Node again.
  const { run } = await import("./program.ts");
  const code = await run(argv, processIo());
  if (code === EXIT.interrupted) endBy(interrupt);
  process.exitCode = code;
}

function processIo(): Io {
  return {
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    env: process.env,
    color: process.stdout.isTTY === true && process.stdout.getColorDepth() === 24,
    program: programName(),
    now: () => performance.now(),
    today: () => new Date(),
    stdin: {
      isTTY: process.stdin.isTTY === true,
      // Without a terminal of its own, so that Ctrl-C still reaches the process.
      async *lines() {
        const reader = createInterface({ input: process.stdin, terminal: false, crlfDelay: Number.POSITIVE_INFINITY });
        try {
          yield* reader;
        } finally {
          // Who leaves before the end would go on waiting for what a person types.
          reader.close();
        }
      },
      bytes: async () => new Uint8Array(await arrayBuffer(process.stdin)),
    },
    onInterrupt(listener) {
      let last = Number.NEGATIVE_INFINITY;
      const once = (signal: Interrupt): void => {
        const now = performance.now();
        // A closed terminal is told by the system, by the shell and by the process above: it never asks again.
        const again = last > Number.NEGATIVE_INFINITY && signal === "SIGHUP";
        if (!again && now - last > SAME_INTERRUPT_MS) {
          interrupt = signal;
          listener(signal);
        }
        last = now;
      };
      // What ends a process politely (systemd, a batch system, a container, a window that is closed) is to cost no more than Ctrl-C.
      for (const signal of INTERRUPTS) process.on(signal, once);
      return () => {
        for (const signal of INTERRUPTS) process.off(signal, once);
      };
    },
    exit: (code) => (code === EXIT.interrupted ? endBy(interrupt) : process.exit(code)),
  };
}

function outputOf(stream: NodeJS.WriteStream): Output {
  return {
    // Called also when the reader is gone and nothing drains any more.
    write: (text) => new Promise((resolve) => stream.write(text, () => resolve())),
    isTTY: stream.isTTY === true,
    get columns() {
      return stream.columns || 80;
    },
  };
}

/** In a clone the built file, installed as a package its name through npx. */
function programName(): string {
  return self.includes(`${sep}node_modules${sep}`) ? "npx longshort" : `node ${quoted(relative(process.cwd(), self))}`;
}
