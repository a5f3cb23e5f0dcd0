import { describe, expect, it } from "vitest";
import { openMachine } from "../../src/compute/open.ts";
import { recurrent } from "../../src/layers/recurrent.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { VARIANTS } from "../../src/study/cells.ts";
import { greffCells } from "../../src/study/greff.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph } from "../../src/tensor/graph.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";

/*
 * The equations of Greff et al. (2015), section II and III, with ordinary loops, beside the cells.
 */

const [T, D, H] = [7, 2, 3];
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
type Arrays = Readonly<Record<string, ArrayLike<number>>>;

function paper(variant: string, gates: readonly string[], x: ArrayLike<number>, p: Arrays): number[] {
  const one = variant.replace("lstm-", "");
  let [h, c] = [new Array<number>(H).fill(0), new Array<number>(H).fill(0)];
  let before: Record<string, number[]> = { i: [...h], f: [...h], o: [...h] };
  for (let t = 0; t < T; t++) {
    /** W x + U v + b of the gate in row k. */
    const sum = (gate: string, unit: number, v: readonly number[]): number => {
      const r = gates.indexOf(gate) * H + unit;
      let value = p.bias_ih_l0![r]! + p.bias_hh_l0![r]!;
      for (let d = 0; d < D; d++) value += p.weight_ih_l0![r * D + d]! * x[t * D + d]!;
      for (let k = 0; k < H; k++) value += p.weight_hh_l0![r * H + k]! * v[k]!;
      return value;
    };
    const peephole = (gate: string, unit: number): number => p[`weight_p${gate}_l0`]?.[unit] ?? 0;
    const open = (gate: string, unit: number, state: readonly number[]): number => {
      let value = sum(gate, unit, h) + peephole(gate, unit) * state[unit]!;
      if (one === "fgr") for (const from of ["i", "f", "o"]) value += sum(`${gate}${from}`, unit, before[from]!);
      return sigmoid(value);
    };
    const units = [...h.keys()];
    const z = units.map((u) => (one === "niaf" ? sum("g", u, h) : Math.tanh(sum("g", u, h))));
    const i = units.map((u) => (one === "nig" ? 1 : open("i", u, c)));
    const f = units.map((u) => (one === "nfg" ? 1 : one === "cifg" ? 1 - i[u]! : open("f", u, c)));
    const next = units.map((u) => z[u]! * i[u]! + c[u]! * f[u]!);
    const o = units.map((u) => (one === "nog" ? 1 : open("o", u, next)));
    h = units.map((u) => (one === "noaf" ? next[u]! : Math.tanh(next[u]!)) * o[u]!);
    c = next;
    before = { i, f, o };
  }
  return h;
}

describe("the variants compute what the paper says", () => {
  it("there are eight beside the LSTM with peepholes", () => {
    expect(VARIANTS).toHaveLength(9);
  });

  it.each(VARIANTS)("%s", async (name) => {
    const machine = await openMachine("reference");
    const cell = greffCells[name]!();
    const layer = recurrent({ cell, inputSize: D, hiddenSize: H });
    const parameters = await createParameters({ machine, layout: layoutParameters(layer), seed: 4 });
    // Peepholes begin as zeros, which would hide them.
    for (const parameter of parameters.names) {
      const { length } = await parameters.read(parameter);
      parameters.write(parameter, new RandomStream(5, parameter).normal(length));
    }
    const graph = new Graph({ machine, parameters: parameters.layout });
    const { final } = layer.forward(graph.input("x", [T, 1, D]));
    graph.output("h", final.h!);
    const plan = await compile(graph, { machine, arenas: { parameters: parameters.arena("parameters") } });
    const x = new RandomStream(6, "x").normal(T * D);
    plan.write("x", x);
    plan.run();
    const h = await plan.read("h");
    const arrays: Record<string, ArrayLike<number>> = {};
    for (const parameter of parameters.names) arrays[parameter] = await parameters.read(parameter);
    const expected = paper(
      name,
      cell.gates.map((gate) => gate.name),
      x,
      arrays,
    );
    for (const [unit, value] of expected.entries()) expect(h[unit]).toBeCloseTo(value, 12);
    machine.close();
  });
});
