import { expect, it } from "vitest";
import { bestColumns, rankOf, winnersOf } from "../../src/cli/best-columns.ts";
import { differencesOf, printed } from "../../src/cli/differences.ts";
import type { Best, RunStory } from "../../src/cli/run-story.ts";

const story = (best: Partial<Best> | undefined, settings = {}): RunStory =>
  ({
    best: best && { metric: "loss", mode: "min", of: "validation", epoch: 2, loss: best.value, ...best },
    settings,
  }) as never;

it("the best of runs are those that none is better than, where one metric judged them", () => {
  const [a, b, c, none] = [story({ value: 2 }), story({ value: 1 }), story({ value: 1 }), story(undefined)];
  expect(winnersOf([a!, b!, c!, none!])).toEqual([b, c]);
  const accuracy = { metric: "accuracy", mode: "max" } as const;
  const [low, high] = [story({ ...accuracy, value: 0.5 }), story({ ...accuracy, value: 0.9 })];
  expect(winnersOf([low!, high!])).toEqual([high]);
  expect(winnersOf([a!, high!])).toEqual([]);
  expect(winnersOf([none!])).toEqual([]);
  expect([rankOf(low!.best!), rankOf(a!.best!)]).toEqual([-0.5, 2]);
});

it("a column says what decided, where that is not the loss", () => {
  const columns = bestColumns([story({ value: 2 })]);
  expect([columns.heads, columns.cells(story({ value: 2 }))]).toEqual([
    ["loss", "of", "epoch"],
    ["2.0000", "validation", "2"],
  ]);
  const decided = story({ metric: "accuracy", mode: "max", value: 0.5, loss: undefined });
  const both = bestColumns([story({ value: 2 }), decided]);
  expect(both.heads).toEqual(["best", "loss", "of", "epoch"]);
  expect(both.cells(decided)).toEqual(["accuracy 0.5000", "", "validation", "2"]);
  expect(both.cells(story(undefined))).toEqual(["–", "", "", ""]);
});

it("settings differ where their values do, also where one run does not have them", () => {
  const stories = [story(undefined, { a: 1, b: [1, 2], c: "x" }), story(undefined, { a: 1, b: [1, 3], d: null })];
  expect(differencesOf(stories)).toEqual([
    {
      setting: "b",
      values: [
        [1, 2],
        [1, 3],
      ],
    },
    { setting: "c", values: ["x", undefined] },
    { setting: "d", values: [undefined, null] },
  ]);
  expect([undefined, [1, [2, "x"]], { a: 1 }, null, true].map(printed)).toEqual([
    "–",
    "1 2 x",
    '{"a":1}',
    "null",
    "true",
  ]);
});
