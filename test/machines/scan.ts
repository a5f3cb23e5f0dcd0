import fc from "fast-check";
import { expect } from "vitest";
import { type Cell, defineCell, gateOf, input, split } from "../../src/cells/define.ts";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import type { ScanShape } from "../../src/compute/plan.ts";
import { add, mean, mul, sigmoid, sub, tanh } from "../../src/math/expression.ts";
import type { Laws } from "./conformance.ts";
import { expectNear, numbers, runKernel } from "./harness.ts";

type Vectors = Record<string, number[]>;
/** What one step gets: parts of the products by gate, the state before it, unit weights, masks, matrices by name. */
interface StepInput {
  readonly x: Vectors;
  readonly u: (gate: string, v: readonly number[]) => number[];
  readonly before: Vectors;
  readonly weight: Vectors;
  readonly mask: Vectors;
  readonly project: (name: string, v: readonly number[]) => number[];
}
/** A cell, and the same written by hand. */
interface Case {
  readonly cell: Cell;
  readonly step: (o: StepInput) => Vectors;
}

const sigma = (v: number): number => 1 / (1 + Math.exp(-v));
const zip = (f: (...v: number[]) => number, ...vectors: readonly (readonly number[])[]): number[] =>
  vectors[0]!.map((_, k) => f(...vectors.map((v) => v[k]!)));

const lstm: Case = {
  cell: defineCell({
    name: "lstm",
    gates: { i: sigmoid, f: sigmoid, g: tanh, o: sigmoid },
    state: ["h", "c"],
    step({ i, f, g, o }, previous) {
      const c = add(mul(f, previous.c), mul(i, g));
      return { h: mul(o, tanh(c)), c };
    },
  }),
  step: ({ x, u, before: { h, c } }) => {
    const sum = (gate: string): number[] => zip((p, q) => p + q, x[gate]!, u(gate, h!));
    const [i, f, o] = ["i", "f", "o"].map((gate) => sum(gate).map(sigma)) as [number[], number[], number[]];
    const g = sum("g").map(Math.tanh);
    const next = zip((f, c, i, g) => f * c + i * g, f, c!, i, g);
    return { h: zip((o, c) => o * Math.tanh(c), o, next), c: next, i, f, g, o };
  },
};

const gru: Case = {
  cell: defineCell({
    name: "gru",
    gates: { r: sigmoid, z: sigmoid, n: split() },
    state: ["h"],
    step({ r, z, n }, { h }) {
      const candidate = tanh(add(n.x, mul(r, n.h)));
      return { h: add(candidate, mul(z, sub(h, candidate))), candidate };
    },
  }),
  step: ({ x, u, before }) => {
    const h = before.h!;
    const [r, z] = ["r", "z"].map((gate) => zip((p, q) => sigma(p + q), x[gate]!, u(gate, h))) as [number[], number[]];
    const candidate = zip((p, r, q) => Math.tanh(p + r * q), x.n!, r, u("n", h));
    return { h: zip((n, z, h) => (1 - z) * n + z * h, candidate, z, h), r, z, candidate };
  },
};

/** Everything a cell can say at once: an input gate, an operand of its own, a projection, unit weights, a mask, a mean. */
const odd: Case = {
  cell: defineCell({
    name: "odd",
    gates: {
      a: gateOf(tanh, ({ previous, masks }) => mul(previous.h!, masks.m!)),
      b: input(sigmoid),
      r: split(),
    },
    state: { h: "projection", c: "hidden" },
    weights: { p: 0 },
    masks: { m: { per: "step", rate: 0.5, kind: "dropout", width: "projection" } },
    projections: ["v"],
    step({ a, b, r }, previous, { weights, project }) {
      const c = add(mul(a, b), sigmoid(add(mul(r.x, r.h), mul(weights.p, previous.c))));
      return { h: project.v(sub(tanh(c), mul(0.5, mean(c)))), c };
    },
  }),
  step: ({ x, u, before: { h, c }, weight, mask, project }) => {
    const masked = zip((h, m) => h * m, h!, mask.m!);
    const a = zip((p, q) => Math.tanh(p + q), x.a!, u("a", masked));
    const b = x.b!.map(sigma);
    const next = zip((a, b, x, r, p, c) => a * b + sigma(x * r + p * c), a, b, x.r!, u("r", h!), weight.p!, c!);
    const average = next.reduce((sum, v) => sum + v, 0) / next.length;
    return {
      h: project(
        "v",
        next.map((c) => Math.tanh(c) - average / 2),
      ),
      c: next,
      a,
      b,
    };
  },
};

/** Lengths of a scan's operands in. */
function inputLengths({
  cell,
  steps: T,
  batch: B,
  inputSize: D,
  hiddenSize: H,
  projectionSize: P,
  masked,
}: ScanShape): Record<string, number> {
  const width = (w: string): number => (w === "hidden" ? H : P);
  const R = cell.gates.filter((g) => g.recurrent).length;
  const lengths: Record<string, number> = {
    input: T * B * D,
    weight_ih: cell.gates.length * H * D,
    weight_hh: R * H * (P || H),
    bias_ih: cell.gates.length * H,
    bias_hh: R * H,
  };
  for (const name of Object.keys(cell.weights)) lengths[`weight.${name}`] = H;
  for (const name of cell.projections) lengths[`projection.${name}`] = P * H;
  for (const [name, m] of Object.entries(cell.masks)) lengths[`mask.${name}`] = T * B * width(m.width ?? "hidden");
  for (const s of cell.states) lengths[`initial.${s.name}`] = B * width(s.width);
  if (masked) lengths.mask = T * B;
  return lengths;
}

/** The scan in plain loops, one example after the other. */
function simulate({ cell, step }: Case, shape: ScanShape, given: Vectors, trace: readonly string[]): Vectors {
  const { steps: T, batch: B, inputSize: D, hiddenSize: H, projectionSize: P, reverse, outputStride } = shape;
  const first = cell.states[0]!;
  const widths = Object.fromEntries(cell.states.map((s) => [s.name, s.width === "hidden" ? H : P]));
  const F = widths[first.name]!;
  const recurrent = cell.gates.filter((g) => g.recurrent).map((g) => g.name);
  const matrix = (name: string, bias: string | undefined, row: number, rows: number, v: readonly number[]): number[] =>
    Array.from({ length: rows }, (_, j) =>
      v.reduce((sum, x, k) => sum + given[name]![(row + j) * v.length + k]! * x, bias ? given[bias]![row + j]! : 0),
    );
  const out: Vectors = { output: new Array<number>((T * B - 1) * outputStride + F).fill(77) };
  for (const name of trace) out[`trace.${name}`] = new Array<number>(T * B * H).fill(0);
  for (const s of cell.states) out[`final.${s.name}`] = [];
  for (let b = 0; b < B; b++) {
    const state = Object.fromEntries(
      Object.entries(widths).map(([name, w]) => [name, given[`initial.${name}`]!.slice(b * w, (b + 1) * w)]),
    );
    let shown = new Array<number>(F).fill(0);
    for (let s = 0; s < T; s++) {
      const t = reverse ? T - 1 - s : s;
      const row = t * B + b;
      const x = given.input!.slice(row * D, (row + 1) * D);
      const seen = !shape.masked || given.mask![row] !== 0;
      const values = step({
        x: Object.fromEntries(cell.gates.map((g, k) => [g.name, matrix("weight_ih", "bias_ih", k * H, H, x)])),
        u: (gate, v) => matrix("weight_hh", "bias_hh", recurrent.indexOf(gate) * H, H, v),
        before: state,
        weight: Object.fromEntries(Object.keys(cell.weights).map((name) => [name, given[`weight.${name}`]!])),
        mask: Object.fromEntries(
          Object.keys(cell.masks).map((name) => [name, given[`mask.${name}`]!.slice(row * P, (row + 1) * P)]),
        ),
        project: (name, v) => matrix(`projection.${name}`, undefined, 0, P, v),
      });
      if (seen) for (const name of Object.keys(state)) state[name] = values[name]!;
      if (seen) shown = values[first.name]!;
      else if (shape.maskedOutput === "zero") shown = shown.map(() => 0);
      shown.forEach((v, k) => {
        out.output![row * outputStride + k] = v;
      });
      if (seen)
        for (const name of trace)
          values[name]!.forEach((v, k) => {
            out[`trace.${name}`]![row * H + k] = v;
          });
    }
    for (const s of cell.states) out[`final.${s.name}`]!.push(...state[s.name]!);
  }
  return out;
}

async function check(
  machine: SynchronousMachine,
  tolerance: number,
  which: Case,
  shape: ScanShape,
  seed: number,
): Promise<void> {
  const { cell, steps: T, batch: B, hiddenSize: H } = shape;
  const trace = Object.keys(cell.named).filter(
    (name) => !cell.states.some((s) => s.name === name && s.width !== "hidden"),
  );
  const given: Vectors = {};
  Object.entries(inputLengths(shape)).forEach(([name, length], k) => {
    given[name] = numbers(length, seed + k).map((v) => Math.fround(v / (name === "input" ? 1 : 2)));
    if (name.startsWith("mask.")) given[name] = given[name].map((v) => (v < 0 ? 0 : 2));
    if (name === "mask") given[name] = given[name].map((v) => (v < -0.3 ? 0 : 1));
  });
  const operands = Object.fromEntries(Object.entries(given).map(([name, data]) => [name, { data }]));
  const expected = simulate(which, shape, given, trace);
  const before = Object.fromEntries(Object.entries(expected).map(([name, v]) => [name, v.map(() => 77)]));
  const saved = machine.savedSize(shape);
  const came = await runKernel(machine, { op: "scan", ...shape, save: true, trace }, operands, { ...before, saved });
  // A tensor of a few numbers may hold nothing but what was left of larger ones: it is as exact as they are.
  // Gates and states are sums of terms of about this size.
  for (const [name, values] of Object.entries(expected)) {
    const largest = Math.max(0.5, ...values.map(Math.abs));
    expectNear(
      came[name]!,
      values,
      values.map(() => largest),
      tolerance,
      `${cell.name} ${name}`,
    );
  }
  const plain = await runKernel(machine, { op: "scan", ...shape, save: false, trace: [] }, operands, {
    output: before.output!,
    ...Object.fromEntries(cell.states.map((s) => [`final.${s.name}`, before[`final.${s.name}`]!])),
  });
  // Saving and tracing change no bit.
  for (const [name, values] of Object.entries(plain)) expect(came[name], name).toEqual(values);

  // The gradient of Σ adjoint · result is taken by central differences of the loops above, in float64.
  const adjoints: Vectors = {};
  for (const name of ["output", ...cell.states.map((s) => `final.${s.name}`)])
    adjoints[name] = numbers(expected[name]!.length, seed + 50 + name.length);
  const loss = (o: Vectors): number =>
    Object.entries(simulate(which, shape, o, [])).reduce(
      (sum, [name, v]) => sum + v.reduce((s, x, k) => s + (x === 77 ? 0 : x) * adjoints[name]![k]!, 0),
      0,
    );
  const wanted = Object.keys(given).filter((name) => !name.startsWith("mask"));
  const gradients = await runKernel(
    machine,
    { op: "scanBackward", ...shape, inputGradient: true, trace: trace.filter((name) => name in cell.named) },
    {
      ...operands,
      saved: { data: came.saved!, spoiled: true },
      ...Object.fromEntries(Object.entries(adjoints).map(([name, data]) => [`d.${name}`, { data }])),
    },
    {
      ...Object.fromEntries(wanted.map((name) => [`d.${name}`, given[name]!.map(() => 77)])),
      ...Object.fromEntries(trace.map((name) => [`trace.d.${name}`, new Array<number>(T * B * H).fill(77)])),
    },
  );
  for (const name of wanted) {
    const step = 1e-3;
    const slope = given[name]!.map((v, k) => {
      const at = (x: number): number => loss({ ...given, [name]: given[name]!.with(k, x) });
      return (8 * (at(v + step) - at(v - step)) - (at(v + 2 * step) - at(v - 2 * step))) / (12 * step);
    });
    // A small gradient is a sum of larger ones over gates, units and steps: it is as exact as they are.
    const largest = Math.max(0.1, ...slope.map(Math.abs));
    expectNear(
      gradients[`d.${name}`]!,
      slope,
      slope.map(() => largest),
      Math.max(5 * tolerance, 1e-9),
      `${cell.name} d.${name}`,
    );
  }
}

const sizes = fc.record({
  steps: fc.integer({ min: 1, max: 4 }),
  batch: fc.integer({ min: 1, max: 3 }),
  inputSize: fc.integer({ min: 1, max: 5 }),
  hiddenSize: fc.integer({ min: 1, max: 6 }),
  reverse: fc.boolean(),
  masked: fc.boolean(),
  maskedOutput: fc.constantFrom("zero" as const, "previous" as const),
  gap: fc.integer({ min: 0, max: 3 }),
});

const laws = ([which, runs]: readonly [Case, number]): Laws => ({
  [`${which.cell.name} forward and backward are what its equations say in plain loops`]: async (
    machine,
    { tolerance },
  ) => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 1, max: 4 }), fc.nat(1e6), async ({ gap, ...s }, P, seed) => {
        const projectionSize = which.cell.projections.length > 0 ? P : 0;
        const outputStride = (projectionSize || s.hiddenSize) + gap;
        await check(machine, tolerance, which, { cell: which.cell, ...s, projectionSize, outputStride }, seed);
      }),
      { numRuns: runs },
    );
  },
});

export const scanLaws: Laws = { ...laws([lstm, 6]), ...laws([gru, 6]), ...laws([odd, 8]) };
