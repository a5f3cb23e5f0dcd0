import { describe, expect, test } from "vitest";
import { decodeCheckpoint, encodeCheckpoint } from "../../src/checkpoint/checkpoint-file.ts";
import { latestCheckpoint, removeCheckpoints, saveCheckpoint } from "../../src/checkpoint/checkpoints.ts";
import { FailureError } from "../../src/shared/errors.ts";
import { SimulatedFiles } from "./simulated-files.ts";

const folder = "/checkpoints";
const checkpoint = (step: number) => ({
  tensors: new Map([
    ["parameters/w", { shape: [2, 2], data: Float32Array.of(0.1, -0, 1e-45, 3.4e38) }],
    ["moment.m/w", { shape: [1], data: Float64Array.of(1 / 3) }],
    ["state/h", { shape: [0], data: new Float32Array(0) }],
  ]),
  state: { step, text: `a "sha256":"${"0".repeat(64)}" inside`, best: 1.0000000000000002, none: null },
});
const empty = (): SimulatedFiles => new SimulatedFiles();
const save = (files: SimulatedFiles, step: number, options: { keep?: number; best?: number } = {}) =>
  saveCheckpoint({ files, folder }, checkpoint(step), { step, keep: 2, best: 0, ...options });
const stepOf = async (files: SimulatedFiles) => (await latestCheckpoint({ files, folder })).found?.state;

describe("a checkpoint", () => {
  test("comes back with every bit", async () => {
    const { tensors, state } = await decodeCheckpoint(await encodeCheckpoint(checkpoint(7)));
    expect(state).toEqual(checkpoint(7).state);
    expect(tensors).toEqual(checkpoint(7).tensors);
    expect(Object.is(tensors.get("parameters/w")!.data[1], -0)).toBe(true);
  });

  test("that was altered at any byte is noticed", async () => {
    const bytes = await encodeCheckpoint(checkpoint(7));
    for (let at = 0; at < bytes.length; at++) {
      const altered = bytes.slice();
      altered[at]! ^= 1 + (at % 255);
      await expect(decodeCheckpoint(altered), `byte ${at}`).rejects.toMatchObject({ code: "bad-checkpoint" });
    }
  });

  test("that was cut short or made longer anywhere is noticed", async () => {
    const bytes = await encodeCheckpoint(checkpoint(7));
    for (let length = 0; length < bytes.length; length++)
      await expect(decodeCheckpoint(bytes.slice(0, length))).rejects.toMatchObject({ code: "bad-checkpoint" });
    await expect(decodeCheckpoint(new Uint8Array([...bytes, 0]))).rejects.toMatchObject({ code: "bad-checkpoint" });
  });
});

describe("the folder of checkpoints", () => {
  test("keeps the last ones and the best", async () => {
    const files = empty();
    for (const step of [10, 20, 30, 40, 50]) await save(files, step, { best: Math.min(step, 20) });
    expect((await files.list(folder)).sort()).toEqual([20, 40, 50].map((step) => `step-00000000${step}.safetensors`));
    expect(await stepOf(files)).toMatchObject({ step: 50 });
    await removeCheckpoints({ files, folder });
    expect(await files.list(folder)).toEqual([]);
    expect(await stepOf(files)).toBeUndefined();
  });

  test("passes damaged ones over, says so, and puts them aside", async () => {
    const files = empty();
    for (const step of [10, 20, 30]) await save(files, step, { keep: 3 });
    await files.truncate(`${folder}/step-0000000030.safetensors`, 500);
    await files.write(`${folder}/step-0000000020.safetensors`, "not a checkpoint");
    const { found, rejected } = await latestCheckpoint({ files, folder });
    expect(found?.state).toMatchObject({ step: 10 });
    expect(rejected.map(({ path }) => path)).toEqual(
      [30, 20].map((step) => `${folder}/step-00000000${step}.safetensors`),
    );
    expect(rejected[0]!.why).toMatch(/cut short or was altered/);
    expect((await files.list(folder)).sort()).toEqual([
      "step-0000000010.safetensors",
      "step-0000000020.safetensors.damaged",
      "step-0000000030.safetensors.damaged",
    ]);
    expect((await latestCheckpoint({ files, folder })).rejected).toEqual([]);
  });

  test.each([
    ["a full disk", new FailureError("disk-full", "no space left")],
    ["a folder that is read-only", new FailureError("file-write-failed", "read-only")],
  ])("%s at any operation of a save leaves the one before, and no rest", async (_, failure) => {
    for (let failing = 0; ; failing++) {
      const files = empty();
      await save(files, 10);
      let count = 0;
      // From then on nothing can be written; removing is possible.
      files.options = {
        before: (operation) => {
          if (operation !== "remove" && count++ >= failing) throw failure;
        },
      };
      const saved = await save(files, 20).then(
        () => true,
        (error: unknown) => {
          expect(error).toBe(failure);
          return false;
        },
      );
      files.options = {};
      if (saved) {
        expect(failing).toBe(5);
        break;
      }
      // Renamed already but not synced: the new one may be there, and is whole.
      expect([10, 20]).toContain(((await stepOf(files)) as { step: number }).step);
      expect((await files.list(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    }
  });
});
