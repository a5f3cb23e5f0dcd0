import { describe, expect, test } from "vitest";
import { type Cell, defineCell, gateOf, type Operands, split, variables } from "../../src/cells/define.ts";
import { gru } from "../../src/cells/gru.ts";
import { layerNormLstm } from "../../src/cells/layer-norm-lstm.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { minGru } from "../../src/cells/min-gru.ts";
import { minLstm } from "../../src/cells/min-lstm.ts";
import { rnn } from "../../src/cells/rnn.ts";
import { add, type Expression, inOrder, less, mul, product, tanh } from "../../src/math/expression.ts";
import { difference } from "../support/difference.ts";
import { describeOnMachines } from "../support/machines.ts";
import { type Numbers, runRecurrent } from "../support/recurrent.ts";
import { randomCase } from "../support/recurrent-cases.ts";

/*
 * Cells and options that no other software's files cover, against their papers' equations written out by hand, one unit
 * at a time.
 */

type State = Record<string, number[]>;
interface StepInput {
  /** Part `gate` of `W x + b_ih` and of `U v + b_hh`, each [H]. */
  readonly x: (gate: number) => number[];
  readonly u: (gate: number, v: number[]) => number[];
  readonly w: (name: string) => number[];
  readonly before: State;
}
interface Case {
  readonly name: string;
  readonly cell: Cell;
  readonly projectionSize?: number;
  readonly step: (o: StepInput & { parameters: Record<string, Numbers> }) => State;
}

const H = 4;
const D = 3;
const T = 5;
const σ = (v: number): number => 1 / (1 + Math.exp(-v));
const zip = (f: (...v: number[]) => number, ...vectors: readonly number[][]): number[] =>
  vectors[0]!.map((_, k) => f(...vectors.map((v) => v[k]!)));
const plus = (a: number[], b: number[]): number[] => zip((x, y) => x + y, a, b);
/** Brought to mean 0 and variance 1 over all of them together. */
function normal(parts: readonly number[][], epsilon = 1e-5): number[][] {
  const all = parts.flat();
  const mean = all.reduce((s, v) => s + v, 0) / all.length;
  const variance = all.reduce((s, v) => s + (v - mean) ** 2, 0) / all.length;
  return parts.map((p) => p.map((v) => (v - mean) / Math.sqrt(variance + epsilon)));
}

const cases: readonly Case[] = [
  {
    name: "min-gru: h' = (1 − z) h + z n",
    cell: minGru(),
    step: ({ x, before }) => ({ h: zip((z, n, h) => (1 - σ(z)) * h + σ(z) * n, x(0), x(1), before.h!) }),
  },
  {
    name: "min-lstm: h' = f/(f+i) h + i/(f+i) n",
    cell: minLstm(),
    step: ({ x, before }) => ({
      h: zip((f, i, n, h) => (σ(f) / (σ(f) + σ(i))) * h + (σ(i) / (σ(f) + σ(i))) * n, x(0), x(1), x(2), before.h!),
    }),
  },
  {
    name: "layer-norm-lstm: LN(W x) + LN(U h) + b over all gates, h = o tanh(LN(c))",
    cell: layerNormLstm(),
    step({ x, u, w, before }) {
      const gates = [0, 1, 2, 3];
      const [nx, nh] = [normal(gates.map(x)), normal(gates.map((g) => u(g, before.h!)))];
      const sum = (g: number): number[] => {
        const name = "ifgo"[g];
        const scaled = (part: string, v: number[]): number[] => zip((k, y) => k * y, w(`gain_${part}_${name}`), v);
        return plus(plus(scaled("x", nx[g]!), scaled("h", nh[g]!)), w(`bias_${name}`));
      };
      const [i, f, g, o] = gates.map(sum) as [number[], number[], number[], number[]];
      const c = zip((f, c, i, g) => σ(f) * c + σ(i) * Math.tanh(g), f, before.c!, i, g);
      const [level] = normal([c]);
      return { c, h: zip((o, k, y, b) => σ(o) * Math.tanh(k * y + b), o, w("gain_c"), level!, w("bias_c")) };
    },
  },
  {
    name: "lstm, coupled, with peepholes and clip: f = 1 − i, o sees the new c",
    cell: lstm({ coupled: true, peephole: true, clip: 0.6 }),
    step({ x, u, w, before: { h, c } }) {
      const within = (v: number): number => Math.max(-0.6, Math.min(0.6, v));
      const i = zip((a, p, c) => σ(within(a + p * c)), plus(x(0), u(0, h!)), w("pi"), c!);
      const g = plus(x(1), u(1, h!)).map((v) => Math.tanh(within(v)));
      const next = zip((i, c, g) => (1 - i) * c + i * g, i, c!, g);
      const o = zip((a, p, c) => σ(within(a + p * c)), plus(x(2), u(2, h!)), w("po"), next);
      return { c: next, h: zip((o, c) => o * Math.tanh(c), o, next) };
    },
  },
  {
    name: "lstm, projection with peepholes",
    cell: lstm({ projection: true, peephole: true }),
    projectionSize: 2,
    step({ x, u, w, before: { h, c }, parameters }) {
      const sum = (k: number): number[] => plus(x(k), u(k, h!));
      const i = zip((a, p, c) => σ(a + p * c), sum(0), w("pi"), c!);
      const f = zip((a, p, c) => σ(a + p * c), sum(1), w("pf"), c!);
      const next = zip((f, c, i, g) => f * c + i * Math.tanh(g), f, c!, i, sum(2));
      const out = zip((a, p, c) => σ(a + p * c) * Math.tanh(c), sum(3), w("po"), next);
      const rows = Array.from({ length: 2 }, (_, j) =>
        out.reduce((s, v, k) => s + v * parameters.weight_hr_l0![j * H + k]!, 0),
      );
      return { c: next, h: rows };
    },
  },
  {
    name: "lstm with zoneout, on average: the output is that of the cell before units keep their state",
    cell: lstm({ zoneout: 0.3 }),
    step({ x, u, before: { h, c } }) {
      const [i, f, g, o] = [0, 1, 2, 3].map((k) => plus(x(k), u(k, h!))) as [number[], number[], number[], number[]];
      const mixed = (old: number[], fresh: number[]): number[] => zip((a, b) => 0.3 * a + 0.7 * b, old, fresh);
      const next = zip((f, c, i, g) => σ(f) * c + σ(i) * Math.tanh(g), f, c!, i, g);
      return {
        c: mixed(c!, next),
        h: mixed(
          h!,
          zip((o, c) => σ(o) * Math.tanh(c), o, next),
        ),
      };
    },
  },
  {
    name: "rnn with zoneout, on average",
    cell: rnn({ zoneout: 0.25 }),
    step: ({ x, u, before: { h } }) => ({
      h: zip((a, h) => 0.25 * h + 0.75 * Math.tanh(a), plus(x(0), u(0, h!)), h!),
    }),
  },
  {
    name: "gru, reset before the product, with zoneout, on average",
    cell: gru({ resetAfter: false, zoneout: 0.2 }),
    step({ x, u, before: { h } }) {
      const [r, z] = [0, 1].map((k) => plus(x(k), u(k, h!)).map(σ)) as [number[], number[]];
      const reset = zip((r, h) => r * h, r, h!);
      const n = plus(x(2), u(2, reset)).map(Math.tanh);
      return { h: zip((z, n, h) => 0.2 * h + 0.8 * ((1 - z) * n + z * h), z, n, h!) };
    },
  },
];

describeOnMachines("cells are their equations", (m) => {
  test.each(cases)("$name", async ({ cell, step, projectionSize = 0 }) => {
    const one = { name: cell.name, make: () => cell, projectionSize, drawsPerStep: false, minSize: 1 };
    const c = randomCase(one, { steps: T, batch: 1, inputSize: D, hiddenSize: H }, 8);
    const { up: _up, ...rest } = c;
    const came = await runRecurrent(m.machine, { ...rest, training: false });
    const parameters = c.parameters as Record<string, Numbers>;
    /** Rows of gate k of a matrix times a vector, and its bias. */
    const rows = (matrix: string, bias: string, k: number, v: readonly number[]): number[] =>
      Array.from({ length: H }, (_, j) =>
        v.reduce(
          (s, value, i) => s + parameters[matrix]![(k * H + j) * v.length + i]! * value,
          parameters[bias]?.[k * H + j] ?? 0,
        ),
      );
    let state: State = Object.fromEntries(Object.entries(c.initial).map(([name, v]) => [name, Array.from(v)]));
    const output: number[] = [];
    for (let t = 0; t < T; t++) {
      const x = Array.from(c.input).slice(t * D, (t + 1) * D);
      state = step({
        x: (gate) => rows("weight_ih_l0", "bias_ih_l0", gate, x),
        u: (gate, v) => rows("weight_hh_l0", "bias_hh_l0", gate, v),
        w: (name) => Array.from(parameters[`weight_${name}_l0`]!),
        before: state,
        parameters,
      });
      output.push(...state.h!);
    }
    expect(difference(came.output, output)).toBeLessThanOrEqual(m.outputs);
    for (const [name, v] of Object.entries(state))
      expect(difference(came.final[name]!, v), name).toBeLessThanOrEqual(m.outputs);
  });
});

describe("what cells declare", () => {
  test("gates in the packed order of PyTorch", () => {
    expect(lstm().gates.map((g) => g.name)).toEqual(["i", "f", "g", "o"]);
    expect(gru().gates.map((g) => g.name)).toEqual(["r", "z", "n"]);
    expect(lstm({ coupled: true }).gates.map((g) => g.name)).toEqual(["i", "g", "o"]);
    expect([...minGru().gates, ...minLstm().gates].some((g) => g.recurrent)).toBe(false);
  });

  test("options that ask for nothing leave the equations alone", () => {
    const plain = lstm();
    for (const options of [{}, { clip: undefined }, { recurrentDropout: 0, zoneout: 0 }, { bias: true }]) {
      const cell = lstm(options);
      expect(cell.next.h).toBe(plain.next.h);
      expect(cell.masks).toEqual({});
      expect(cell.bias).toBe("both");
    }
    expect(lstm({ bias: false }).bias).toBe("none");
    expect(lstm({ bias: false }).next.h).toBe(plain.next.h);
  });

  test.each<[string, () => unknown, RegExp]>([
    ["clip", () => lstm({ clip: -1 }), /lstm: clip: expected a number above 0, got -1/],
    ["recurrentDropout", () => gru({ recurrentDropout: 1 }), /recurrentDropout: expected a probability.*got 1/],
    ["zoneout", () => rnn({ zoneout: -2 }), /zoneout: expected a probability.*got -2/],
    ["epsilon", () => layerNormLstm({ epsilon: 0 }), /epsilon: expected a number above 0/],
    ["gate", () => lstm({ gate: "relu" as never }), /gate: expected an activation.*got the string "relu"/],
    ["peephole", () => lstm({ peephole: 1 as never }), /peephole: expected true or false, got 1/],
  ])("%s that makes no sense is refused", (_, make, message) => expect(make).toThrow(message));

  test.each<[string, object, RegExp]>([
    ["no state", { state: [] }, /cell "own": expected at least one state/],
    ["a state without equation", { step: () => ({}) }, /step: expected h as an expression, got nothing/],
    ["a number for a state", { step: () => ({ h: 1 }) }, /step: expected h as an expression, got 1/],
    ["a comparison", { step: ({ a }: { a: Expression }) => ({ h: a, more: less(a, 0) }) }, /expected more as an/],
    ["an option that is none", { states: ["h"] }, /defineCell: there is no option "states"; did you mean state\?/],
    ["biases as of a built-in cell", { bias: true }, /cell "own": bias: expected one of "both", "none", got true/],
    ["a mask of no kind", { masks: { m: { per: "step", rate: 0.1, kind: "drop" } } }, /mask m: kind: expected one of/],
    ["a mask of no time", { masks: { m: { per: "steps", rate: 0.1, kind: "dropout" } } }, /mask m: per: .*"step"\?/],
    [
      "a mask of no width",
      { masks: { m: { per: "step", rate: 0.1, kind: "dropout", width: "wide" } } },
      /mask m: width: expected one of/,
    ],
    ["a mask's rate", { masks: { m: { per: "step", rate: 1, kind: "dropout" } } }, /mask m: expected a probability/],
    [
      "an operand that is none",
      { gates: { a: gateOf(tanh, () => 1 as never) } },
      /gate a: expected what its recurrent/,
    ],
    [
      "a split gate where an activated one is asked for",
      { gates: { m: split(), a: gateOf(tanh, ({ gates }) => gates.m!) } },
      /gate a: .*got nothing \(split gates are in `parts`, as \{ x, h \}\)/,
    ],
    ["a gate without value", { gates: { a: () => undefined } }, /gate a: expected its activated value as an expr/],
    ["one name for two matrices", { projections: ["a"] }, /"a" names a gate and a projection/],
  ])("a cell of one's own with %s is refused", (_, part, message) => {
    const whole = { name: "own", gates: { a: tanh }, state: ["h"], step: ({ a }: { a: Expression }) => ({ h: a }) };
    expect(() => defineCell({ ...whole, ...part } as never)).toThrow(message);
  });

  test("each recurrent matrix multiplies what its gate says, else what the cell says, else the first state", () => {
    const operandOf = (cell: Cell, gate: string) =>
      inOrder(Object.values(cell.next)).find((n) => n.op === "product" && n.name === gate)?.args[0];
    const doubled = ({ previous }: Pick<Operands, "previous">): Expression => mul(2, previous.c!);
    const make = (more: object): Cell =>
      defineCell({
        ...{ name: "own", state: ["h", "c"], ...more },
        gates: {
          a: tanh,
          s: split(),
          t: split({ of: ({ gates }) => gates.a! }),
          g: gateOf(tanh, ({ parts }) => parts.s!.h),
        },
        step: ({ a, s, t, g }, { c }) => ({ h: add(add(a, s.h), add(t.h, g)), c: c! }),
      });
    for (const [cell, rest] of [
      [make({}), variables.previous("h")],
      [make({ recurrent: doubled }), mul(2, variables.previous("c"))],
    ] as const) {
      expect(["a", "s"].map((gate) => operandOf(cell, gate))).toEqual([rest, rest]);
      expect(operandOf(cell, "t")).toBe(cell.named.a);
      expect(operandOf(cell, "g")).toBe(product("s", rest));
    }
    expect(make({}).options).toEqual({});
    expect(() => split({ off: 1 } as never)).toThrow(/split: there is no option "off"; did you mean of\?/);
  });

  test("masks with their rates, by the width of what they meet", () => {
    expect(lstm({ recurrentDropout: 0.2, zoneout: 0.1, projection: true }).masks).toEqual({
      drop: { per: "sequence", rate: 0.2, kind: "dropout", width: "projection" },
      keep_h: { per: "step", rate: 0.1, kind: "zoneout", width: "projection" },
      keep_c: { per: "step", rate: 0.1, kind: "zoneout", width: "hidden" },
    });
  });

  test("every value with a name, the state among them", () => {
    expect(Object.keys(lstm().named).sort()).toEqual(["c", "f", "g", "h", "i", "o"]);
    expect(Object.keys(gru().named).sort()).toEqual(["h", "n", "r", "z"]);
  });
});
