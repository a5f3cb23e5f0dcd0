import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { engineFlags } from "../../scripts/flags.mjs";

const script = fileURLToPath(new URL("killed-training.mjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "longshort-killed-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Call {
  readonly threads: number;
  readonly existing: "refuse" | "resume";
  readonly hold?: number;
  readonly killAt?: number;
}
interface Outcome {
  readonly signal: NodeJS.Signals | null;
  /** The last line. */
  readonly said: string;
}

/** Runs the training, and kills it with SIGKILL as soon as it waits for that. */
function train(name: string, call: Call): Promise<Outcome> {
  const child = spawn(process.execPath, [...engineFlags(), script, join(folder, name), JSON.stringify(call)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += chunk;
    if (/^(holding|waiting)/m.test(text)) child.kill("SIGKILL");
  });
  return new Promise((resolve) => {
    child.on("close", (_, signal) => resolve({ signal, said: text.trimEnd().split("\n").at(-1)! }));
  });
}

/** Runs jobs two at a time. */
async function twoAtATime<T>(jobs: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < jobs.length) {
      const own = next++;
      results[own] = await jobs[own]!();
    }
  };
  await Promise.all([worker(), worker()]);
  return results;
}

/** `count` whole numbers from `first` to `last`, evenly spread. */
const spread = (first: number, last: number, count: number): number[] =>
  Array.from({ length: count }, (_, k) => Math.round(first + ((last - first) * k) / (count - 1)));

describe.skipIf(process.platform === "win32")("a training that is killed with SIGKILL", () => {
  it("goes on bit for bit, from 20 moments, 10 of them inside a save, on one thread and on two", async () => {
    const whole = JSON.parse((await train("whole", { threads: 1, existing: "refuse" })).said) as {
      digest: string;
      operations: string[];
      steps: number;
    };
    expect(whole.steps).toBe(20);
    const saving = [...whole.operations.keys()].filter((k) => whole.operations[k]!.includes("/checkpoints/"));
    const moments: Partial<Call>[] = [
      ...spread(0, saving.length - 1, 10).map((k) => ({ hold: saving[k]! })),
      ...spread(1, whole.steps, 10).map((killAt) => ({ killAt })),
    ];
    const outcomes = await twoAtATime(
      moments.map((moment, k) => async () => {
        // Killed on one number of threads, resumed on the other.
        const threads = 1 + (k % 2);
        const killed = await train(`run-${k}`, { threads, existing: "refuse", ...moment });
        const resumed = await train(`run-${k}`, { threads: 3 - threads, existing: "resume" });
        return { killed, digest: (JSON.parse(resumed.said) as { digest: string }).digest };
      }),
    );
    for (const [k, { killed, digest }] of outcomes.entries())
      expect([moments[k], killed.signal, digest]).toEqual([moments[k], "SIGKILL", whole.digest]);
    const held = outcomes.map(({ killed }) => killed.said).filter((said) => said.startsWith("holding"));
    expect(held).toHaveLength(10);
    expect(new Set(held.map((said) => said.split(" ")[1])).size).toBeGreaterThanOrEqual(3);
  }, 300_000);
});
