import { fs } from "./late.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const unfinished = new Set<string>();
let watching = false;

/** Removes a file when this process ends, or is asked to, before the returned function is called. */
export function removeAtEnd(path: string): () => void {
  unfinished.add(path);
  if (!watching) watch();
  return () => {
    unfinished.delete(path);
    // A signal that came meanwhile is told in this turn; without a listener then, it would be lost.
    setImmediate(unwatch);
  };
}

function watch(): void {
  watching = true;
  process.on("exit", removeAll);
  // Who listens already decides what a signal means, and ends the process by `exit` if at all.
  for (const signal of SIGNALS) if (process.listenerCount(signal) === 0) process.on(signal, endBy);
}

function unwatch(): void {
  if (unfinished.size > 0) return;
  watching = false;
  process.off("exit", removeAll);
  for (const signal of SIGNALS) process.off(signal, endBy);
}

/** Does what the signal does where nobody listens. */
function endBy(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  removeAll();
  process.off(signal, endBy);
  process.kill(process.pid, signal);
}

function removeAll(): void {
  for (const path of unfinished)
    try {
      fs().rmSync(path, { force: true });
    } catch {
      // Whoever ends has nobody to tell.
    }
}
