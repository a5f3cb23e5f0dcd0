import type { ProcessIdentity } from "../platform.ts";
import { fs, os, programs } from "./late.ts";

/** This process. */
export function processIdentity(): ProcessIdentity {
  return { pid: process.pid, started: startOf(process.pid) ?? "unknown", host: hostOf() };
}

/** Whether the process that this was is still there; undefined where it cannot be known: on another host. */
export function isRunning({ pid, started, host }: ProcessIdentity): boolean | undefined {
  if (host !== hostOf()) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, and another user's.
    if ((error as { code?: unknown }).code !== "EPERM") return false;
  }
  const now = startOf(pid);
  // Another process may have the number by now.
  return started === "unknown" || now === undefined || now === started;
}

/** The host in this boot: after a restart no process of before is there. */
function hostOf(): string {
  const host = os().hostname();
  try {
    return `${host} ${fs().readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}`;
  } catch {
    return host;
  }
}

/** When a process started, in whatever words the system has for it. */
function startOf(pid: number): string | undefined {
  try {
    // Behind the name in parentheses, which may hold anything: field 22 of the line.
    const line = fs().readFileSync(`/proc/${pid}/stat`, "utf8");
    return line.slice(line.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    if (process.platform === "linux" || process.platform === "win32") return undefined;
    const { status, stdout } = programs().spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" });
    return status === 0 ? stdout.trim() : undefined;
  }
}
