import { describe, expect, test } from "vitest";
import { defineCell, gateOf, input, variables } from "../../src/cells/define.ts";
import { gru } from "../../src/cells/gru.ts";
import { layerNormLstm } from "../../src/cells/layer-norm-lstm.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { minLstm } from "../../src/cells/min-lstm.ts";
import { rnn } from "../../src/cells/rnn.ts";
import { openMachine } from "../../src/compute/open.ts";
import { add, mul, product, sigmoid, tanh, transposed, variable } from "../../src/math/expression.ts";
import { forwardProgram, stepProgram } from "../../src/scan/lower.ts";
import { parameterShapes, recurrentGates, recurrentWidth, widthsOf } from "../../src/scan/widths.ts";
import { difference } from "../support/difference.ts";
import { runRecurrent } from "../support/recurrent.ts";
import { randomCase } from "../support/recurrent-cases.ts";

const sizes = { inputSize: 3, hiddenSize: 5, projectionSize: 2 };

describe("shapes of a cell's parameters", () => {
  test("every gate has rows of the input matrix, recurrent gates rows of the recurrent one", () => {
    expect(parameterShapes(gru(), sizes)).toEqual({
      ...{ weight_ih: [15, 3], weight_hh: [15, 5] },
      ...{ bias_ih: [15], bias_hh: [15] },
    });
    expect(parameterShapes(rnn(), sizes)).toEqual({
      ...{ weight_ih: [5, 3], weight_hh: [5, 5] },
      ...{ bias_ih: [5], bias_hh: [5] },
    });
    expect(parameterShapes(minLstm(), sizes)).toEqual({ weight_ih: [15, 3], bias_ih: [15] });
    const mixed = defineCell({
      name: "mixed",
      gates: { a: sigmoid, b: input(tanh), c: tanh },
      state: ["h"],
      step: ({ a, b, c }) => ({ h: mul(a, add(b, c)) }),
    });
    expect(recurrentGates(mixed)).toEqual(["a", "c"]);
    expect(parameterShapes(mixed, sizes)).toMatchObject({ weight_ih: [15, 3], weight_hh: [10, 5], bias_hh: [10] });
  });

  test("a projection is the width of what the matrices read", () => {
    expect(recurrentWidth(lstm({ projection: true }))).toBe("projection");
    expect(parameterShapes(lstm({ projection: true }), sizes)).toMatchObject({
      ...{ weight_hh: [20, 2], "projection.hr": [2, 5] },
    });
  });

  test("weights a unit are vectors of H; a cell without bias has none", () => {
    const { weight_ih, weight_hh, ...rest } = parameterShapes(layerNormLstm(), sizes);
    expect([weight_ih, weight_hh]).toEqual([
      [20, 3],
      [20, 5],
    ]);
    expect(Object.keys(rest)).toHaveLength(14);
    for (const [name, shape] of Object.entries(rest)) {
      expect(name).toMatch(/^weight\./);
      expect(shape).toEqual([5]);
    }
  });
});

test("a state that no equation reads has its width, and no gradient comes back through it", async () => {
  const cell = defineCell({
    name: "reads out",
    gates: { a: input() },
    state: { y: "projection", m: "hidden" },
    projections: ["p"],
    step: ({ a }, previous, { project }) => {
      const m = tanh(add(mul(0.5, previous.m), a));
      return { y: project.p(m), m };
    },
  });
  expect(widthsOf(cell).get(variables.previous("y"))).toBe("projection");
  const read = { name: cell.name, make: () => cell, projectionSize: 3, drawsPerStep: false, minSize: 1 };
  const c = randomCase(read, { steps: 2, batch: 1, inputSize: 1, hiddenSize: 2 }, 3);
  const [reference, wasm] = [await openMachine("reference"), await openMachine("wasm")];
  const [expected, came] = [await runRecurrent(reference, c), await runRecurrent(wasm, c)];
  for (const { gradients } of [expected, came]) expect(Array.from(gradients["initial.y"]!)).toEqual([0, 0, 0]);
  for (const [name, values] of Object.entries(expected.gradients))
    expect(difference(came.gradients[name]!, values), name).toBeLessThan(1e-6);
  reference.close();
  wasm.close();
});

describe("widths that do not fit are refused with the name of the cell", () => {
  test("two widths in one operation", () => {
    const cell = defineCell({
      name: "uneven",
      gates: { a: tanh },
      state: { h: "projection", c: "hidden" },
      projections: ["p"],
      step: ({ a }, previous, { project }) => ({ h: project.p(a), c: add(a, previous.h) }),
    });
    expect(() => widthsOf(cell)).toThrow(/"uneven".*hidden width.*projection width/);
  });

  test("a state whose equation is of another width", () => {
    const cell = defineCell({
      name: "wrong",
      gates: { a: tanh },
      state: { h: "projection" },
      step: ({ a }) => ({ h: a }),
    });
    expect(() => widthsOf(cell)).toThrow(/"wrong".*h is declared projection but its equation is of hidden/);
  });

  test.each([
    ['variable "x.b"', variable("x.b")],
    ['variable "previous.c"', variable("previous.c")],
    ['variable "weight.p"', variable("weight.p")],
    ['variable "mask.m"', variable("mask.m")],
    ['variable "d.h"', variable("d.h")],
    ['variable "q"', variable("q")],
    ['product "p"', product("p", variable("x.a"))],
    ['transposed "a"', transposed("a", variable("x.a"))],
  ])("the %s that nothing provides", (what, value) => {
    const cell = defineCell({
      name: "foreign",
      gates: { a: tanh },
      state: ["h"],
      step: ({ a }) => ({ h: add(a, value) }),
    });
    for (const use of [widthsOf, stepProgram, forwardProgram])
      expect(() => use(cell)).toThrow(
        expect.objectContaining({
          code: "bad-cell",
          message: expect.stringContaining(`${what}, which nothing provides`),
        }),
      );
  });

  test("recurrent matrices of two widths", () => {
    const cell = defineCell({
      name: "torn",
      gates: { a: gateOf(tanh, ({ previous }) => previous.h!), b: gateOf(tanh, ({ previous }) => previous.c!) },
      state: { h: "projection", c: "hidden" },
      projections: ["p"],
      step: ({ a, b }, _previous, { project }) => ({ h: project.p(a), c: b }),
    });
    expect(() => recurrentWidth(cell)).toThrow(/"torn".*one width/);
  });
});
