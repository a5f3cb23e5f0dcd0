import fc from "fast-check";
import { expect } from "vitest";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import type { LinearCrossEntropy } from "../../src/compute/plan.ts";
import { difference } from "../support/difference.ts";
import type { Laws } from "./conformance.ts";
import { expectNear, numbers, type Operand, rounding, runKernel } from "./harness.ts";

type Shape = Omit<LinearCrossEntropy, "op">;
type Numbers = Record<string, number[]>;
const IGNORED = -100;
const all = ["x", "weight", "bias"] as const;

/** Operands: logits of a few units, biases that are not zero, some rows ignored and some masked. */
function operandsOf({ rows, columns, classes, masked }: Shape, seed: number, round: (x: number) => number): Numbers {
  const scale = 1.5 / Math.sqrt(columns);
  const whole = (n: number, below: number, from: number): number[] =>
    numbers(n, from).map((v) => Math.min(below - 1, Math.floor(((v + 2) / 4) * below)));
  const ignored = whole(rows, 5, seed + 6);
  const target = whole(rows, classes, seed + 3).map((v, r) => (ignored[r] === 0 && r > 0 ? IGNORED : v));
  return {
    x: numbers(rows * columns, seed),
    weight: numbers(classes * columns, seed + 1).map((v) => round(v * scale)),
    bias: numbers(classes, seed + 2),
    target,
    classWeight: numbers(classes, seed + 4).map((v) => round(2.5 + v)),
    mask: whole(rows, 4, seed + 5).map((v, r) => (v === 0 && masked && r > 0 ? 0 : 1)),
    seed: [1.5],
  };
}

/** As the words of plan.ts say it, row by row; under `of NAME` how large the terms of each element are together. */
function expected(shape: Shape, o: Numbers): Numbers {
  const { rows, columns, classes, labelSmoothing: epsilon } = shape;
  const w = (v: number): number => (shape.weighted ? o.classWeight![v]! : 1);
  const counting = Array.from({ length: rows }, (_, r) => r).filter(
    (r) => o.target![r] !== shape.ignoreIndex && (!shape.masked || o.mask![r] === 1),
  );
  const total = shape.mean ? counting.reduce((sum, r) => sum + w(o.target![r]!), 0) : 1;
  const lengths = { loss: 1, "d.x": rows * columns, "d.weight": classes * columns, "d.bias": classes };
  const out: Numbers = Object.fromEntries(
    Object.entries(lengths).flatMap(([name, n]) => [name, `of ${name}`].map((key) => [key, new Array(n).fill(0)])),
  );
  const add = (name: string, at: number, value: number, size = Math.abs(value)): void => {
    out[name]![at]! += value;
    out[`of ${name}`]![at]! += size;
  };
  for (const r of counting) {
    const x = o.x!.slice(r * columns, (r + 1) * columns);
    const z = Array.from({ length: classes }, (_, v) =>
      x.reduce((sum, value, k) => sum + value * o.weight![v * columns + k]!, shape.bias ? o.bias![v]! : 0),
    );
    const largest = Math.max(...z);
    const logSum = largest + Math.log(z.reduce((sum, value) => sum + Math.exp(value - largest), 0));
    const y = z.map((_, v) => w(v) * (epsilon / classes + (v === o.target![r] ? 1 - epsilon : 0)));
    const mass = y.reduce((a, b) => a + b);
    z.forEach((value, v) => {
      // The sum of exponentials is at least 1 and rounded, so that a loss near 0 is only as exact as that 1.
      if (y[v] !== 0) add("loss", 0, (y[v]! * (logSum - value)) / total, (y[v]! * (1 + logSum - value)) / total);
      const [p, factor] = [mass * Math.exp(value - logSum), o.seed![0]! / total];
      const [d, size] = [factor * (p - y[v]!), factor * (p + y[v]!)];
      add("d.bias", v, d, size);
      for (let k = 0; k < columns; k++) {
        const weight = o.weight![v * columns + k]!;
        add("d.x", r * columns + k, d * weight, size * Math.abs(weight));
        add("d.weight", v * columns + k, d * x[k]!, size * Math.abs(x[k]!));
      }
    });
  }
  return out;
}

async function run(machine: SynchronousMachine, shape: Shape, o: Numbers): Promise<Numbers> {
  const used = ["x", "weight", "target", shape.bias && "bias", shape.weighted && "classWeight", shape.masked && "mask"];
  const names = [...used, shape.gradients.length > 0 && "seed"].filter((name) => name !== false);
  const inputs = Object.fromEntries(
    names.map((name): [string, Operand] => [name, { data: o[name]!, ...(name === "target" && { type: "int" }) }]),
  );
  const lengths = { x: shape.rows * shape.columns, weight: shape.classes * shape.columns, bias: shape.classes };
  const outputs = Object.fromEntries(
    shape.gradients.map((name) => [`d.${name}`, new Array<number>(lengths[name]).fill(7)]),
  );
  return runKernel(machine, { op: "linearCrossEntropy", ...shape }, inputs, { loss: 1, ...outputs });
}

async function check(machine: SynchronousMachine, shape: Shape, tolerance: number, seed: number): Promise<void> {
  const o = operandsOf(shape, seed, rounding(machine));
  const came = await run(machine, shape, o);
  const right = expected(shape, o);
  // Errors are measured by the largest of a tensor, as everywhere; where everything cancels, by what cancelled.
  for (const name of Object.keys(came)) {
    const largest = right[`of ${name}`]!.reduce((a, b) => Math.max(a, b));
    const sizes = came[name]!.map(() => largest);
    const bound = name === "loss" ? tolerance : 5 * tolerance;
    expectNear(came[name]!, right[name]!, sizes, bound, `${name} of ${JSON.stringify({ ...shape, seed })}`);
  }
}

const plain: Shape = {
  ...{ rows: 5, columns: 7, classes: 11, bias: true, weighted: false, masked: false },
  ...{ labelSmoothing: 0, ignoreIndex: IGNORED, mean: true, gradients: all },
};

export const linearCrossEntropyLaws: Laws = {
  "any shape, with and without bias, weights, mask, smoothing, mean and gradients": async (machine, { tolerance }) => {
    const flag = fc.boolean();
    const shapes = fc.record({
      ...{ rows: fc.integer({ min: 1, max: 40 }), columns: fc.integer({ min: 1, max: 40 }) },
      ...{ classes: fc.integer({ min: 1, max: 60 }), bias: flag, weighted: flag, masked: flag, mean: flag },
      ...{ labelSmoothing: fc.constantFrom(0, 0.1, 0.3), ignoreIndex: fc.constant(IGNORED) },
      gradients: fc.subarray([...all]),
    });
    const fitting = (shape: Shape): Shape =>
      shape.bias ? shape : { ...shape, gradients: shape.gradients.filter((name) => name !== "bias") };
    await fc.assert(
      fc.asyncProperty(shapes, fc.nat(1e6), (shape, seed) => check(machine, fitting(shape), tolerance, seed)),
      { numRuns: 60 },
    );
  },

  "several blocks of rows and slices of classes, weights near and far": async (machine, { tolerance }) => {
    for (const [rows, columns, classes] of [
      [129, 17, 479],
      [33, 8, 4100],
      [260, 5, 241],
      [6, 64, 4111],
    ] as const)
      for (const more of [{}, { weighted: true, masked: true, labelSmoothing: 0.1 }])
        await check(machine, { ...plain, rows, columns, classes, ...more }, tolerance, rows + classes);
  },

  "the loss has the same bits with gradients and without": async (machine) => {
    const shape: Shape = { ...plain, rows: 37, classes: 300, weighted: true, labelSmoothing: 0.2 };
    const o = operandsOf(shape, 5, rounding(machine));
    expect((await run(machine, { ...shape, gradients: [] }, o)).loss).toEqual((await run(machine, shape, o)).loss);
  },

  "rows that do not count may hold anything, and get no gradient": async (machine) => {
    const shape: Shape = { ...plain, rows: 21, columns: 18, classes: 35, masked: true, weighted: true };
    const o = operandsOf(shape, 8, rounding(machine));
    const dropped = o.target!.map((t, r) => t === IGNORED || o.mask![r] === 0);
    expect(new Set(dropped).size).toBe(2);
    const poisoned = o.x!.map((v, i) => (dropped[Math.floor(i / shape.columns)] ? Number.NaN : v));
    // A masked target may be no class at all.
    const target = o.target!.map((t, r) => (o.mask![r] === 0 ? 1e6 : t));
    const came = await run(machine, shape, { ...o, x: poisoned, target });
    expect(came).toEqual(await run(machine, shape, o));
    expect(came["d.x"]!.every((d, i) => !dropped[Math.floor(i / shape.columns)] || d === 0)).toBe(true);
  },

  "large logits neither overflow nor vanish; one that is −∞ is no class": async (machine, { tolerance }) => {
    const shape: Shape = { ...plain, rows: 3, columns: 2, classes: 4 };
    const o: Numbers = {
      ...operandsOf(shape, 3, rounding(machine)),
      x: [300, 300, -300, 20, 0, 0],
      weight: [1, 1, 2, -1, 0.5, 3, 0, 1],
      bias: [0.5, -0.25, 0.125, Number.NEGATIVE_INFINITY],
      target: [0, 1, 2],
    };
    const came = await run(machine, shape, o);
    const right = expected(shape, { ...o, bias: [...o.bias!.slice(0, 3), -1e9] });
    for (const name of Object.keys(came)) expect(difference(came[name]!, right[name]!)).toBeLessThan(5 * tolerance);
  },

  "many classes, some hundreds of them far below the others or −∞": async (machine, { tolerance }) => {
    const shape: Shape = { ...plain, rows: 19, columns: 3, classes: 730, labelSmoothing: 0 };
    const o = operandsOf(shape, 4, rounding(machine));
    o.target = o.target!.map((t) => (t === IGNORED ? t : 240 + (t % 490)));
    const raised = (forbidden: number): number[] =>
      o.bias!.map((b, v) => (v < 240 || v === 700 ? forbidden : v < 480 ? b : b - 30));
    o.target = o.target.map((t) => (t === 700 ? 701 : t));
    const came = await run(machine, shape, { ...o, bias: raised(Number.NEGATIVE_INFINITY) });
    const right = expected(shape, { ...o, bias: raised(-1e9) });
    for (const name of Object.keys(came)) expect(difference(came[name]!, right[name]!)).toBeLessThan(5 * tolerance);
  },

  "no row at all: a sum of 0, a mean that is no number": async (machine) => {
    const o = operandsOf(plain, 1, rounding(machine));
    const none = { ...o, target: o.target!.map(() => IGNORED) };
    const mean = await run(machine, plain, none);
    expect(mean.loss).toEqual([Number.NaN]);
    expect(mean["d.weight"]!.every((d) => d === 0)).toBe(true);
    expect((await run(machine, { ...plain, mean: false }, none)).loss).toEqual([0]);
  },

  "a target that is no class stops the run": async (machine) => {
    const o = operandsOf(plain, 1, rounding(machine));
    await expect(run(machine, plain, { ...o, target: o.target!.map(() => plain.classes) })).rejects.toThrow();
  },
};
