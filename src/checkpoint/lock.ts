import type { FileLayer } from "../platform/files.ts";
import type { Platform, ProcessIdentity } from "../platform/platform.ts";
import { UsageError } from "../shared/errors.ts";

export interface RunLock {
  /** Gives the folder back. Twice is harmless. */
  release(): Promise<void>;
}

export interface LockOptions {
  readonly files: FileLayer;
  /** Of the file. */
  readonly path: string;
  /** What is locked, for messages. */
  readonly what: string;
  readonly processes: Pick<Platform, "processIdentity" | "isRunning">;
}

/**
 * Makes sure that one process at a time writes a run. The lock names its process; one whose process is gone does not hold.
 * @throws UsageError "run-locked" with who holds it
 */
export async function takeLock(options: LockOptions): Promise<RunLock> {
  const { files, path, what, processes } = options;
  const own = JSON.stringify(processes.processIdentity());
  const draft = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  await files.write(draft, own);
  try {
    // The name comes with its content or not at all, so nobody reads half a lock.
    while (!(await files.link(draft, path))) {
      const text = await textOf(files, path);
      if (text === undefined) continue;
      const holder = identityOf(text);
      const running = holder && processes.isRunning(holder);
      if (holder && running !== false) throw locked(what, path, holder, running);
      await putAside(files, path, text);
    }
  } finally {
    await files.remove(draft);
  }
  let held = true;
  return {
    async release() {
      if (!held) return;
      held = false;
      // Someone who was told to may have removed it, and another process may hold the folder by now.
      if ((await textOf(files, path)) === own) await files.remove(path);
    },
  };
}

/** Takes a lock away that does not hold any more, unless another process has done that and taken its own meanwhile. */
async function putAside(files: FileLayer, path: string, stale: string): Promise<void> {
  const aside = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    await files.rename(path, aside);
  } catch {
    return; // Another process was faster.
  }
  if ((await textOf(files, aside)) !== stale) await files.link(aside, path);
  await files.remove(aside);
}

async function textOf(files: FileLayer, path: string): Promise<string | undefined> {
  try {
    return new TextDecoder().decode(await files.read(path));
  } catch (error) {
    if (error instanceof UsageError && error.code === "file-not-found") return undefined;
    throw error;
  }
}

/** Undefined for what a power cut has left of a lock: locks that hold are whole. */
function identityOf(text: string): ProcessIdentity | undefined {
  try {
    const { pid, started, host } = JSON.parse(text) as Partial<ProcessIdentity>;
    return typeof pid === "number" && typeof started === "string" && typeof host === "string"
      ? { pid, started, host }
      : undefined;
  } catch {
    return undefined;
  }
}

function locked(what: string, path: string, { pid, host }: ProcessIdentity, running: boolean | undefined): UsageError {
  const where = `process ${pid} on ${host.split(" ")[0]}`;
  return new UsageError(
    "run-locked",
    running
      ? `${what}: ${where} is training there; wait for it or stop it`
      : `${what}: ${where} has locked it, and whether that still runs cannot be seen from here; if it does not, remove ${path}`,
  );
}
