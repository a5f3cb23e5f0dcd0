import { describe, expect, test } from "vitest";
import { latestCheckpoint, saveCheckpoint } from "../../src/checkpoint/checkpoints.ts";
import { PowerCut, SimulatedFiles, type SimulatedOptions } from "./simulated-files.ts";

const folder = "/run/checkpoints";
const checkpoint = (step: number) => ({
  tensors: new Map([["w", { shape: [3], data: Float32Array.of(step, step / 3, -0) }]]),
  state: { step },
});
const save = (files: SimulatedFiles, step: number) =>
  saveCheckpoint({ files, folder }, checkpoint(step), { step, keep: 1, best: 0 });

/** Saves steps 1 to 3 and returns the last one that was reported as saved before the power went. */
async function saves(options: SimulatedOptions): Promise<{ files: SimulatedFiles; reported: number }> {
  const files = new SimulatedFiles(options);
  let reported = 0;
  try {
    for (const step of [1, 2, 3]) {
      await save(files, step);
      reported = step;
    }
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
  }
  return { files, reported };
}

/** The cuts after which what was reported as saved is not there, whichever of the changes that were not synced survive. */
async function failures(options: SimulatedOptions): Promise<string[]> {
  const failed: string[] = [];
  const { operations } = (await saves(options)).files;
  for (let cutAt = 0; cutAt <= operations; cutAt++) {
    const { files, reported } = await saves({ ...options, cutAt });
    for (let survivors = 0; survivors < 2 ** files.pending; survivors++) {
      const { found } = await latestCheckpoint({ files: files.afterCrash(survivors), folder });
      const step = (found?.state as { step: number } | undefined)?.step ?? 0;
      if (step < reported) failed.push(`cut ${cutAt}, survivors ${survivors}: ${step} instead of ${reported}`);
      if (found) expect(found).toEqual(checkpoint(step));
    }
  }
  return failed;
}

describe("power loss while checkpoints are saved", () => {
  test("after any operation leaves the checkpoint that was saved last, or the next one", async () => {
    expect(await failures({})).toEqual([]);
  });

  test("would lose one if any single sync were left out", async () => {
    const { syncs } = (await saves({})).files;
    // The names of two folders, and of each save the file and its name.
    expect(syncs).toBe(2 + 3 * 2);
    for (let dropSync = 0; dropSync < syncs; dropSync++)
      expect([dropSync, (await failures({ dropSync })).length > 0]).toEqual([dropSync, true]);
  });

  test("leaves no files lying about once the next training begins", async () => {
    for (let cutAt = 0; cutAt < 24; cutAt++) {
      const { files } = await saves({ cutAt });
      const left = files.afterCrash(2 ** files.pending - 1);
      await latestCheckpoint({ files: left, folder });
      expect((await left.list(folder)).every((name) => name.startsWith("step-"))).toBe(true);
    }
  });
});
