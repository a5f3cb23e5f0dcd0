import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalPair, RandomStream, uniform } from "../../src/shared/random.ts";

const coordinates = fc.tuple(fc.nat(), fc.string(), fc.array(fc.nat(), { maxLength: 3 }));

describe("a stream is a function of its coordinates", () => {
  test("the same coordinates give the same numbers, however many are asked for and in whatever order", () => {
    fc.assert(
      fc.property(coordinates, fc.nat({ max: 40 }), fc.nat({ max: 40 }), ([seed, purpose, indices], n, m) => {
        const a = new RandomStream(seed, purpose, ...indices);
        const b = new RandomStream(seed, purpose, ...indices);
        b.normal(m);
        b.uniform(m);
        expect(a.uniform(n)).toEqual(b.uniform(n + m).slice(0, n));
        expect(a.normal(n)).toEqual(b.normal(n + m).slice(0, n));
        expect(a.bits(n)).toEqual(b.bits(n + m).slice(0, n));
      }),
    );
  });

  test("symmetric: the uniform numbers, spread", () => {
    const stream = new RandomStream(5, "spread");
    expect(stream.symmetric(100, 0.3)).toEqual(stream.uniform(100).map((u) => 0.3 * (2 * u - 1)));
  });

  test("at() continues the coordinates", () => {
    expect(new RandomStream(7, "mask").at(3, 1).bits(9)).toEqual(new RandomStream(7, "mask", 3, 1).bits(9));
    expect(new RandomStream(7, "mask").at(3).at(1).bits(9)).toEqual(new RandomStream(7, "mask", 3, 1).bits(9));
  });

  test("every coordinate matters", () => {
    const streams = [
      new RandomStream(0, "a"),
      new RandomStream(1, "a"),
      new RandomStream(2 ** 32, "a"),
      new RandomStream(0, ""),
      new RandomStream(0, "b"),
      new RandomStream(0, "a\0"),
      new RandomStream(0, "aa"),
      new RandomStream(0, "ab"),
      new RandomStream(0, 97),
      new RandomStream(0, "a", 0),
      new RandomStream(0, "a", 0, 0),
      new RandomStream(0, "a", 1),
      new RandomStream(0, "a", 2 ** 32),
      new RandomStream(0, "a", 1, 0),
      new RandomStream(0, "a", 0, 1),
      new RandomStream(0, "a", 97),
    ];
    expect(new Set(streams.map((stream) => stream.bits(4).join())).size).toBe(streams.length);
  });

  test("a wrong coordinate names itself", () => {
    expect(() => new RandomStream(-1, "a")).toThrow(/seed: .*at least 0.*-1/);
    expect(() => new RandomStream(0, "a", 1, 0.5)).toThrow(/indices\[1\]/);
    expect(() => new RandomStream(0, Number.NaN)).toThrow(/purpose/);
    expect(() => new RandomStream(0, "a").uniform(-1)).toThrow(/n: /);
  });

  test("these numbers never change between versions: runs must resume with the same bits", () => {
    expect(Array.from(new RandomStream(1, "golden", 2, 3).bits(5))).toEqual([
      1288064015, 258239113, 3736323088, 515064349, 720838366,
    ]);
  });
});

describe("distributions", () => {
  const n = 40000;
  const mean = (values: Float64Array, power: number): number =>
    values.reduce((sum, value) => sum + value ** power, 0) / n;

  test("uniform: bounds, exact in float32, moments, no correlation of neighbours", () => {
    expect(uniform(0)).toBe(0);
    expect(uniform(0xffffffff)).toBe(1 - 2 ** -24);
    const values = new RandomStream(3, "moments").uniform(n);
    expect(values.every((value) => value >= 0 && value < 1 && Math.fround(value) === value)).toBe(true);
    // Five standard deviations of each estimate.
    expect(Math.abs(mean(values, 1) - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(mean(values, 2) - 1 / 3)).toBeLessThan(5 * Math.sqrt(4 / 45 / n));
    const neighbours = values.map((value, i) => (value - 0.5) * (values[(i + 1) % n]! - 0.5));
    expect(Math.abs(mean(neighbours, 1))).toBeLessThan(5 * Math.sqrt(1 / 144 / n));
  });

  test("normal: finite at the extremes, moments", () => {
    for (const a of [0, 0xffffffff])
      for (const b of [0, 0xffffffff]) expect(normalPair(a, b).every(Number.isFinite)).toBe(true);
    const values = new RandomStream(3, "moments").normal(n);
    expect(Math.abs(mean(values, 1))).toBeLessThan(5 * Math.sqrt(1 / n));
    expect(Math.abs(mean(values, 2) - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    expect(Math.abs(mean(values, 3))).toBeLessThan(5 * Math.sqrt(15 / n));
    expect(Math.abs(mean(values, 4) - 3)).toBeLessThan(5 * Math.sqrt(96 / n));
  });

  test("permutation: every order of three is equally likely", () => {
    const counts = new Map<string, number>();
    const stream = new RandomStream(5, "orders");
    for (let i = 0; i < 6000; i++) {
      const order = stream.at(i).permutation(3).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt(1000 * (5 / 6)));
    expect(Array.from(stream.permutation(1000)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 1000 }, (_, i) => i),
    );
    expect(stream.permutation(0).length).toBe(0);
  });
});
