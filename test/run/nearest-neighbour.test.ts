import { expect, test } from "vitest";
import { nearestNeighbour, timeWarping } from "../../src/run/nearest-neighbour.ts";

const series = (...values: number[]) => ({ channels: 1, values: Float64Array.from(values) });

test("warping costs nothing for steps that are repeated, and what differs otherwise", () => {
  expect(timeWarping(series(1, 2, 3), series(1, 1, 2, 2, 3))).toBe(0);
  // 0–0, 2–1 and 2–3 cost 0 + 1 + 1.
  expect(timeWarping(series(0, 2), series(0, 1, 3))).toBe(2);
  expect(
    timeWarping({ channels: 2, values: Float64Array.of(1, 5) }, { channels: 2, values: Float64Array.of(4, 1) }),
  ).toBe(25);
});

test("the nearest series gives its label", () => {
  const known = [series(5, 5, 5), series(0, 1, 2), series(9)];
  expect(nearestNeighbour(series(0, 0, 1, 1, 2), known, ["a", "b", "c"])).toBe("b");
});
