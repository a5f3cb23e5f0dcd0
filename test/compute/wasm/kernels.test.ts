import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { spanOf } from "../../../src/compute/operands.ts";
import type { Pointwise, RandomFill, Reduce } from "../../../src/compute/plan.ts";
import * as x from "../../../src/math/expression.ts";
import { philox4x32 } from "../../../src/shared/philox.ts";
import { strides as denseStrides, size } from "../../../src/shared/shapes.ts";
import { compare, numbers } from "./compare.ts";

const [a, b, c] = [x.variable("a"), x.variable("b"), x.variable("c")];

const shapes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 0, maxLength: 4 });
const zero = (shape: readonly number[]): number[] => shape.map(() => 0);

/** Strides of a tensor whose axes lie in another order, possibly with room between neighbours. */
function permuted(shape: readonly number[], order: readonly number[], step: number): number[] {
  const strides = zero(shape);
  let stride = step;
  for (const axis of order.toReversed()) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** Strides of an operand: its axes in any order, with gaps; an input may repeat along some axes. */
const stridesOf = (shape: readonly number[], input: boolean): fc.Arbitrary<number[]> =>
  fc
    .record({
      order: fc.shuffledSubarray(
        shape.map((_, axis) => axis),
        { minLength: shape.length },
      ),
      step: fc.integer({ min: 1, max: 3 }),
      dense: fc.boolean(),
      repeat: fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }),
    })
    .map(({ order, step, dense, repeat }) =>
      (dense ? denseStrides(shape) : permuted(shape, order, step)).map((s, k) => (input && repeat[k] ? 0 : s)),
    );

describe("pointwise", () => {
  const value = x.add(x.mul(a, x.tanh(b)), x.select(x.less(a, c), c, 2));
  const second = x.sub(a, x.mul(b, 0.5));

  test("any shape, any strides, two outputs, a whole-number input", async () => {
    const cases = shapes.chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        inputs: fc.tuple(stridesOf(shape, true), stridesOf(shape, true), stridesOf(shape, true)),
        outputs: fc.tuple(stridesOf(shape, false), stridesOf(shape, false)),
        whole: fc.boolean(),
      }),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ({ shape, inputs, outputs, whole }) => {
        const kernel: Pointwise = {
          op: "pointwise",
          shape,
          inputs: { a: inputs[0], b: inputs[1], c: inputs[2] },
          outputs: { p: { value, strides: outputs[0] }, q: { value: second, strides: outputs[1] } },
        };
        const length = (strides: readonly number[]) => spanOf(shape, strides);
        const c = numbers(length(inputs[2]), 3, 3);
        await compare(kernel, {
          a: { data: numbers(length(inputs[0]), 1, 2) },
          b: { data: numbers(length(inputs[1]), 2) },
          c: whole ? { data: Int32Array.from(c), type: "int" } : { data: c },
          p: { data: new Float32Array(length(outputs[0])) },
          q: { data: new Float32Array(length(outputs[1])) },
        });
      }),
      { numRuns: 120 },
    );
  });

  test.each([0, 1, 3, 4, 5, 15, 16, 17, 33, 1000])("a row of %i", async (n) => {
    const kernel: Pointwise = {
      op: "pointwise",
      shape: [n],
      inputs: { a: [1], b: [0] },
      outputs: { out: { value: x.add(a, b), strides: [1] } },
    };
    await compare(kernel, {
      a: { data: numbers(n, 1) },
      b: { data: n ? [2.5] : [] },
      out: { data: new Float32Array(n) },
    });
  });

  test("constants, a variable as it is, whole numbers out", async () => {
    const kernel: Pointwise = {
      op: "pointwise",
      shape: [3, 5],
      inputs: { a: [1, 3] },
      outputs: {
        fill: { value: x.constant(4), strides: [5, 1] },
        copy: { value: a, strides: [5, 1] },
        whole: { value: x.mul(a, 4), strides: [5, 1] },
      },
    };
    const copy = Float32Array.from({ length: 15 }, (_, k) => k - 7);
    await compare(kernel, {
      a: { data: copy },
      fill: { data: new Float32Array(15) },
      copy: { data: new Float32Array(15) },
      whole: { data: new Int32Array(15), type: "int" },
    });
  });
});

describe("reduce", () => {
  test("any shape, strides and axes", async () => {
    const cases = shapes.chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        inputs: fc.tuple(stridesOf(shape, true), stridesOf(shape, true)),
        over: fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }),
        combine: fc.constantFrom("sum" as const, "max" as const),
      }),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ({ shape, inputs, over, combine }) => {
        const kernel: Reduce = {
          op: "reduce",
          shape,
          inputs: { a: inputs[0], b: inputs[1] },
          value: x.add(x.mul(a, b), 0.25),
          over,
          combine,
        };
        await compare(kernel, {
          a: { data: numbers(spanOf(shape, inputs[0]), 1) },
          b: { data: numbers(spanOf(shape, inputs[1]), 2) },
          out: { data: new Float32Array(size(shape.filter((_, axis) => !over[axis]))) },
        });
      }),
      { numRuns: 120 },
    );
  });

  const sums = async (data: Float32Array, shape: number[], strides: number[], over: boolean[]) => {
    const kernel: Reduce = { op: "reduce", shape, inputs: { a: strides }, value: a, over, combine: "sum" };
    const out = new Float32Array(size(shape.filter((_, axis) => !over[axis])));
    // Numbers of both signs: what is left of their sum may be small against them.
    return (await compare(kernel, { a: { data }, out: { data: out } }, 1e-5)).out!;
  };

  test("a million numbers are summed to 1e-6 of the sum", async () => {
    const data = Float32Array.from({ length: 1e6 }, (_, i) => Math.fround(0.1 + (i % 10) * 0.01));
    const exact = data.reduce((sum, v) => sum + v, 0);
    const [sum] = await sums(data, [1e6], [1], [true]);
    expect(Math.abs(sum! / exact - 1)).toBeLessThan(1e-6);
  });

  test("the order of a sum depends on its length only: along rows, across columns, alone", async () => {
    for (const n of [3, 127, 128, 129, 300, 514]) {
      // As many results as every width of strips: 16, 4, 1.
      const count = 22;
      const rows = Array.from({ length: count }, (_, seed) => numbers(n, seed));
      const byRow = Float32Array.from(rows.flatMap((row) => [...row]));
      const byColumn = Float32Array.from({ length: count * n }, (_, i) => rows[i % count]![Math.floor(i / count)]!);
      const along = await sums(byRow, [count, n], [n, 1], [false, true]);
      const across = await sums(byColumn, [count, n], [1, count], [false, true]);
      expect(across).toEqual(along);
      for (const [k, row] of rows.entries()) expect((await sums(row, [n], [1], [true]))[0]).toBe(along[k]);
    }
  });

  test("over nothing: 0 and −∞; a NaN is the maximum", async () => {
    const over = [true, false];
    const operands = { a: { data: [] }, out: { data: new Float32Array(3) } };
    for (const combine of ["sum", "max"] as const) {
      const kernel: Reduce = { op: "reduce", shape: [0, 3], inputs: { a: [3, 1] }, value: a, over, combine };
      const { out } = await compare(kernel, operands);
      expect([...out!]).toEqual(new Array(3).fill(combine === "sum" ? 0 : Number.NEGATIVE_INFINITY));
    }
    const data = Float32Array.from({ length: 30 }, (_, k) => (k === 13 ? Number.NaN : k));
    for (const shape of [[30], [10, 3]]) {
      const over = shape.map((_, axis) => axis === 0);
      const kernel: Reduce = {
        op: "reduce",
        shape,
        inputs: { a: denseStrides(shape) },
        value: a,
        over,
        combine: "max",
      };
      const { out } = await compare(kernel, { a: { data }, out: { data: new Float32Array(shape[1] ?? 1) } });
      expect([...out!].filter(Number.isNaN).length).toBe(1);
    }
  });
});

describe("matmul", () => {
  test.each([
    { batch: 1, m: 5, k: 7, n: 17, transposeA: false, transposeB: true, bias: true },
    { batch: 3, m: 4, k: 16, n: 16, transposeA: true, transposeB: false, bias: true },
    { batch: 4, m: 3, k: 5, n: 2, transposeA: true, transposeB: true, bias: false },
    { batch: 0, m: 3, k: 5, n: 2, transposeA: false, transposeB: false, bias: false },
    { batch: 2, m: 3, k: 0, n: 21, transposeA: false, transposeB: false, bias: true },
  ])("%j", async (p) => {
    await compare(
      { op: "matmul", ...p },
      {
        a: { data: numbers(p.batch * p.m * p.k, 1) },
        b: { data: numbers(p.batch * p.k * p.n, 2) },
        ...(p.bias && { bias: { data: numbers(p.n, 3) } }),
        out: { data: numbers(p.batch * p.m * p.n, 4) },
      },
    );
  });
});

describe("rows", () => {
  test("gather and scatterAdd, rows of every length, some skipped", async () => {
    for (const columns of [0, 1, 3, 4, 7, 16, 21]) {
      const indices = { data: Int32Array.of(2, 0, 2, 5, 1, 1, 2), type: "int" as const };
      const size = { rows: 7, vocabulary: 6, columns };
      await compare(
        { op: "gather", ...size },
        { indices, table: { data: numbers(6 * columns, 1) }, out: { data: numbers(7 * columns, 2) } },
      );
      const operands = { indices, source: { data: numbers(7 * columns, 1) }, out: { data: numbers(6 * columns, 2) } };
      await compare({ op: "scatterAdd", ...size }, operands);
      await compare({ op: "scatterAdd", ...size, skip: 1 }, operands);
    }
  });

  test.each([-1, 6, -(2 ** 31)])("an index of %i stops the run and writes nothing elsewhere", async (wrong) => {
    const operands = {
      indices: { data: Int32Array.of(0, wrong), type: "int" as const },
      table: { data: numbers(24, 1) },
      out: { data: numbers(8, 2) },
    };
    await expect(runAlone(operands)).rejects.toThrow("index outside its table");
  });
  const runAlone = async (operands: Parameters<typeof compare>[1]) => {
    const { openWasm } = await import("../../../src/compute/wasm/machine.ts");
    const { planOf } = await import("./compare.ts");
    const machine = await openWasm();
    const plan = planOf({ op: "gather", rows: 2, vocabulary: 6, columns: 4 }, operands);
    const arena = machine.arena("all", plan.arenas.all!);
    for (const [name, range] of Object.entries(plan.launches[0]!.operands))
      machine.write(arena, range, operands[name]!.data);
    machine.run(await machine.prepare(plan, { all: arena }));
  };
});

describe("random", () => {
  const key = { data: Int32Array.of(-7, 3, 99, 2 ** 31 - 2), type: "int" as const };
  test.each([
    { shape: [2, 3, 37], strides: [3 * 37, 37, 1] },
    { shape: [3, 2, 16], strides: [16, 48, 1] },
    { shape: [5, 1, 6], strides: [1, 0, 5] },
    { shape: [1, 1, 1], strides: [1, 1, 1] },
    { shape: [2, 0, 5], strides: [5, 5, 1] },
  ] as const)("%j: the bits of the definition", async ({ shape, strides }) => {
    const out = { data: numbers(spanOf(shape, strides), 1) };
    const uniform: RandomFill = { op: "random", shape, strides, draw: { kind: "uniform" } };
    const came = (await compare(uniform, { key, out }, 0)).out!;
    await compare({ ...uniform, draw: { kind: "keep", rate: 0.3, scale: 1.5 } }, { key, out }, 0);
    if (size(shape) === 0) return;
    const last = shape.map((n) => n - 1) as [number, number, number];
    const words = philox4x32([last[2] >>> 2, last[1], last[0] + key.data[3]!, 99], [-7, 3]);
    expect(came.at(-1)).toBe((words[last[2] & 3]! >>> 8) * 2 ** -24);
  });
});
