import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it, vi } from "vitest";
import { RUN_FORMAT } from "../../src/checkpoint/run-folder.ts";
import { isRun, readStory } from "../../src/cli/run-story.ts";

/** A training gives a file its name when it is whole: what it was called before is gone between two looks. */
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  const statSync = ((path: string, options: object) => {
    if (path.endsWith(".tmp")) fs.rmSync(path, { force: true });
    return fs.statSync(path, options);
  }) as typeof fs.statSync;
  return { ...fs, statSync };
});

const folder = mkdtempSync(join(tmpdir(), "longshort-story-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (name: string, metrics: string): string => {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, "config.json"), JSON.stringify({ format: RUN_FORMAT, model: {}, task: "text" }));
  writeFileSync(join(path, "metrics.jsonl"), metrics);
  return path;
};

it("is told while the run is written to", () => {
  const path = run("written", "");
  writeFileSync(join(path, ".model.safetensors.1.tmp"), "half");
  expect(readStory(path).files.map(({ name }) => name)).toEqual(["config.json", "metrics.jsonl"]);
});

it("leaves out what is no number and a line without its end; of a step that was told twice the last word counts", () => {
  const lines = [
    { type: "start", step: 0, totalSteps: 9, monitor: { metric: "loss", mode: "min" } },
    { type: "progress", step: 5, loss: 3 },
    { type: "progress", step: 8, loss: null },
    { type: "progress", step: 10, loss: 1 },
    { type: "start", step: 5, totalSteps: 9 },
    { type: "progress", step: 5, loss: 2 },
    { type: "progress", step: 7, loss: 2.5, itemsPerSecond: 30, tokensPerSecond: 20 },
    { type: "epoch", step: 9, epoch: 1, seconds: 4, trainLoss: 1.5, best: true },
  ];
  const story = readStory(run("resumed", `${lines.map((line) => JSON.stringify(line)).join("\n")}\n{"type":"prog`));
  expect(story.curves["training loss"]).toEqual([
    ...[
      [5, 2],
      [7, 2.5],
    ],
    [10, 1],
  ]);
  expect(story.curves.speed).toEqual([[7, 30]]);
  expect(story).toMatchObject({
    ...{ step: 9, epoch: 1, seconds: 4, ended: undefined, start: { step: 5, totalSteps: 9 } },
    best: { metric: "loss", value: 1.5, of: "training", epoch: 1, step: 9 },
  });
});

it("is told whole: what decided, the time of all, and every file", () => {
  const monitor = { metric: "accuracy", mode: "max" };
  const epoch = (k: number, accuracy: number, best: boolean) => ({
    ...{ type: "epoch", step: 4 * k, epoch: k, seconds: 2, trainLoss: 1 / k, validationLoss: 3 - k },
    ...{ metrics: { loss: 3 - k, accuracy }, best },
  });
  const lines = [
    ...[{ type: "start", step: 0, totalSteps: 12, parameters: 7, monitor }, epoch(1, 0.5, true), epoch(2, 0.75, true)],
    ...[epoch(3, 0.25, false), { type: "end", step: 12, seconds: 7, reason: "stopped-early" }],
  ];
  const path = run("whole", `${lines.map((line) => JSON.stringify(line)).join("\n\n")}\n`);
  mkdirSync(join(path, "samples"));
  writeFileSync(join(path, "samples", "epoch-1.txt"), "ab");
  writeFileSync(join(path, "a.txt"), "abc");
  const training = { seed: 3 };
  writeFileSync(
    join(path, "config.json"),
    JSON.stringify({ format: RUN_FORMAT, model: { kind: "x" }, task: 5, training }),
  );
  const { files, curves, changed, ...story } = readStory(path);
  expect(story).toEqual({
    ...{ folder: path, task: undefined, model: { kind: "x" }, settings: training },
    start: { step: 0, totalSteps: 12, parameters: 7 },
    best: { ...monitor, value: 0.75, loss: 1, of: "validation", step: 8, epoch: 2 },
    ...{ step: 12, epoch: 3, seconds: 7, ended: "stopped-early" },
  });
  expect(files.map(({ name }) => name)).toEqual([
    "a.txt",
    "config.json",
    "metrics.jsonl",
    join("samples", "epoch-1.txt"),
  ]);
  expect(files.filter(({ name }) => name.endsWith(".txt")).map(({ bytes }) => bytes)).toEqual([3, 2]);
  expect(curves["validation loss"]).toEqual([4, 8, 12].map((step, k) => [step, 2 - k]));
  expect(changed).toEqual(statSync(join(path, "metrics.jsonl")).mtime);
});

it("of a run without events says what its config says, and when that was written", () => {
  const path = run("bare", "");
  rmSync(join(path, "metrics.jsonl"));
  expect(readStory(path)).toMatchObject({
    ...{ task: "text", settings: {}, start: {}, step: 0, epoch: 0, seconds: undefined, ended: undefined },
    changed: statSync(join(path, "config.json")).mtime,
  });
});

it("what is no run, or a damaged one, is refused", () => {
  expect(() => readStory(join(folder, "nothing"))).toThrow(/expected the folder of a run/);
  const path = run("damaged", "{}\n{\n{}\n");
  expect(() => readStory(path)).toThrow(/metrics.jsonl: not valid JSON/);
  for (const config of [{ format: "other", model: {} }, { format: RUN_FORMAT }, []]) {
    writeFileSync(join(path, "config.json"), JSON.stringify(config));
    expect(() => readStory(path)).toThrow(/"model" as an object/);
    expect(isRun(path)).toBe(!Array.isArray(config) && config.format === RUN_FORMAT);
  }
  expect(isRun(join(folder, "nothing"))).toBe(false);
});
