import { describe, expect, it } from "vitest";
import { type CurvesOptions, curves } from "../../playground/src/views/curves.ts";

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

  /** What is drawn: the points of each curve, and where each tick stands, by what it says. */
  const drawn = (options: Partial<CurvesOptions> & Pick<CurvesOptions, "curves">) => {
    const { values } = curves({ label: "", xLabel: "", yLabel: "", ...options });
    const [levels, steps, lines] = values.filter(Array.isArray) as { values: unknown[] }[][];
    return {
      points: lines!.map((line) =>
        [...String(line.values[0]).matchAll(/([ML])([\d.]+) ([\d.]+)/g)].map(([, by, x, y]) => [
          by,
          Number(x),
          Number(y),
        ]),
      ),
      y: new Map(levels!.map((level) => [String(level.values[5]), Number(level.values[1])])),
      x: new Map(steps!.map((step) => [String(step.values[4]), Number(step.values[0])])),
    };
  };
  const one = (values: readonly number[]) => ({ label: "", colour: "", values });

  it("pass where the ticks say that their values and steps are", () => {
    const { points, x, y } = drawn({ curves: [one([0, 1, 2, 3, 4]), one([4, 2, 0])], x: [10, 14] });
    const at = (step: number, value: number) => [x.get(String(step)), y.get(String(value))];
    for (const [k, [, left, top]] of points[0]!.entries()) {
      // Ticks stand at every second value.
      if (k % 2 === 0)
        expect([left, top]).toEqual([expect.closeTo(at(10 + k, k)[0]!, 0), expect.closeTo(at(10 + k, k)[1]!, 0)]);
    }
    // However few its values are, a curve goes from the first step to the last.
    expect(points[1]!.map(([, left]) => left)).toEqual([points[0]![0]![1], points[0]![2]![1], points[0]![4]![1]]);
    expect(points.map((line) => line.map(([by]) => by).join(""))).toEqual(["MLLLL", "MLL"]);
    const alone = drawn({ curves: [one([0, 1, 2, 3, 4])] });
    expect([alone.x.get("0"), alone.x.get("4")]).toEqual([points[0]![0]![1], points[0]![4]![1]]);
  });

  it("take most of their picture, and stay in it", () => {
    const { points, x, y } = drawn({ curves: [one([0, 1, 2, 3, 4])], x: [10, 14], y: [0, 4], height: 200 });
    for (const [k, size] of [
      [1, 640],
      [2, 200],
    ] as const) {
      const places = points[0]!.map((point) => point[k] as number);
      for (const at of [...places, ...(k === 1 ? x : y).values()]) expect(at >= 0 && at <= size).toBe(true);
      expect(Math.max(...places) - Math.min(...places)).toBeGreaterThan(0.6 * size);
    }
  });

  it("on a logarithmic scale from a power of ten to another; what lies below is left and come back to", () => {
    const { points, y } = drawn({ curves: [one([1, 0.01, 1e-9, 0, 0.1])], logarithmic: true, y: [1e-3, 1] });
    const [first, second, low, back] = points[0]!;
    expect([first![2], second![2]]).toEqual([expect.closeTo(y.get("10⁰")!, 0), expect.closeTo(y.get("10⁻²")!, 0)]);
    // The first step below is still gone to, at the edge; what comes back begins anew.
    expect([low![0], low![2]]).toEqual(["L", expect.closeTo(y.get("10⁻³")!, 0)]);
    expect([back![0], back![2]]).toEqual(["M", expect.closeTo(y.get("10⁻¹")!, 0)]);
    const free = drawn({ curves: [one([3, 0.02])], logarithmic: true }).y;
    expect([...free.keys()]).toEqual(["10⁻²", "10⁻¹", "10⁰", "10¹"]);
    expect([...drawn({ curves: [one([2, 3])], logarithmic: true }).y.keys()]).toEqual(["10⁰", "10¹"]);
  });

  it("leave out what is no number and most of very many, and have a scale where there is none", () => {
    const { points } = drawn({
      curves: [one([0, Number.NaN, 2]), one(Array.from({ length: 6000 }, (_, k) => k / 3000))],
    });
    expect(points[0]).toHaveLength(2);
    expect(curvesOf(0, Number.NaN, 2).join(" ")).not.toContain("NaN");
    expect(points[1]).toHaveLength(600);
    expect([...drawn({ curves: [one([])] }).y.keys()]).toEqual(expect.arrayContaining(["0", "1"]));
  });
});
