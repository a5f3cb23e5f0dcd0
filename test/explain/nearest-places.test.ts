import { expect, it } from "vitest";
import { nearestPlaces } from "../../src/explain/nearest-places.ts";

/** States of two units, one a step. */
const states = (...rows: [number, number][]) => [{ shape: [rows.length, 2], data: rows.flat() }];
const steps = async (...given: Parameters<typeof nearestPlaces>) =>
  (await nearestPlaces(...given)).map(({ step }) => step);

it("the likest states come first; of those that lie near each other one", async () => {
  const rows = states([1, 0], [1, 0.1], [0, 1], [1, 1], [-1, 0]);
  expect(await steps(rows, { to: [2, 0] })).toEqual([0, 1, 3, 2, 4]);
  expect(await steps(rows, { to: [2, 0], apart: 2, count: 2 })).toEqual([0, 3]);
  expect(await steps(rows, { to: [2, 0], without: (step) => step < 2, count: 1 })).toEqual([3]);
  const [first] = await nearestPlaces(rows, { to: [3, 3], count: 1 });
  expect(first!.step).toBe(3);
  expect(first!.similarity).toBeCloseTo(1, 12);
});

it("of what is as like the first comes first, and stays", async () => {
  const same = states([1, 0], [2, 0], [3, 0], [0, 1]);
  expect(await steps(same, { to: [1, 0] })).toEqual([0, 1, 2, 3]);
  expect(await steps(same, { to: [1, 0], count: 1 })).toEqual([0]);
  expect(await steps(same, { to: [1, 0], apart: 2 })).toEqual([0, 2]);
});

it("pieces go on where the last one ended, or where they say", async () => {
  const [a, b] = [states([0, 1])[0]!, { ...states([1, 0])[0]!, firstStep: 7 }];
  expect(await steps([a, b], { to: [1, 0] })).toEqual([7, 0]);
});

it("a state that is no number is like none, and one of zeros is neither like nor unlike", async () => {
  const rows = states([Number.NaN, 0], [0, 0], [1, 0]);
  expect(await nearestPlaces(rows, { to: [1, 0], count: 2 })).toEqual([
    { step: 2, similarity: 1 },
    { step: 1, similarity: 0 },
  ]);
});
