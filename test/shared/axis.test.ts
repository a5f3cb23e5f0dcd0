import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shownNumber, ticks, withAir } from "../../src/shared/axis.ts";

describe("an axis", () => {
  it("has about as many ticks as asked for, within its ends, wherever they are", () => {
    const size = fc.double({ min: -300, max: 300, noNaN: true }).map((e) => 10 ** e);
    fc.assert(
      fc.property(fc.boolean(), size, size, fc.integer({ min: 3, max: 8 }), (negative, a, b, count) => {
        const [low, high] = withAir(negative ? -a : a, (negative ? -a : a) + b);
        const all = ticks(low, high, count);
        expect(all.length).toBeGreaterThanOrEqual(1);
        expect(all.length).toBeLessThanOrEqual(count + 1);
        const slack = (high - low) * 1e-6;
        for (const tick of all) {
          expect(tick).toBeGreaterThanOrEqual(low - slack);
          expect(tick).toBeLessThanOrEqual(high + slack);
        }
      }),
    );
  });

  it("counts in whole steps where nothing lies between them", () => {
    expect(ticks(0, 2, 5, 1)).toEqual([0, 1, 2]);
    expect(ticks(0, 2, 5)).toEqual([0, 0.5, 1, 1.5, 2]);
    expect(ticks(1, 120, 5, 1)).toEqual([50, 100]);
  });

  it("has air about its values, also where they are all the same", () => {
    expect(withAir(0, 10)).toEqual([-0.5, 10.5]);
    for (const value of [0, 3, -3, 1e17, -1e300]) {
      const [low, high] = withAir(value, value);
      expect(low).toBeLessThan(value);
      expect(high).toBeGreaterThan(value);
    }
  });

  it("shows numbers that differ as numbers that differ", () => {
    expect([100, 100.5, 101, 101.5].map(shownNumber)).toEqual(["100", "100.5", "101", "101.5"]);
    expect([0, -0, 0.1 + 0.2, -12.5, 123_456, 1234.5678].map(shownNumber)).toEqual([
      ...["0", "0", "0.3", "-12.5", "123,456", "1,234.6"],
    ]);
    expect([0.00025, 12_345_678].map(shownNumber)).toEqual(["2.50e-4", "1.23e+7"]);
  });
});
