import fc from "fast-check";
import { expect } from "vitest";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { type Pointwise, TOUCHED_BLOCK } from "../../src/compute/plan.ts";
import * as e from "../../src/math/expression.ts";
import { strides as dense, size } from "../../src/shared/shapes.ts";
import { difference } from "../support/difference.ts";
import type { Laws } from "./conformance.ts";
import { dot, expectNear, indices, numbers, rounding, runKernel } from "./harness.ts";

const [a, b, c] = [e.variable("a"), e.variable("b"), e.variable("c")];

/** The error function by Simpson's rule: slow and plain. */
function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  const end = Math.max(-7, Math.min(7, x));
  const n = 2000;
  let sum = 1 + Math.exp(-end * end);
  for (let i = 1; i < n; i++) sum += (i % 2 ? 4 : 2) * Math.exp(-(((i * end) / n) ** 2));
  return ((2 / Math.sqrt(Math.PI)) * sum * end) / n / 3;
}

/** Every operation and comparison: how it is written down, and what it means. */
const operations: {
  [K in e.PointwiseOperation | e.Comparison]: readonly [
    value: e.Expression,
    meaning: (a: number, b: number, c: number) => number,
  ];
} = {
  add: [e.add(a, b), (a, b) => a + b],
  subtract: [e.sub(a, b), (a, b) => a - b],
  multiply: [e.mul(a, b), (a, b) => a * b],
  divide: [e.div(a, b), (a, b) => a / b],
  negate: [e.neg(a), (a) => -a],
  minimum: [e.min(a, b), (a, b) => Math.min(a, b)],
  maximum: [e.max(a, b), (a, b) => Math.max(a, b)],
  absolute: [e.abs(a), (a) => (a < 0 ? -a : a)],
  squareRoot: [e.sqrt(a), (a) => (a < 0 ? Number.NaN : a ** 0.5)],
  exponential: [e.exp(a), (a) => Math.exp(a)],
  logarithm: [e.log(a), (a) => Math.log(a)],
  logarithm1p: [e.log1p(a), (a) => Math.log1p(a)],
  sigmoid: [e.sigmoid(a), (a) => 1 / (1 + Math.exp(-a))],
  tanh: [e.tanh(a), (a) => Math.tanh(a)],
  erf: [e.erf(a), erf],
  select: [e.select(e.less(a, 0), b, c), (a, b, c) => (a < 0 ? b : c)],
  less: [e.select(e.less(a, b), 1, 2), (a, b) => (a < b ? 1 : 2)],
  lessEqual: [e.select(e.lessEqual(a, b), 1, 2), (a, b) => (a <= b ? 1 : 2)],
  equal: [e.select(e.equal(a, b), 1, 2), (a, b) => (a === b ? 1 : 2)],
};

/** Runs an equation of a, b and c over rows of numbers. */
async function rows(machine: SynchronousMachine, value: e.Expression, values: readonly number[][]): Promise<number[]> {
  const length = values[0]!.length;
  const kernel: Pointwise = {
    op: "pointwise",
    shape: [length],
    inputs: { a: [1], b: [1], c: [1] },
    outputs: { out: { value, strides: [1] } },
  };
  const [x, y, z] = values as [number[], number[], number[]];
  return (await runKernel(machine, kernel, { a: { data: x }, b: { data: y }, c: { data: z } }, { out: length })).out!;
}

/** Equal as the machine can tell: NaN for NaN, infinity for infinity, numbers within the tolerance relative to their size. */
function expectEach(name: string, came: readonly number[], expected: readonly number[], tolerance: number): void {
  came.forEach((x, i) => {
    const y = expected[i]!;
    const same = Object.is(x, y) || x === y || Math.abs(x - y) <= tolerance * Math.max(1e-3, Math.abs(y));
    expect(same, `${name}: element ${i} is ${x}, expected ${y}`).toBe(true);
  });
}

/** Axes of a tensor that is read: sizes, whether each is repeated, and in which order they lie in memory. */
const layouts = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 0, maxLength: 4 }).chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    inputs: fc.array(
      fc.record({
        repeated: fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }),
        order: fc.shuffledSubarray(
          shape.map((_, axis) => axis),
          { minLength: shape.length },
        ),
        padding: fc.integer({ min: 0, max: 3 }),
      }),
      { minLength: 3, maxLength: 3 },
    ),
    seed: fc.nat(1e6),
  }),
);

function stridesOf(
  shape: readonly number[],
  layout: { repeated: readonly boolean[]; order: readonly number[]; padding: number },
): number[] {
  const strides = new Array<number>(shape.length).fill(0);
  let step = 1;
  for (const axis of layout.order) {
    if (layout.repeated[axis]) continue;
    strides[axis] = step;
    step = step * shape[axis]! + layout.padding;
  }
  return strides;
}

const span = (shape: readonly number[], strides: readonly number[]): number =>
  1 + shape.reduce((sum, n, axis) => sum + (n - 1) * strides[axis]!, 0);

export const pointwiseLaws: Laws = {
  "every operation means what it says, at every length": async (machine, { tolerance }) => {
    for (const length of [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 300])
      for (const [name, [value, meaning]] of Object.entries(operations)) {
        const positive = ["squareRoot", "logarithm", "logarithm1p"].includes(name);
        const x = numbers(length, length).map((v) => (positive ? Math.fround(Math.abs(v) + 0.125) : v * 4));
        const y = numbers(length, length + 1).map((v) => (Math.abs(v) < 0.25 ? 1 : v));
        const z = numbers(length, length + 2);
        const expected = x.map((_, i) => meaning(x[i]!, y[i]!, z[i]!));
        expectEach(`${name} of ${length}`, await rows(machine, value, [x, y, z]), expected, tolerance);
      }
  },

  "every operation holds at zeros, infinities, NaN and where it overflows": async (machine, { tolerance }) => {
    const special = [0, -0, 1, -1, Infinity, -Infinity, Number.NaN, 80, -80, 1000, -1000, 1e-6, -1e-6];
    const pairs = special.flatMap((x) => special.map((y) => [x, y] as const));
    const round = rounding(machine);
    const [x, y] = [pairs.map(([x]) => round(x)), pairs.map(([, y]) => round(y))];
    for (const [name, [value, meaning]] of Object.entries(operations)) {
      const expected = x.map((_, i) => round(meaning(x[i]!, y[i]!, 3)));
      expectEach(name, await rows(machine, value, [x, y, x.map(() => 3)]), expected, tolerance);
    }
  },

  "small arguments keep their precision": async (machine, { tolerance }) => {
    const x = [1e-4, 1e-6, 1e-8, -1e-5, -1e-7, 1e-10].map(Math.fround);
    for (const name of ["tanh", "logarithm1p", "erf"] as const) {
      const came = await rows(machine, operations[name][0], [x, x, x]);
      const expected = x.map((v) =>
        name === "erf" ? (2 / Math.sqrt(Math.PI)) * (v - v ** 3 / 3) : operations[name][1](v, v, v),
      );
      for (const [i, v] of came.entries())
        expect(Math.abs(v / expected[i]! - 1), `${name}(${x[i]})`).toBeLessThan(2 * tolerance);
    }
  },

  "what select does not choose may be NaN": async (machine) => {
    const x = [-1, 0, 1, 2];
    const out = await rows(machine, e.select(e.less(0, a), e.log(a), e.mul(a, 10)), [x, x, x]);
    expectEach("select", out, [-10, 0, 0, Math.log(2)], 1e-6);
    const nan = [Number.NaN, Number.NaN, 5, 5];
    expect(await rows(machine, e.select(e.less(a, 1), c, b), [x, nan.toReversed(), nan])).toEqual([
      Number.NaN,
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ]);
    expect(await rows(machine, e.select(e.less(a, 1), b, c), [x, nan.toReversed(), nan])).toEqual([5, 5, 5, 5]);
  },

  "any strides, any order of axes, repeated axes, several outputs": async (machine, { tolerance }) => {
    await fc.assert(
      fc.asyncProperty(layouts, async ({ shape, inputs, seed }) => {
        const reads = inputs.map((layout) => stridesOf(shape, layout));
        const data = reads.map((strides, k) => numbers(span(shape, strides), seed + k));
        const writes = stridesOf(shape, { ...inputs[0]!, repeated: shape.map(() => false) });
        const kernel: Pointwise = {
          op: "pointwise",
          shape,
          inputs: { a: reads[0]!, b: reads[1]!, c: reads[2]! },
          outputs: {
            first: { value: e.add(e.mul(a, b), c), strides: dense(shape) },
            second: { value: e.sub(a, c), strides: writes },
          },
        };
        const before = new Array<number>(span(shape, writes)).fill(77);
        const out = await runKernel(
          machine,
          kernel,
          { a: { data: data[0]! }, b: { data: data[1]! }, c: { data: data[2]! } },
          { first: size(shape), second: before },
        );
        const [first, second] = [new Array<number>(size(shape)).fill(0), before.slice()];
        const sizes = first.slice();
        for (const index of indices(shape)) {
          const [x, y, z] = reads.map((strides, k) => data[k]![dot(index, strides)]!) as [number, number, number];
          first[dot(index, dense(shape))] = x * y + z;
          sizes[dot(index, dense(shape))] = Math.abs(x * y) + Math.abs(z);
          second[dot(index, writes)] = x - z;
        }
        expectNear(out.first!, first, sizes, tolerance);
        expect(difference(out.second!, second)).toBeLessThanOrEqual(tolerance);
      }),
      { numRuns: 60 },
    );
  },

  "inputs may overlap each other and themselves (sliding windows)": async (machine, { tolerance }) => {
    const data = numbers(20, 3);
    const kernel: Pointwise = {
      op: "pointwise",
      shape: [13, 7],
      inputs: { a: [1, 1] },
      outputs: { out: { value: e.mul(a, 2), strides: [7, 1] } },
    };
    const { out } = await runKernel(machine, kernel, { a: { data } }, { out: 91 });
    const expected = [...indices([13, 7])].map(([i, j]) => 2 * data[i! + j!]!);
    expect(difference(out!, expected)).toBeLessThanOrEqual(tolerance);
  },

  "an output may be the very range of an input": async (machine, { tolerance }) => {
    for (const length of [1, 4, 7, 64, 1001]) {
      const [x, y] = [numbers(length, 1), numbers(length, 2)];
      const kernel: Pointwise = {
        op: "pointwise",
        shape: [length],
        inputs: { a: [1], b: [1] },
        outputs: {
          // Both read both: what one writes must not be seen by the other.
          sum: { value: e.add(a, b), strides: [1] },
          product: { value: e.mul(a, b), strides: [1] },
        },
      };
      const out = await runKernel(
        machine,
        kernel,
        { a: { data: x }, b: { data: y } },
        { sum: length, product: length },
        { sum: "a", product: "b" },
      );
      const sum = x.map((v, i) => v + y[i]!);
      const product = x.map((v, i) => v * y[i]!);
      expect(difference(out.sum!, sum)).toBeLessThanOrEqual(tolerance);
      expect(difference(out.product!, product)).toBeLessThanOrEqual(tolerance);
    }
  },

  "an equation without inputs fills": async (machine) => {
    for (const value of [0, 1.5, -0, Infinity, Number.NaN])
      for (const length of [1, 6, 37]) {
        const kernel: Pointwise = {
          op: "pointwise",
          shape: [length],
          inputs: {},
          outputs: { out: { value: e.constant(value), strides: [1] } },
        };
        const { out } = await runKernel(machine, kernel, {}, { out: length });
        expect(out).toEqual(new Array(length).fill(value));
      }
  },

  "long equations with many values alive at once": async (machine, { tolerance }) => {
    const parts = Array.from({ length: 60 }, (_, k) => e.sigmoid(e.add(e.mul(a, k / 30), b)));
    const value = parts.reduceRight((sum, part, k) => e.add(sum, e.mul(part, parts[59 - k]!)), e.constant(0));
    const [x, y] = [numbers(11, 5), numbers(11, 6)];
    const sigma = (v: number): number => 1 / (1 + Math.exp(-v));
    const expected = x.map((v, i) => {
      const values = Array.from({ length: 60 }, (_, k) => sigma((v * k) / 30 + y[i]!));
      return values.reduce((sum, part, k) => sum + part * values[59 - k]!, 0);
    });
    expect(difference(await rows(machine, value, [x, y, x]), expected)).toBeLessThanOrEqual(tolerance);
  },

  "whole numbers are read as numbers": async (machine) => {
    const kernel: Pointwise = {
      op: "pointwise",
      shape: [3, 4],
      inputs: { a: [1, 0], b: [0, 1] },
      outputs: { out: { value: e.select(e.equal(a, b), 1, 0), strides: [4, 1] } },
    };
    const { out } = await runKernel(
      machine,
      kernel,
      { a: { data: [2, 0, -1], type: "int" }, b: { data: [0, 1, 2, 3] } },
      { out: 12 },
    );
    expect(out).toEqual([0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
  },

  "an element does not depend on its neighbours": async (machine) => {
    const x = numbers(67, 8);
    for (const [name, [value]] of Object.entries(operations)) {
      const all = await rows(machine, value, [x, x, x]);
      for (const i of [0, 3, 5, 64, 66]) {
        const one = [x[i]!];
        expect(await rows(machine, value, [one, one, one]), `${name} of ${x[i]}`).toEqual([all[i]]);
      }
    }
  },

  "blocks of an input that are said to hold zeros: the same bits, or left as they are": async (machine) => {
    for (const n of [1, 127, 128, 300, 5000]) {
      const words = Array.from({ length: Math.ceil(n / TOUCHED_BLOCK) }, (_, k) => k % 2);
      const zeros = (x: number, k: number): number => (words[Math.floor(k / TOUCHED_BLOCK)] ? x : 0);
      const inputs = { a: { data: numbers(n, n).map(zeros) }, b: { data: numbers(n, 1) }, c: { data: [0.3] } };
      for (const [value, rests] of [
        [e.add(e.mul(b, c), e.div(a, e.sqrt(e.abs(b)))), false],
        [e.sub(b, e.mul(c, a)), true],
      ] as const) {
        const kernel: Pointwise = {
          ...{ op: "pointwise", shape: [n], inputs: { a: [1], b: [1], c: [0] } },
          outputs: { out: { value, strides: [1] } },
        };
        const [plain, passing] = await Promise.all([
          runKernel(machine, kernel, inputs, { out: inputs.b.data }),
          runKernel(
            machine,
            { ...kernel, touched: { input: "a", rests } },
            { ...inputs, touched: { data: words, type: "int" } },
            { out: inputs.b.data },
          ),
        ]);
        expect(passing).toEqual(plain);
      }
    }
  },
};
