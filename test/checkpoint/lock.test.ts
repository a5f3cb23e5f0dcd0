import { spawn, spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { takeLock } from "../../src/checkpoint/lock.ts";
import { platform } from "../../src/platform/node.ts";
import type { ProcessIdentity } from "../../src/platform/platform.ts";
import { SimulatedFiles } from "./simulated-files.ts";

const identity = (pid: number, host = "here"): ProcessIdentity => ({ pid, started: "1", host });
/** A process of its own among those that run. */
const lock = (files: SimulatedFiles, pid: number, running: readonly number[] = []) =>
  takeLock({
    ...{ files, path: "/run.lock", what: "runs/novel" },
    processes: {
      processIdentity: () => identity(pid),
      isRunning: ({ pid: other, host }) => (host === "here" ? running.includes(other) : undefined),
    },
  });

describe("a lock", () => {
  test("holds against others, says who has it, and is given back", async () => {
    const files = new SimulatedFiles();
    const first = await lock(files, 1);
    await expect(lock(files, 2, [1])).rejects.toThrow("runs/novel: process 1 on here is training there");
    await first.release();
    expect(await files.list("/")).toEqual([]);
    await lock(files, 2);
  });

  test("of a process that is gone does not hold, nor one that a power cut has torn", async () => {
    const files = new SimulatedFiles();
    await lock(files, 1);
    const second = await lock(files, 2, []);
    await expect(lock(files, 3, [2])).rejects.toMatchObject({ code: "run-locked" });
    await second.release();
    for (const torn of ["", '{"pid":7', "[]"]) {
      await files.write("/run.lock", torn);
      await (await lock(files, 3)).release();
    }
    expect(await files.list("/")).toEqual([]);
  });

  test("of another host holds, with what to do", async () => {
    const files = new SimulatedFiles();
    await files.write("/run.lock", JSON.stringify(identity(5, "elsewhere boot")));
    await expect(lock(files, 1)).rejects.toThrow(/process 5 on elsewhere has locked it.*remove \/run.lock/);
  });

  test("is taken by one of many that find a stale one at once", async () => {
    const files = new SimulatedFiles();
    await files.write("/run.lock", JSON.stringify(identity(99)));
    const pids = [1, 2, 3, 4, 5];
    const results = await Promise.allSettled(pids.map((pid) => lock(files, pid, pids)));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("is not taken away from the one who has it by then", async () => {
    const files = new SimulatedFiles();
    const first = await lock(files, 1);
    await files.remove("/run.lock");
    await lock(files, 2);
    await first.release();
    expect(await files.list("/")).toEqual(["run.lock"]);
  });
});

describe("processes", () => {
  test("are known by their number and when they began", async () => {
    const own = platform.processIdentity();
    expect(platform.isRunning(own)).toBe(true);
    expect(platform.isRunning({ ...own, host: "elsewhere" })).toBeUndefined();
    if (own.started !== "unknown") expect(platform.isRunning({ ...own, started: "another moment" })).toBe(false);
    const { pid } = spawnSync(process.execPath, ["-e", ""]);
    expect(platform.isRunning({ ...own, pid })).toBe(false);
    const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"]);
    expect(platform.isRunning({ ...own, pid: child.pid!, started: "unknown" })).toBe(true);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.on("exit", resolve));
    expect(platform.isRunning({ ...own, pid: child.pid!, started: "unknown" })).toBe(false);
  });
});
