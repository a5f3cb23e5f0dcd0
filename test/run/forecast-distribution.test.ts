import { describe, expect, test } from "vitest";
import {
  distributionOf,
  incompleteBeta,
  negativeBinomialQuantile,
  normalQuantile,
  studentTQuantile,
} from "../../src/run/forecast-distribution.ts";

describe("quantiles", () => {
  // Tables of Abramowitz & Stegun (1964), 26.6 and 26.10.
  test.each([
    [0.5, 0],
    [0.9, 1.2815515655],
    [0.975, 1.9599639845],
    [0.001, -3.0902323062],
  ])("normal at %d is %d", (level, value) => expect(normalQuantile(level)).toBeCloseTo(value, 9));

  test("Student's t: of 1 and 2 degrees of freedom in closed form, of many as the normal one", () => {
    for (const level of [0.05, 0.3, 0.9, 0.99]) {
      expect(studentTQuantile(1, level)).toBeCloseTo(Math.tan(Math.PI * (level - 0.5)), 8);
      const s = 2 * level - 1;
      expect(studentTQuantile(2, level)).toBeCloseTo((s * Math.SQRT2) / Math.sqrt(1 - s * s), 8);
      expect(studentTQuantile(1e7, level)).toBeCloseTo(normalQuantile(level), 5);
    }
    // 26.10: 2.228 at 0.975 with 10, 2.262 with 9.
    expect(studentTQuantile(10, 0.975)).toBeCloseTo(2.228138852, 8);
    expect(studentTQuantile(9, 0.975)).toBeCloseTo(2.2621571628, 8);
  });

  test("Student's t of many degrees of freedom is exact near its middle, where 1 − t²/ν rounds to 1", () => {
    for (const degrees of [1e7, 5e8])
      for (const level of [0.5, 0.50001]) {
        expect(studentTQuantile(degrees, level)).toBeCloseTo(normalQuantile(level), 11);
        expect(studentTQuantile(degrees, 1 - level)).toBeCloseTo(-normalQuantile(level), 11);
      }
  });

  test("incomplete beta: powers and binomial sums", () => {
    expect(incompleteBeta(3, 1)(0.4)).toBeCloseTo(0.4 ** 3, 12);
    expect(incompleteBeta(1, 4)(0.2)).toBeCloseTo(1 - 0.8 ** 4, 12);
    // I_x(2, 3) = P(at least 2 of 4)
    const x = 0.35;
    expect(incompleteBeta(2, 3)(x)).toBeCloseTo(6 * x ** 2 * (1 - x) ** 2 + 4 * x ** 3 * (1 - x) + x ** 4, 12);
  });

  test("negative binomial: the geometric distribution", () => {
    // P(count ≤ k) = 1 − 0.75^(k + 1)
    const geometric = { mean: 3, dispersion: 1 };
    for (const [level, count] of [
      [0.2, 0],
      [0.26, 1],
      [0.5, 2],
      [0.9, 8],
    ] as const)
      expect(negativeBinomialQuantile(geometric, level)).toBe(count);
  });

  test.each([
    [150, 0.5],
    [699, 1e-6],
    [701, 1e-6],
    [20_000, 1e-9],
    // Skewed, and far from 0: a normal distribution is off by hundreds here.
    [100_000, 0.01],
    [10_000, 3],
  ])("negative binomial with mean %d and dispersion %d: as its probabilities add up", (mean, dispersion) => {
    const r = 1 / dispersion;
    const odds = Math.log(dispersion * mean) - Math.log1p(dispersion * mean);
    const levels = [0.025, 0.5, 0.975];
    let [count, log, below] = [-1, -r * Math.log1p(dispersion * mean), 0];
    for (const level of levels) {
      for (; below < level; count++) {
        if (count >= 0) log += Math.log((count + r) / (count + 1)) + odds;
        below += Math.exp(log);
      }
      expect(negativeBinomialQuantile({ mean, dispersion }, level)).toBe(count);
    }
  });

  test("negative binomial with a mean of any size: in proportion, without counting up to it", () => {
    const quantiles = [1e6, 1e9, 1e12].map((mean) => negativeBinomialQuantile({ mean, dispersion: 1 }, 0.9) / mean);
    // About a large mean it is the exponential distribution.
    for (const quantile of quantiles) expect(quantile).toBeCloseTo(Math.log(10), 4);
    expect(negativeBinomialQuantile({ mean: 1e12, dispersion: 1e-9 }, 0.5) / 1e12).toBeCloseTo(1, 4);
  });
});

test("parameters move with the units of the series; counts stay", () => {
  const gaussian = distributionOf({ head: "gaussian" });
  const moved = gaussian.moved({ location: 1, scale: 2 }, 10, 3);
  expect(moved).toEqual({ location: 13, scale: 6 });
  expect(gaussian.quantile!(moved, 0.5)).toBeCloseTo(13, 9);
  const counts = distributionOf({ head: "negative-binomial" });
  expect(counts.moved({ mean: 4, dispersion: 1 }, 0, 9)).toEqual({ mean: 4, dispersion: 1 });
});

test("quantiles that cross are put in order, and others than the learned ones are refused", () => {
  const head = distributionOf({ head: "quantiles", levels: [0.1, 0.5, 0.9] });
  const crossed = { "q0.1": 3, "q0.5": 2, "q0.9": 5 };
  expect([0.1, 0.5, 0.9].map((level) => head.quantile!(crossed, level))).toEqual([2, 3, 5]);
  expect(head.point(crossed)).toBe(3);
  expect(() => head.quantile!(crossed, 0.2)).toThrow(/learned 0.1, 0.5, 0.9 and no other/);
});

test.each([
  [[0.1, 0.9], [2, 6], 4],
  [[0.1, 0.3, 0.9], [2, 3, 9], 5],
  [[0.25, 0.5, 0.75, 0.95], [1, 2, 7, 8], 2],
  [[0.8, 0.95], [1, 2], 1],
  [[0.05, 0.2], [1, 2], 2],
])("of the quantiles %o the point is the median, learned or between its neighbours", (levels, values, median) => {
  const parameters = Object.fromEntries(levels.map((level, k) => [`q${level}`, values[k]!]));
  expect(distributionOf({ head: "quantiles", levels }).point(parameters)).toBeCloseTo(median, 12);
});
