import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it, vi } from "vitest";
import { RUN_FORMAT } from "../../src/checkpoint/run-folder.ts";
import { readStory } from "../../src/cli/run-story.ts";

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
