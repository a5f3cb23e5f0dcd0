import { describe, expect, test } from "vitest";
import { timeSeriesSet } from "../../src/data/time-series-set.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { defaultAnchor } from "../../src/train/default-anchor.ts";
import { defaultTransform } from "../../src/train/default-transform.ts";

const seriesOf = (...columns: (readonly number[])[]) =>
  timeSeriesSet({ targets: ["y"], series: columns.map((y, k) => ({ id: String(k), values: { y } })) }).series;
const noise = (seed: number): number[] => [...new RandomStream(seed, "noise").normal(400)];
const walk = (steps: readonly number[]): number[] => {
  let at = 0;
  return steps.map((step) => {
    at += step;
    return at;
  });
};

describe("what predictions are differences to", () => {
  const anchor = (columns: (readonly number[])[], options: { seasonal?: boolean } = {}) =>
    defaultAnchor(seriesOf(...columns), { targets: ["y"], horizon: 3, season: 5, seasonal: true, ...options });
  const round = (values: readonly number[]): number[] => values.map((v, n) => 10 * (n % 5) + v);

  test("is what is least wrong by itself: the mean of noise, the last place of a walk, the season before of a season", () => {
    expect(anchor([noise(1)])).toBe("none");
    expect(anchor([walk(noise(1))])).toBe("last");
    expect(anchor([round(noise(1))])).toBe("season");
    // What comes back with drift is nearer to the season before than to the mean.
    expect(anchor([round(walk(noise(2).map((v) => v / 4)))])).toBe("season");
    expect(anchor([round(noise(1))], { seasonal: false })).not.toBe("season");
  });

  test("gaps change nothing, a series without change says nothing", () => {
    const holes = (values: readonly number[]) => values.map((v, n) => (n % 7 === 3 ? Number.NaN : v));
    expect(anchor([holes(noise(1))])).toBe("none");
    expect(anchor([holes(walk(noise(1)))])).toBe("last");
    const constant = new Array<number>(400).fill(6);
    expect(anchor([constant])).toBe("last");
    expect(anchor([constant, noise(1)])).toBe("none");
  });

  test("each series counts as much as any other, whatever its size", () => {
    const large = walk(noise(1)).map((v) => 1e6 * v);
    expect(anchor([large])).toBe("last");
    expect(anchor([large, noise(2), noise(3), noise(4)])).toBe("none");
  });
});

describe("whether logarithms are learned", () => {
  const transform = (columns: (readonly number[])[], season = 12) =>
    defaultTransform(seriesOf(...columns), { targets: ["y"], season });
  const wave = (n: number): number => 1 + 0.3 * Math.sin((2 * Math.PI * n) / 12);
  const numbers = (of: (n: number) => number, length = 96): number[] => Array.from({ length }, (_, n) => of(n));
  const growing = numbers((n) => 100 * 1.02 ** n * wave(n));

  test("where swings grow with the level, and not where they stay, shrink, or the level does", () => {
    expect(transform([growing])).toBe("log");
    expect(transform([growing], 1)).toBe("log");
    expect(transform([numbers((n) => 100 + 5 * n + 30 * wave(n))])).toBe("none");
    expect(transform([numbers((n) => 100 + 5 * n + (3000 / (n + 9)) * wave(n))])).toBe("none");
    // Means that differ by less than a factor of two.
    expect(transform([numbers((n) => 100 * 1.006 ** n * wave(n))])).toBe("none");
    expect(transform([numbers((n) => 100 * 1.01 ** n * wave(n))])).toBe("log");
  });

  test("only of numbers above 0, of at least four rounds, and where all columns do", () => {
    expect(transform([growing.with(50, 0)])).toBe("none");
    expect(transform([growing.slice(0, 47)])).toBe("none");
    expect(transform([growing.map((v, n) => (n < 48 ? v * 8 : v)).slice(0, 48)])).toBe("log");
    expect(transform([growing, numbers((n) => 50 + wave(n))])).toBe("none");
    expect(transform([])).toBe("none");
    // Rounds in which nothing moves say nothing.
    expect(transform([[...growing, ...new Array<number>(24).fill(0.7)]])).toBe("log");
  });
});
