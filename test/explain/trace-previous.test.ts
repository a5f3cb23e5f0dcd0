import { expect, test } from "vitest";
import { type Cell, defineCell, gateOf } from "../../src/cells/define.ts";
import { openMachine } from "../../src/compute/open.ts";
import { trace } from "../../src/explain/trace.ts";
import { recurrent } from "../../src/layers/recurrent.ts";
import { add, mul, sigmoid, sub, tanh } from "../../src/math/expression.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { difference } from "../support/difference.ts";
import { describeOnMachines } from "../support/machines.ts";

/*
 * A name for a raw previous state is that state as the step reads it. Its gradient is all that the step sends back: with the output's own
 * it is that of the state after the step before, and at the first step that of the initial state.
 */

const cells: Readonly<Record<string, () => Cell>> = {
  "what a matrix multiplies": () =>
    defineCell({
      ...{ name: "elman", gates: { a: tanh }, state: ["h"] },
      step: ({ a }, previous) => ({ h: a, m: previous.h }),
    }),
  "what matrices and equations read, beside a product of something else": () =>
    defineCell({
      ...{
        name: "reset",
        gates: { r: sigmoid, z: sigmoid, n: gateOf(tanh, ({ gates, previous }) => mul(gates.r!, previous.h!)) },
      },
      state: ["h"],
      step: ({ z, n }, previous) => ({ h: add(mul(z, previous.h), mul(sub(1, z), n)), m: previous.h }),
    }),
  "a projected state": () =>
    defineCell({
      ...{ name: "projected", gates: { i: sigmoid, g: tanh }, projections: ["hr"] },
      state: { h: "projection", c: "hidden" },
      step({ i, g }, previous, { project }) {
        const c = add(mul(0.5, previous.c), mul(i, g));
        return { h: project.hr(tanh(c)), c, m: previous.h };
      },
    }),
};

const [T, B, D, H] = [5, 3, 4, 7];
const lengths = [5, 3, 1];
const numbers = (n: number, of: string): number[] => Array.from(new RandomStream(3, of).normal(n));

describeOnMachines("the gradient of a raw previous state", (on) => {
  test.each(Object.entries(cells))("%s", async (_, make) => {
    const cell = make();
    const width = cell.projections.length > 0 ? 3 : H;
    const model = recurrent({ cell, inputSize: D, hiddenSize: H, ...(width < H && { projectionSize: width }) });
    using parameters = await createParameters({ machine: on.machine, layout: layoutParameters(model), seed: 2 });
    const input = { data: numbers(T * B * D, "x"), batchSize: B, lengths };
    const outputGradient = numbers(T * B * width, "d");
    const { gradients, initialGradients, values } = await trace({ model, parameters }, input, {
      ...{ gradients: true, outputGradient },
    });
    const at = (of: ArrayLike<number>, t: number, b: number): number[] =>
      Array.from({ length: width }, (_, u) => of[(t * B + b) * width + u]!);
    const [h, m] = [gradients.h_l0!.data, gradients.m_l0!.data];
    for (const [b, length] of lengths.entries()) {
      expect(difference(at(m, 0, b), at(initialGradients.h!, 0, b))).toBeLessThanOrEqual(on.gradients);
      for (let t = 1; t < length; t++) {
        const expected = at(m, t, b).map((back, u) => back + at(outputGradient, t - 1, b)[u]!);
        expect(difference(at(h, t - 1, b), expected), `step ${t}`).toBeLessThanOrEqual(on.gradients);
        expect(at(values.m_l0!.data, t, b)).toEqual(at(values.h_l0!.data, t - 1, b));
      }
    }
  });
});

test.each(Object.entries(cells))("both machines, two layers there and back: %s", async (_, make) => {
  const cell = make();
  const traces = [];
  for (const name of ["reference", "wasm"] as const) {
    using machine = await openMachine(name);
    const projectionSize = cell.projections.length > 0 ? 3 : 0;
    const width = projectionSize || H;
    const model = recurrent({
      ...{ cell, inputSize: D, hiddenSize: H, projectionSize, numLayers: 2, bidirectional: true },
    });
    using parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 2 });
    const input = { data: numbers(T * B * D, "x"), batchSize: B, lengths };
    const outputGradient = numbers(T * B * 2 * width, "d");
    traces.push(await trace({ model, parameters }, input, { gradients: true, outputGradient }));
  }
  const [expected, came] = traces;
  const keys = Object.keys(expected!.gradients).filter((key) => key.startsWith("m_"));
  expect(keys).toHaveLength(4);
  for (const key of Object.keys(expected!.gradients))
    expect(difference(came!.gradients[key]!.data, expected!.gradients[key]!.data), key).toBeLessThanOrEqual(1e-5);
});
