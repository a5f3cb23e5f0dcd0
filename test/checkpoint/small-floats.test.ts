import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BFLOAT16,
  decodeSmallFloat,
  encodeSmallFloat,
  FLOAT8_E4M3,
  FLOAT8_E4M3FNUZ,
  FLOAT8_E5M2,
  FLOAT8_E5M2FNUZ,
  FLOAT16,
} from "../../src/checkpoint/small-floats.ts";

describe.each([
  { name: "FLOAT16", format: FLOAT16, bits: 16, largest: 65504, smallest: 2 ** -24, one: 0x3c00 },
  { name: "BFLOAT16", format: BFLOAT16, bits: 16, largest: 2 ** 127 * (2 - 2 ** -7), smallest: 2 ** -133, one: 0x3f80 },
  { name: "FLOAT8_E5M2", format: FLOAT8_E5M2, bits: 8, largest: 57344, smallest: 2 ** -16, one: 0x3c },
  { name: "FLOAT8_E4M3", format: FLOAT8_E4M3, bits: 8, largest: 448, smallest: 2 ** -9, one: 0x38 },
  { name: "FLOAT8_E4M3FNUZ", format: FLOAT8_E4M3FNUZ, bits: 8, largest: 240, smallest: 2 ** -10, one: 0x40 },
  { name: "FLOAT8_E5M2FNUZ", format: FLOAT8_E5M2FNUZ, bits: 8, largest: 57344, smallest: 2 ** -17, one: 0x40 },
])("$name", ({ format, bits, largest, smallest, one }) => {
  const values = Array.from({ length: 2 ** bits }, (_, pattern) => decodeSmallFloat(format, pattern));

  test("every pattern but NaN comes back from its value", () => {
    const changed = values.flatMap((value, pattern) =>
      Number.isNaN(value) || encodeSmallFloat(format, value) === pattern ? [] : [pattern],
    );
    expect(changed).toEqual([]);
    expect(values[encodeSmallFloat(format, Number.NaN)]).toBeNaN();
  });

  test("the published landmarks", () => {
    const finite = values.filter(Number.isFinite);
    expect(finite.reduce((a, b) => Math.max(a, b))).toBe(largest);
    expect(finite.filter((value) => value > 0).reduce((a, b) => Math.min(a, b))).toBe(smallest);
    expect(values[one]).toBe(1);
    const nans = { ieee: 2 * (2 ** format.mantissaBits - 1), finite: 2, "unsigned-zero": 1 };
    expect(values.filter(Number.isNaN).length).toBe(nans[format.special]);
    expect(values.includes(Number.POSITIVE_INFINITY)).toBe(format.special === "ieee");
  });

  test("encoding takes the nearest value, ties to the even pattern", () => {
    // Positive finite patterns are in the order of their values.
    const ladder = values.slice(0, 2 ** (bits - 1)).filter(Number.isFinite);
    fc.assert(
      fc.property(
        fc.nat({ max: ladder.length - 2 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.boolean(),
        (i, t, negative) => {
          const x = ladder[i]! + t * (ladder[i + 1]! - ladder[i]!);
          const below = x - ladder[i]!;
          const above = ladder[i + 1]! - x;
          const nearest = below < above ? i : above < below ? i + 1 : i + (i % 2);
          const encoded = encodeSmallFloat(format, negative ? -x : x);
          expect(encoded).toBe(
            nearest + (negative && (nearest > 0 || format.special !== "unsigned-zero") ? 2 ** (bits - 1) : 0),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  test("beyond the largest", () => {
    const beyond = format.special === "ieee" ? Number.POSITIVE_INFINITY : Number.NaN;
    const step = largest - values[encodeSmallFloat(format, largest) - 1]!;
    expect(values[encodeSmallFloat(format, largest + step * 0.49)]).toBe(largest);
    expect(values[encodeSmallFloat(format, largest + step * 0.51)]).toBe(beyond);
    expect(values[encodeSmallFloat(format, 1e300)]).toBe(beyond);
    expect(values[encodeSmallFloat(format, Number.POSITIVE_INFINITY)]).toBe(beyond);
    expect(values[encodeSmallFloat(format, smallest * 0.5)]).toBe(0);
    expect(values[encodeSmallFloat(format, smallest * 0.51)]).toBe(smallest);
    expect(values[encodeSmallFloat(format, -5e-324)]).toBe(format.special === "unsigned-zero" ? 0 : -0);
  });
});
