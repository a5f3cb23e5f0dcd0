import fc from "fast-check";
import { expect, test } from "vitest";
import { binaryCrossEntropy } from "../../src/losses/binary-cross-entropy.ts";
import { type CrossEntropyOptions, crossEntropy } from "../../src/losses/cross-entropy.ts";
import { huber, smoothL1 } from "../../src/losses/huber.ts";
import { klDivergence } from "../../src/losses/kl-divergence.ts";
import { meanAbsoluteError } from "../../src/losses/mean-absolute-error.ts";
import { meanSquaredError } from "../../src/losses/mean-squared-error.ts";
import type { Reduction } from "../../src/losses/reduction.ts";
import type { Tensor } from "../../src/tensor/graph.ts";
import { evaluate, onMachines, type Result } from "../layers/on-machines.ts";
import { difference } from "../support/difference.ts";

const [T, B, V] = [4, 3, 5];
const losses: Record<string, (x: Tensor, y: Tensor, o: { mask?: Tensor; reduction: Reduction }) => Tensor> = {
  crossEntropy,
  "crossEntropy, smoothed": (x, y, o) => crossEntropy(x, y, { ...o, labelSmoothing: 0.1 } as CrossEntropyOptions),
  "crossEntropy of numbers": crossEntropy,
  "crossEntropy of numbers, weighted": (x, y, o) =>
    crossEntropy(x, y, { ...o, weight: x.graph.constant([V], [0.5, 2, 1, 3, 0.25]), labelSmoothing: 0.2 }),
  binaryCrossEntropy,
  huber,
  smoothL1,
  meanSquaredError,
  meanAbsoluteError,
  klDivergence,
};
const reductions: Reduction[] = ["mean", "sum", "none"];
const cases = Object.keys(losses).flatMap((name) => reductions.map((reduction) => [name, reduction] as const));

const distributions = (values: readonly number[]): Float64Array => {
  const sum = (row: number): number => values.slice(row * V, row * V + V).reduce((a, b) => a + b);
  return Float64Array.from(values, (v, i) => v / sum(Math.floor(i / V)));
};
const rowsOf = (data: ArrayLike<number>, rows: readonly number[], width: number): Float64Array =>
  Float64Array.from(rows.flatMap((r) => Array.from(data).slice(r * width, r * width + width)));

onMachines("masked losses", (machine, tolerance) => {
  test.each(cases)("%s, %s: as if the masked places were not there, though they hold NaN", async (name, reduction) => {
    const numbers = name.includes("numbers");
    const random = fc.tuple(
      fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: T * B * V, maxLength: T * B * V }),
      fc.array(fc.double({ min: 0.1, max: 1, noNaN: true }), { minLength: T * B * V, maxLength: T * B * V }),
      fc.array(fc.boolean(), { minLength: T * B, maxLength: T * B }),
    );
    const check = async ([x, raw, drawn]: [number[], number[], boolean[]]): Promise<void> => {
      const kept = drawn.map((k, i) => k || i === 0);
      const rows = kept.flatMap((k, r) => (k ? [r] : []));
      const y = numbers ? Int32Array.from({ length: T * B }, (_, r) => Math.floor(raw[r]! * 4.9)) : distributions(raw);
      const poison = (data: Float64Array): Float64Array =>
        data.map((v, i) => (kept[Math.floor(i / V)] ? v : i % 2 ? Number.NaN : Number.POSITIVE_INFINITY));
      const width = numbers ? 1 : V;
      const run = (
        shape: number[],
        xs: Float64Array,
        ys: Float64Array | Int32Array,
        mask?: number[],
      ): Promise<Result> =>
        evaluate({
          machine: machine(),
          inputs: {
            x: { shape: [...shape, V], data: xs },
            y: { shape: numbers ? shape : [...shape, V], data: ys },
          },
          build: (t, graph) =>
            losses[name]!(t.x!, t.y!, { reduction, ...(mask && { mask: graph.constant([T, B], mask) }) }),
        });
      const masked = await run(
        [T, B],
        poison(Float64Array.from(x)),
        numbers ? (y as Int32Array) : poison(y as Float64Array),
        kept.map(Number),
      );
      const without = await run(
        [rows.length],
        rowsOf(x, rows, V),
        numbers ? Int32Array.from(rowsOf(y, rows, 1)) : rowsOf(y, rows, V),
      );
      const output = reduction === "none" ? rowsOf(masked.output, rows, masked.output.length / (T * B)) : masked.output;
      expect(difference(output, without.output)).toBeLessThan(tolerance.output);
      for (const key of Object.keys(without.gradients)) {
        const gradient = masked.gradients[key]!;
        expect(difference(rowsOf(gradient, rows, key === "x" ? V : width), without.gradients[key]!)).toBeLessThan(
          tolerance.gradient,
        );
        const dropped = kept.flatMap((k, r) => (k ? [] : [r]));
        expect(rowsOf(gradient, dropped, V).every((g) => g === 0)).toBe(true);
      }
      if (reduction === "none") expect(Array.from(masked.output).every(Number.isFinite)).toBe(true);
    };
    await fc.assert(fc.asyncProperty(random, check), { numRuns: 4 });
  });
});
