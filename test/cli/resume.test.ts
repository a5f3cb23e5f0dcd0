import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { decodeCheckpoint, encodeCheckpoint } from "../../src/checkpoint/checkpoint-file.ts";
import { openRun } from "../../src/train/run.ts";
import { longshort } from "./fake-io.ts";

const folder = mkdtempSync(join(tmpdir(), "longshort-resume-"));
const text = join(folder, "text.txt");
const whole = join(folder, "whole");
const settings = [
  "--hidden-size",
  "6",
  "--embedding-size",
  "4",
  "--batch-size",
  "4",
  "--sequence-length",
  "8",
  "--dropout",
  "0.2",
];
const command = (output: string, ...more: string[]) => ["train", "text", text, ...settings, "-o", output, ...more];
const weightsOf = (run: string) => readFileSync(join(run, "model.safetensors"));
const linesOf = (run: string) =>
  readFileSync(join(run, "metrics.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
const checkpointsOf = (run: string) => readdirSync(join(run, "checkpoints")).sort();
const stepsOf = (run: string) => checkpointsOf(run).map((name) => Number(/\d+/.exec(name)));

/** Trains, and presses Ctrl-C at the progress after `step` updates. */
async function stopped(output: string, step: number) {
  let press: (() => void) | undefined;
  return longshort(command(output, "--epochs", "3", "--json"), {
    onListen: (listener) => {
      press = listener;
    },
    onStdout: (line) => {
      if (line.includes(`"progress","step":${step},`)) press?.();
    },
  });
}

beforeAll(async () => {
  writeFileSync(text, "abcabd. acbd. ".repeat(60));
  expect(await longshort(command(whole, "--epochs", "3", "-q"))).toMatchObject({ code: 0 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("resume", () => {
  it("goes on after Ctrl-C as if nothing had been", async () => {
    const run = join(folder, "stopped");
    expect((await stopped(run, 30)).code).toBe(130);
    expect(linesOf(run).at(-1)).toMatchObject({ type: "end", reason: "aborted", step: 30 });
    const { code, stderr, stdout } = await longshort(["resume", run]);
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining("Resumed after step 30.") });
    expect(stdout).toContain("Saved in");
    expect(weightsOf(run).equals(weightsOf(whole))).toBe(true);
    const curve = (of: string) => linesOf(of).map(({ type, step, loss, trainLoss }) => [type, step, loss, trainLoss]);
    expect(curve(run)).toEqual(curve(whole));
  });

  it("says of a training that is done that nothing is left to do, and how it would go on", async () => {
    const { code, stderr } = await longshort(["resume", whole]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/Resumed after step \d+\. Nothing is left to do; give a larger --epochs/);
  });

  it("does not go by the clock, which may be set back while a training runs", async () => {
    const run = join(folder, "clock");
    vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-06-01") });
    try {
      let press: (() => void) | undefined;
      await longshort(command(run, "--epochs", "3", "--checkpoint-every", "10", "--keep", "2", "--json"), {
        onListen: (listener) => {
          press = listener;
        },
        onStdout: (line) => {
          if (line.includes('"progress","step":15,')) vi.setSystemTime(new Date("2001-01-01"));
          if (line.includes('"progress","step":35,')) press?.();
        },
      });
      expect(stepsOf(run).slice(-2)).toEqual([30, 35]);
      vi.setSystemTime(new Date("1999-01-01"));
      expect((await longshort(["resume", run])).stderr).toContain("Resumed after step 35.");
    } finally {
      vi.useRealTimers();
    }
    expect(weightsOf(run).equals(weightsOf(whole))).toBe(true);
  });

  it("is what a stopped training tells to do", async () => {
    const run = join(folder, "told");
    let press: (() => void) | undefined;
    const { stdout } = await longshort(command(run), {
      onListen: (listener) => {
        press = listener;
      },
      onStderr: (line) => {
        if (line.includes("Training: ")) press?.();
        if (line.includes("Training: ")) press = undefined;
      },
    });
    expect(stdout).toMatch(
      /Stopped after step \d+ of \d+\. To continue exactly where it stopped:\n {2}longshort resume /,
    );
  });

  it("leaves a run as it was where Ctrl-C comes before the training goes on", async () => {
    const before = checkpointsOf(whole);
    const { code, stderr } = await longshort(["resume", whole, "--epochs", "9"], { onListen: (press) => press() });
    expect({ code, stderr }).toEqual({
      code: 130,
      stderr: expect.stringContaining("whole is unchanged, and resume continues it."),
    });
    expect(checkpointsOf(whole)).toEqual(before);
    expect(readdirSync(whole)).not.toContain("run.lock");
  });

  it("is told of when a checkpoint cannot be written, with the step that is kept", async () => {
    const run = join(folder, "unwritable");
    const checkpoints = join(run, "checkpoints");
    const { code, stderr } = await longshort(command(run, "--epochs", "3", "--checkpoint-every", "4", "--json"), {
      onStdout: (line) => {
        if (!line.includes('"progress","step":5,')) return;
        renameSync(checkpoints, `${checkpoints}-aside`);
        writeFileSync(checkpoints, "");
      },
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /The checkpoint after step 4 is kept\. Once there is room, continue from it:\n {2}longshort resume /,
    );
    rmSync(checkpoints);
    renameSync(`${checkpoints}-aside`, checkpoints);
    expect((await longshort(["resume", run, "-q"])).code).toBe(0);
    expect(weightsOf(run).equals(weightsOf(whole))).toBe(true);
  });

  it("goes on for longer with more epochs or steps", async () => {
    const [run, longer] = [join(folder, "longer"), join(folder, "long")];
    await longshort(command(run, "--epochs", "2", "-q"));
    expect((await longshort(["resume", run, "--epochs", "3", "--quiet"])).code).toBe(0);
    expect(weightsOf(run).equals(weightsOf(whole))).toBe(true);
    expect(JSON.parse(readFileSync(join(run, "config.json"), "utf8")).training.epochs).toBe(3);
    await longshort(command(longer, "--max-steps", "5", "-q"));
    expect((await longshort(["resume", longer, "--max-steps", "9", "-q", "--json"])).stdout).toContain('"step":9,');
  });

  it("refuses a text that has changed since, with the reason", async () => {
    const [own, run] = [join(folder, "changing.txt"), join(folder, "changed")];
    writeFileSync(own, readFileSync(text));
    await longshort(["train", "text", own, ...settings, "--max-steps", "3", "-q", "-o", run]);
    const before = checkpointsOf(run);
    appendFileSync(own, "abd");
    const { code, stderr } = await longshort(["resume", run, "--max-steps", "5", "-q"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/checkpoint is of another training: data.tokens was 756, now it is \d+; data.hash was/);
    expect(checkpointsOf(run)).toEqual(before);
  });

  it("uses the checkpoint before a damaged one and says so", async () => {
    const run = join(folder, "damaged");
    await longshort(command(run, "--epochs", "3", "--max-steps", "9", "--checkpoint-every", "4", "-q"));
    const newest = join(run, "checkpoints", checkpointsOf(run).at(-1)!);
    writeFileSync(newest, readFileSync(newest).subarray(0, 900));
    const { code, stderr } = await longshort(["resume", run, "-q"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/step-0000000009.safetensors is damaged .*the one before it is used/);
  });

  it("computes as the checkpoint was computed where the host can", async () => {
    const run = join(folder, "portable");
    await longshort(command(run, "--max-steps", "3", "-q"));
    const lastState = async () =>
      (await decodeCheckpoint(readFileSync(join(run, "checkpoints", checkpointsOf(run).at(-1)!)))).state;
    for (const name of checkpointsOf(run)) {
      const path = join(run, "checkpoints", name);
      const { tensors, state } = await decodeCheckpoint(readFileSync(path));
      const portable = { ...state, arithmetic: { float: "float32", family: "portable" } };
      writeFileSync(path, await encodeCheckpoint({ tensors, state: portable }));
    }
    expect(await longshort(["resume", run, "--max-steps", "5", "-q"])).toMatchObject({ code: 0, stderr: "" });
    expect(stepsOf(run).at(-1)).toBe(5);
    expect(await lastState()).toMatchObject({ arithmetic: { float: "float32", family: "portable" } });
  });

  it("refuses where the arithmetic is not there, unless other bits are allowed", async () => {
    const run = join(folder, "arithmetic");
    await longshort(command(run, "--max-steps", "3", "-q"));
    for (const name of checkpointsOf(run)) {
      const path = join(run, "checkpoints", name);
      const { tensors, state } = await decodeCheckpoint(readFileSync(path));
      const other = { ...state, arithmetic: { float: "float32", family: "other" } };
      writeFileSync(path, await encodeCheckpoint({ tensors, state: other }));
    }
    const resume = ["resume", run, "--max-steps", "5", "-q"];
    const { code, stderr } = await longshort(resume);
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--allow-different-arithmetic"),
    });
    expect((await longshort([...resume, "--allow-different-arithmetic"])).code).toBe(0);
  });

  it("and training are refused while another process has the run", async () => {
    const run = join(folder, "locked");
    await longshort(command(run, "--max-steps", "2", "-q"));
    const held = await openRun({ folder: run, existing: "resume" });
    for (const argv of [["resume", run], command(run, "--force")]) {
      const { code, stderr } = await longshort(argv);
      expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(`process ${process.pid} on`) });
    }
    await held.close();
  });

  it("never puts a training that begins anew in the place of weights that have no checkpoints", async () => {
    const run = join(folder, "copied");
    cpSync(whole, run, { recursive: true });
    rmSync(join(run, "checkpoints"), { recursive: true });
    const { code, stderr } = await longshort(["resume", run, "--epochs", "4"]);
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("it has weights but no checkpoints to resume from"),
    });
    expect(weightsOf(run).equals(weightsOf(whole))).toBe(true);
    // Killed before the first checkpoint there is nothing to lose.
    mkdirSync(join(run, "checkpoints"));
    expect((await longshort(["resume", run, "--quiet"])).code).toBe(0);
    expect(weightsOf(run).equals(weightsOf(whole))).toBe(true);
  });

  it("of something that is no run of a training says so", async () => {
    expect(await longshort(["resume", join(folder, "none")])).toMatchObject({ code: 2 });
    writeFileSync(join(folder, "config.json"), '{"format":"longshort-run","version":1,"model":{}}');
    const { code, stderr } = await longshort(["resume", folder]);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining("its task is missing") });
  });
});

describe("options of checkpoints and of the end", () => {
  const trained = async (name: string, ...more: string[]) => {
    const run = join(folder, name);
    expect((await longshort(command(run, "-q", ...more))).code).toBe(0);
    return run;
  };

  it("--checkpoint-every and --keep say which checkpoints there are", async () => {
    expect(stepsOf(await trained("keep-2", "--max-steps", "9", "--checkpoint-every", "2", "--keep", "2"))).toEqual([
      8, 9,
    ]);
    const all = await trained("keep-9", "--max-steps", "9", "--checkpoint-every", "2", "--keep", "9");
    expect(stepsOf(all)).toEqual([2, 4, 6, 8, 9]);
  });

  it("--checkpoint-seconds saves as time passes", async () => {
    const often = await trained("seconds", "--max-steps", "4", "--checkpoint-seconds", "0.000001", "--keep", "9");
    expect(stepsOf(often)).toEqual([1, 2, 3, 4]);
  });

  it("--patience and --min-delta stop early", async () => {
    const more = ["--epochs", "30", "--patience", "2", "--min-delta", "5"];
    const epochs = linesOf(await trained("patience", ...more)).filter(({ type }) => type === "epoch");
    // The first measurement is the mark; nothing is better by 5 nats.
    expect(epochs).toHaveLength(3);
    expect(linesOf(join(folder, "patience")).at(-1)).toMatchObject({ reason: "stopped-early" });
  });

  it("--accumulate makes one update of several batches", async () => {
    const [plain] = linesOf(whole);
    const [start] = linesOf(await trained("accumulate", "--accumulate", "3", "--epochs", "1"));
    expect(start.stepsPerEpoch).toBe(Math.ceil(plain.stepsPerEpoch / 3));
  });
});
