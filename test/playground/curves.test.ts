import { describe, expect, it } from "vitest";
import { curves } from "../../playground/src/views/curves.ts";

/** The numbers and words that are put into a template, those of templates in it as well. */
const shown = (part: unknown): string[] => {
  if (Array.isArray(part)) return part.flatMap(shown);
  if (typeof part === "object" && part !== null && "values" in part) return shown(part.values);
  return [String(part)];
};

const curvesOf = (...values: number[]): string[] =>
  shown(curves({ label: "", xLabel: "", yLabel: "", curves: [{ label: "", colour: "", values }] }));

describe("curves of the playground", () => {
  it("are drawn where all values are the same or neighbours, however large they are", () => {
    for (const values of [
      [0, 0],
      [1e17, 1e17],
      [1e17, 1e17 + 16],
      [-1e30, -1e30],
    ]) {
      const all = curvesOf(...values);
      expect(all.join(" ")).not.toMatch(/NaN|Infinity/);
      expect(all.some((text) => /^M[\d.]+ [\d.]+L[\d.]+ [\d.]+$/.test(text))).toBe(true);
    }
  });
  it("say their values at the ticks", () => {
    expect(curvesOf(-1, 1)).toEqual(expect.arrayContaining(["−1", "0", "1"]));
  });
});
