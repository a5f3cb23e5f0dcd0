import { describe, expect, test } from "vitest";
import { formatNumber, formatPower, formatToken } from "../../src/components/format.ts";

describe("numbers in a page", () => {
  test.each([
    [1.23456, "1.235"],
    [-1.5, "−1.500"],
    [-0.0001, "0.000"],
    [0, "0.000"],
    [Number.POSITIVE_INFINITY, "∞"],
    [Number.NEGATIVE_INFINITY, "−∞"],
    [Number.NaN, "—"],
  ])("%f is %s", (value, shown) => expect(formatNumber(value)).toBe(shown));

  test.each([
    [0, "0"],
    [1.2e-7, "1.2 × 10⁻⁷"],
    [-1.2e-7, "−1.2 × 10⁻⁷"],
    [9.96e-7, "1.0 × 10⁻⁶"],
    [12345, "1.2 × 10⁴"],
    [99_600, "1.0 × 10⁵"],
    [1234, "1234"],
    [123.4, "123"],
    [12.34, "12.34"],
    [0.0123, "0.0123"],
    [Number.POSITIVE_INFINITY, "∞"],
    [Number.NaN, "—"],
  ])("%f in powers of ten is %s", (value, shown) => expect(formatPower(value)).toBe(shown));

  test.each([
    ["\n", "↵"],
    ["\r\n", "↵"],
    [" ", "␣"],
    ["a\u202eb", "a·b"],
    ["👩\u200d💻", "👩\u200d💻"],
    ["\u0007", "·"],
    ["<b>", "<b>"],
  ])("the token %j is shown as %s", (token, shown) => expect(formatToken(token)).toBe(shown));
});
