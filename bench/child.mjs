/** Runs one measurement in a process of its own. */
import { spawn } from "node:child_process";

/** A system that takes longer than this for one measurement is not one to wait for. */
const LIMIT_MS = 600_000;

/** What the process printed as its last line, or `{ error }` in one line. @param {string[]} program */
export function measureIn(program, env = {}) {
  // A kernel that this machine's environment chose for old programs would slow a peer down: it is to find its own best one.
  const { OPENBLAS_CORETYPE: _, OPENBLAS_L2_SIZE: __, ...inherited } = process.env;
  const child = spawn(program[0], program.slice(1), {
    env: { ...inherited, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  return new Promise((resolve) => {
    child.on("error", (error) => resolve({ error: error.message }));
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve(outcome({ code, signal, stdout, stderr }));
    });
  });
}

/** The result of a process, from what it printed. */
export function outcome({ code, signal, stdout, stderr }) {
  const line = stdout.trim().split("\n").at(-1);
  if (signal === "SIGKILL") return { error: `no result after ${LIMIT_MS / 1000} s` };
  if (code === 0 && line) {
    try {
      return JSON.parse(line);
    } catch {
      return { error: `expected a line of JSON, got ${line.slice(0, 200)}` };
    }
  }
  const lines = (stderr.trim() || stdout.trim()).split("\n").filter((text) => text.trim() !== "");
  // Of a stack trace the line with the message, else the last one.
  const message = lines.find((text) => /^\s*(\w*Error|error)\b.*:/.test(text)) ?? lines.at(-1);
  // Our own errors are written for people; the names of their classes are not.
  return {
    error:
      message
        ?.trim()
        .replace(/^(Usage|Failure|Shape)Error: /, "")
        .slice(0, 300) ?? `ended with ${signal ?? `exit code ${code}`}`,
  };
}
