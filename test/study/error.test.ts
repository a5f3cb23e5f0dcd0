import { describe, expect, it } from "vitest";
import { sequenceError } from "../../src/study/error.ts";
import type { Task, TaskKind, TaskSequence } from "../../src/tasks/task.ts";

const task = (kind: TaskKind, outputSize: number, confidence?: number): Task => ({
  ...{ name: "t", about: "a task", source: "here", kind, inputSize: 1, outputSize, chance: 1 },
  criterion: { text: "right", error: 0, ...(confidence !== undefined && { confidence }) },
  sequence: () => {
    throw new Error("not asked for");
  },
});
const sequence = (asked: number[], answers: number[], possible?: number[]): TaskSequence => ({
  ...{ steps: asked.length, inputs: new Float64Array(asked.length), asked: Uint8Array.from(asked) },
  answers: Float64Array.from(answers),
  ...(possible && { possible: Uint8Array.from(possible) }),
});
/** The row that counts is the second of two; what the first says is nonsense. */
const beside = (rows: readonly (readonly number[])[]) => ({
  ...{ data: rows.flatMap((row) => [...row.map(() => Number.NaN), ...row]), rows: 2 },
});

describe("a number", () => {
  it("the squared error of what was asked for", () => {
    const s = sequence([0, 1], [9, 2]);
    expect(sequenceError(task("number", 1), s, beside([[100], [1.5]]), 1)).toBe(0.25);
  });
});

describe("a class", () => {
  const s = sequence([1, 1], [2, 0]);
  const at = (p: number): number => Math.log((2 * p) / (1 - p));
  const outputs = (first: number, second: number) =>
    beside([
      [0, 0, at(first)],
      [at(second), 0, 0],
    ]);

  it.each([
    [0.51, 0.51, undefined, 0],
    [0.51, 0.49, undefined, 1],
    [0.49, 0.9, undefined, 1],
    [0.76, 0.71, 0.7, 0],
    [0.76, 0.69, 0.7, 1],
  ])("probabilities %d and %d with a confidence of %s: error %d", (first, second, confidence, error) => {
    expect(sequenceError(task("class", 3, confidence), s, outputs(first, second), 1)).toBe(error);
  });

  it("logits may be as large as they like", () => {
    expect(sequenceError(task("class", 2), sequence([1], [1]), beside([[-1e30, 1e30]]), 1)).toBe(0);
  });
});

describe("the next symbol", () => {
  // First 0 or 2 may come, then only 1.
  const s = sequence([1, 1], [0, 1], [1, 0, 1, 0, 1, 0]);

  it.each([
    [[3, 1, 2], [0, 1, 0.9], 0],
    [[1, 2, 3], [0, 1, 0], 1],
    [[3, 1, 2], [0, 1, 1], 1],
  ])("%j, %j: error %d", (first, second, error) => {
    expect(sequenceError(task("next", 3), s, beside([first, second]), 1)).toBe(error);
  });
});

describe("sets", () => {
  const s = sequence([1, 0, 1], [1, 0, 9, 9, 1, 1]);

  it.each([
    [[0.1, -0.1], [2, 3], 0],
    [[0.1, 0.1], [2, 3], 1],
    [[0.1, -0.1], [2, -3], 1],
  ])("%j, %j: error %d", (first, last, error) => {
    expect(sequenceError(task("set", 2), s, beside([first, [-9, -9], last]), 1)).toBe(error);
  });
});
