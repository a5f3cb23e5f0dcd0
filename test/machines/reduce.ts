import fc from "fast-check";
import { expect } from "vitest";
import { type Reduce, TOUCHED_BLOCK } from "../../src/compute/plan.ts";
import { exp, mul, square, sub, variable } from "../../src/math/expression.ts";
import { strides as dense, size } from "../../src/shared/shapes.ts";
import { difference } from "../support/difference.ts";
import type { Laws } from "./conformance.ts";
import { dot, expectNear, indices, numbers, runKernel } from "./harness.ts";

const [a, b] = [variable("a"), variable("b")];

export const reduceLaws: Laws = {
  "sum and maximum over every subset of axes, inputs repeated or not": async (machine, { tolerance }) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 4 }),
        fc.constantFrom("sum" as const, "max" as const),
        fc.nat(1e6),
        async (axes, combine, seed) => {
          const shape = axes.map(([n]) => n);
          const over = axes.map(([, o]) => o);
          const repeated = dense(shape.map((n, axis) => (axes[axis]![2] ? 1 : n))).map((s, axis) =>
            axes[axis]![2] ? 0 : s,
          );
          const kept = shape.filter((_, axis) => !over[axis]);
          const data = { a: numbers(size(shape), seed), b: numbers(size(shape), seed + 1) };
          const kernel: Reduce = {
            op: "reduce",
            shape,
            inputs: { a: dense(shape), b: repeated },
            value: sub(square(a), mul(b, 3)),
            combine,
            over,
          };
          const { out } = await runKernel(
            machine,
            kernel,
            { a: { data: data.a }, b: { data: data.b } },
            { out: size(kept) },
          );
          const expected = new Array<number>(size(kept)).fill(combine === "sum" ? 0 : -Infinity);
          const sizes = new Array<number>(size(kept)).fill(0);
          for (const index of indices(shape)) {
            const value = data.a[dot(index, dense(shape))]! ** 2 - data.b[dot(index, repeated)]! * 3;
            const at = dot(
              index.filter((_, axis) => !over[axis]),
              dense(kept),
            );
            expected[at] = combine === "sum" ? expected[at]! + value : Math.max(expected[at]!, value);
            sizes[at]! += data.a[dot(index, dense(shape))]! ** 2 + Math.abs(data.b[dot(index, repeated)]! * 3);
          }
          expectNear(out!, expected, sizes, tolerance);
        },
      ),
      { numRuns: 40 },
    );
  },

  "rows and columns of every length": async (machine, { tolerance }) => {
    for (const n of [1, 3, 4, 5, 15, 16, 17, 100, 257, 1030])
      for (const [shape, over] of [
        [[n], [true]],
        [
          [3, n],
          [false, true],
        ],
        [
          [n, 3],
          [true, false],
        ],
        [
          [n, 21],
          [true, false],
        ],
      ] as const) {
        const data = numbers(size(shape), n);
        const kernel: Reduce = {
          op: "reduce",
          shape,
          inputs: { a: dense(shape) },
          value: exp(a),
          combine: "sum",
          over,
        };
        const kept = shape.filter((_, axis) => !over[axis]);
        const { out } = await runKernel(machine, kernel, { a: { data } }, { out: size(kept) });
        const expected = new Array<number>(size(kept)).fill(0);
        for (const index of indices(shape))
          expected[
            dot(
              index.filter((_, axis) => !over[axis]),
              dense(kept),
            )
          ]! += Math.exp(data[dot(index, dense(shape))]!);
        expect(difference(out!, expected)).toBeLessThanOrEqual(tolerance);
      }
  },

  "a long sum keeps its precision (it is taken by blocks)": async (machine, { tolerance }) => {
    const n = 200_000;
    const kernel: Reduce = { op: "reduce", shape: [n], inputs: { a: [1] }, value: a, combine: "sum", over: [true] };
    const data = new Float32Array(n).fill(0.1);
    const { out } = await runKernel(machine, kernel, { a: { data } }, { out: 1 });
    expect(difference(out!, [n * Math.fround(0.1)])).toBeLessThanOrEqual(tolerance);
  },

  "a maximum of negative numbers is negative, a NaN wins, nothing but −∞ gives −∞": async (machine) => {
    const maximum = async (data: number[]): Promise<number> => {
      const kernel: Reduce = {
        op: "reduce",
        shape: [data.length],
        inputs: { a: [1] },
        value: a,
        combine: "max",
        over: [true],
      };
      return (await runKernel(machine, kernel, { a: { data } }, { out: 1 })).out![0]!;
    };
    for (const length of [1, 5, 9, 40]) {
      const data = numbers(length, 4).map((v) => Math.fround(-Math.abs(v) - 1));
      expect(await maximum(data)).toBe(Math.max(...data));
      for (const at of [0, length >> 1, length - 1])
        expect(await maximum(data.map((v, i) => (i === at ? Number.NaN : v)))).toBeNaN();
      expect(await maximum(data.map(() => -Infinity))).toBe(-Infinity);
    }
  },

  "a sum passes by blocks that are said to hold zeros": async (machine) => {
    for (const n of [1, 127, 128, 300, 40_000]) {
      const words = Array.from({ length: Math.ceil(n / TOUCHED_BLOCK) }, (_, k) => k % 3);
      const data = numbers(n, n).map((x, k) => (words[Math.floor(k / TOUCHED_BLOCK)] ? x : 0));
      const kernel: Reduce = {
        ...{ op: "reduce", shape: [n], inputs: { a: [1] }, value: square(a), combine: "sum", over: [true] },
      };
      const inputs = { a: { data } };
      const [plain, passing] = await Promise.all([
        runKernel(machine, kernel, inputs, { out: 1 }),
        runKernel(
          machine,
          { ...kernel, touched: true },
          { ...inputs, touched: { data: words, type: "int" } },
          { out: 1 },
        ),
      ]);
      expect(passing).toEqual(plain);
    }
  },
};
