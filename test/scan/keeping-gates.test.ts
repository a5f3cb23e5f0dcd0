import { describe, expect, it } from "vitest";
import { type Cell, defineCell } from "../../src/cells/define.ts";
import { gru } from "../../src/cells/gru.ts";
import { layerNormLstm } from "../../src/cells/layer-norm-lstm.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { minGru } from "../../src/cells/min-gru.ts";
import { minLstm } from "../../src/cells/min-lstm.ts";
import { rnn } from "../../src/cells/rnn.ts";
import { add, mul, sigmoid, sub, tanh } from "../../src/math/expression.ts";
import { keepingGates } from "../../src/scan/keeping-gates.ts";

const keeping = (cell: Cell) => Object.fromEntries(keepingGates(cell).map((sign, k) => [cell.gates[k]!.name, sign]));

describe("which gates keep the state, by the equations alone", () => {
  it.each<[string, Cell, object]>([
    ["lstm", lstm(), { i: -1, f: 1, g: 0, o: 0 }],
    ["lstm with peepholes", lstm({ peephole: true }), { i: -1, f: 1, g: 0, o: 0 }],
    ["lstm with one gate for both", lstm({ coupled: true }), { i: -1, g: 0, o: 0 }],
    ["projected lstm", lstm({ projection: true }), { i: -1, f: 1, g: 0, o: 0 }],
    ["lstm with zoneout", lstm({ zoneout: 0.2, clip: 3 }), { i: -1, f: 1, g: 0, o: 0 }],
    ["layer-norm-lstm", layerNormLstm(), { i: -1, f: 1, g: 0, o: 0 }],
    ["gru", gru(), { r: 0, z: 1, n: 0 }],
    ["gru that resets before the product", gru({ resetAfter: false }), { r: 0, z: 1, n: 0 }],
    ["min-gru", minGru(), { z: -1, n: 0 }],
    ["min-lstm", minLstm(), { f: 1, i: -1, n: 0 }],
    ["rnn", rnn(), { a: 0 }],
  ])("%s", (_, cell, expected) => expect(keeping(cell)).toEqual(expected));

  it("of a cell of one's own", () => {
    const leaky = defineCell({
      ...{ name: "leaky", gates: { leak: sigmoid, a: tanh }, state: ["h"] },
      step: ({ leak, a }, { h }) => ({ h: add(mul(sub(1, leak), h!), mul(leak, a)) }),
    });
    expect(keeping(leaky)).toEqual({ leak: -1, a: 0 });
    const inverted = defineCell({
      ...{ name: "inverted", gates: { f: sigmoid, g: tanh }, state: ["h", "c"] },
      step({ f, g }, previous) {
        const c = add(mul(sub(1, f), previous.c), g);
        return { c, h: tanh(c) };
      },
    });
    expect(keeping(inverted)).toEqual({ f: -1, g: 0 });
  });
});
