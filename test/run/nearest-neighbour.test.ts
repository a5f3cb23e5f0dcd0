import fc from "fast-check";
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

test("it is the least cost of all ways to match two series in order, each step at least once", () => {
  const least = (a: readonly number[], b: readonly number[]): number => {
    const here = (a[0]! - b[0]!) ** 2;
    const ways = [
      ...(a.length > 1 ? [least(a.slice(1), b)] : []),
      ...(b.length > 1 ? [least(a, b.slice(1))] : []),
      ...(a.length > 1 && b.length > 1 ? [least(a.slice(1), b.slice(1))] : []),
    ];
    return here + (ways.length > 0 ? Math.min(...ways) : 0);
  };
  const steps = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(steps, steps, (a, b) => {
      const wanted = least(a, b);
      expect(timeWarping(series(...a), series(...b))).toBe(wanted);
      // Only whether it is less is asked for, where a better one is known.
      expect(timeWarping(series(...a), series(...b), wanted + 0.5)).toBe(wanted);
      if (wanted > 0) expect(timeWarping(series(...a), series(...b), wanted)).toBeGreaterThanOrEqual(wanted);
    }),
  );
});

test("the nearest series gives its label", () => {
  const known = [series(5, 5, 5), series(0, 1, 2), series(9)];
  expect(nearestNeighbour(series(0, 0, 1, 1, 2), known, ["a", "b", "c"])).toBe("b");
});
