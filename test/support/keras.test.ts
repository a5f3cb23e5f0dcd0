import { expect, test } from "vitest";
import { type KerasArray, type KerasCase, type KerasRecurrent, keras2Cases, keras3Cases } from "./keras.ts";
import { runKeras } from "./keras-formulas.ts";
import { describeWithReferenceData } from "./reference-data.ts";

const GATES = { SimpleRNN: 1, LSTM: 4, GRU: 3 };

function expectWhole(array: KerasArray, shape: readonly number[]): void {
  expect(array.shape).toEqual(shape);
  expect(array.data).toHaveLength(shape.reduce((product, extent) => product * extent, 1));
}

function checkWeights(layer: KerasRecurrent, inputSize: number): void {
  const width = GATES[layer.class] * layer.units;
  expectWhole(layer.kernel, [inputSize, width]);
  expectWhole(layer.recurrentKernel, [layer.units, width]);
  if (layer.bias) expectWhole(layer.bias, layer.resetAfter ? [2, width] : [width]);
}

function checkCase({ layer, calls, expected, take }: KerasCase): void {
  for (const call of calls) {
    if (call === "reset_state") continue;
    expect(call.x.shape).toHaveLength(3);
    expectWhole(call.x, call.x.shape);
    if (call.mask) expectWhole(call.mask, call.x.shape.slice(0, 2));
    expect(new Set(call.mask?.data ?? [0, 1])).toEqual(new Set([0, 1]));
    const layers = layer.class === "Bidirectional" ? [layer.forward, layer.backward] : [layer];
    for (const one of layers) checkWeights(one, call.x.shape[2]!);
    for (const state of call.initialState ?? []) expectWhole(state, [call.x.shape[0]!, layers[0]!.units]);
  }
  expectWhole(expected, expected.shape);
  if (take.kind === "output") expect(expected.shape[0]).toBe((calls[0] as { x: KerasArray }).x.shape[0]);
}

function expectNear(came: readonly number[], { expected, atol, rtol }: KerasCase): void {
  expect(came).toHaveLength(expected.data.length);
  came.forEach((value, i) => {
    const want = expected.data[i]!;
    expect(Math.abs(value - want), `element ${i}`).toBeLessThanOrEqual(atol + rtol * Math.abs(want));
  });
}

describeWithReferenceData("Keras 3", "keras/keras3_cases.json", (file) => {
  const cases = keras3Cases(file);

  test("all 62 cases load, whole", () => {
    expect(cases).toHaveLength(62);
    expect(new Set(cases.map(({ name }) => name)).size).toBe(62);
    cases.forEach(checkCase);
  });

  test.each(cases)("$name, by the plain formulas", (one) => {
    expectNear(runKeras(one), one);
  });

  test("defaults are spelt out", () => {
    const lstm = cases.filter(({ layer }) => layer.class === "LSTM").map(({ layer }) => layer as KerasRecurrent);
    expect(lstm[0]!.bias!.data).toEqual([0.03, 0.03, 0.03, 1, 1, 1, 0.03, 0.03, 0.03, 0.03, 0.03, 0.03]);
    expect(lstm[3]!.bias!.data).toEqual(new Array(12).fill(0.03));
    expect(lstm[4]!.bias).toBeUndefined();
    const gru = cases.filter(({ layer }) => layer.class === "GRU").map(({ layer }) => layer as KerasRecurrent);
    expect(gru.filter(({ resetAfter }) => !resetAfter)).toHaveLength(1);
    const both = cases.flatMap(({ layer }) => (layer.class === "Bidirectional" ? [layer] : []));
    expect(both.length).toBeGreaterThan(8);
    for (const { forward, backward } of both) expect(backward.goBackwards).toBe(!forward.goBackwards);
    expect(cases.filter(({ calls }) => calls.includes("reset_state")).length).toBeGreaterThan(3);
    expect(new Set(cases.map(({ take }) => take.kind))).toEqual(new Set(["output", "row", "part"]));
  });
});

describeWithReferenceData("Keras 2", "keras/keras2_cases.json", (file) => {
  const cases = keras2Cases(file);

  test.each(cases)("$name, by the plain formulas", (one) => {
    expectNear(runKeras(one), one);
  });

  test("all 27 cases load, whole", () => {
    expect(cases).toHaveLength(27);
    cases.forEach(checkCase);
    expect(cases.filter(({ calls }) => calls.length === 2)).toHaveLength(12);
  });
});
