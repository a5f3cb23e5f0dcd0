import { expect, test } from "vitest";
import type { CanonicalModel, CanonicalNode, LayerSpec } from "../../../src/formats/canonical.ts";
import {
  countedFromZero,
  forEachStep,
  modelOf,
  nodesOfCall,
  type OwnCall,
} from "../../../src/formats/keras/inner-model.ts";

const ref = (layer: string, call = 0) => ({ layer, call, output: 0 });
const identity: LayerSpec = { kind: "identity" };
const single = modelOf({ spec: identity, weights: {} });
const withNodes = (nodes: CanonicalNode[], outputs: string[]): CanonicalModel => ({
  ...single,
  nodes,
  outputs: outputs.map((value) => ({ name: value, value })),
});
const node = (name: string, input: string, mask?: string | null): CanonicalNode => ({
  ...{ name, layer: name, inputs: [input], outputs: [name] },
  ...(mask !== undefined && { mask }),
});

test("a call of a model is its nodes under its name, masks too", () => {
  const inner = withNodes([node("a", "input"), node("b", "a", "a"), node("c", "b", null)], ["c"]);
  expect(nodesOfCall("m", inner, [ref("x")], 1)).toEqual([
    { name: "m/1/a", layer: "m/a", inputs: ["x"], outputs: ["m/1/a"] },
    { name: "m/1/b", layer: "m/b", inputs: ["m/1/a"], outputs: ["m/1/b"], mask: "m/1/a" },
    { name: "m/1/c", layer: "m/c", inputs: ["m/1/b"], outputs: ["m/1"], mask: null },
  ]);
  expect(() => nodesOfCall("m", inner, [ref("x"), ref("y")], 0)).toThrow("a model of 1 inputs is called with 2");
  for (const outputs of [["a", "a"], ["input"]])
    expect(() => nodesOfCall("m", withNodes([node("a", "input")], outputs), [ref("x")], 0)).toThrow(
      "gives out one value twice, or its own input",
    );
});

/** How often the model "m" is called, which of its calls a layer behind it reads, which are given out; and what is made of the numbers. */
test.each<[OwnCall | undefined, number, number[], number[], number[], number[]]>([
  [undefined, 1, [1], [], [1], []],
  ["never", 1, [1], [], [1], []],
  ["maybe", 1, [1], [], [0], []],
  ["maybe", 2, [1], [2], [0], [1]],
  ["maybe", 2, [0], [1], [0], [1]],
  ["in outputs", 2, [0], [2], [0], [1]],
  ["in outputs", 2, [], [1, 2], [], [0, 1]],
  ["in outputs", 2, [0], [1], [0], [1]],
  ["in outputs", 2, [1], [0], [1], [0]],
  ["in outputs", 2, [1, 0], [0], [1, 0], [0]],
])("calls counted %s, %i of them: %j and %j", (counting, count, inside, given, insideNow, givenNow) => {
  const m = {
    name: "m",
    calls: Array.from({ length: count }, () => ({ inputs: [ref("x")] })),
    ...(counting && { counting }),
  };
  const behind = { name: "d", calls: [{ inputs: inside.map((call) => ref("m", call)) }] };
  const counted = countedFromZero(
    [m, behind],
    given.map((call) => ref("m", call)),
  );
  expect(counted.parts[1]!.calls[0]!.inputs.map(({ call }) => call)).toEqual(insideNow);
  expect(counted.outputs.map(({ call }) => call)).toEqual(givenNow);
  expect(counted.parts[0]!.calls[0]!.inputs).toEqual([ref("x")]);
});

test("a model for each step folds the steps and unfolds them again", () => {
  const shaped = (shape: (number | null)[]) => ({ ...single, inputs: [{ ...single.inputs[0]!, shape }] });
  const made = forEachStep("here", shaped([3]));
  expect(made.inputs).toEqual([{ name: "steps", shape: [null, 3], type: "float" }]);
  expect(made.nodes.map(({ name, inputs, outputs }) => [name, inputs, outputs])).toEqual([
    ["fold", ["steps"], ["input"]],
    ["layer", ["input"], ["layer"]],
    ["unfold", ["layer", "steps"], ["unfold"]],
  ]);
  expect(made.outputs).toEqual([{ name: "unfold", value: "unfold" }]);
  expect(forEachStep("here", shaped([])).inputs[0]!.shape).toEqual([]);
  for (const model of [
    { ...single, inputs: [] },
    { ...single, outputs: [] },
    { ...single, inputs: [...single.inputs, ...single.inputs] },
    { ...single, outputs: [...single.outputs, ...single.outputs] },
  ])
    expect(() => forEachStep("here", model)).toThrow("here: a model with several inputs or outputs for each step");
  for (const name of ["steps", "fold", "unfold"])
    expect(() => forEachStep("here", withNodes([node(name, "input")], [name]))).toThrow(
      `a layer called "${name}" inside`,
    );
});

test("layers of a model for each step take each sequence for itself", () => {
  const one = {
    kind: "recurrent",
    cell: { name: "rnn" },
    inputSize: 1,
    hiddenSize: 1,
    biases: 1,
    reverse: false,
  } as const;
  const more = { outputOrder: "time", returnSequences: true, returnState: false, maskedOutput: "zero" } as const;
  const recurrent = (stateful = false) => ({ ...one, ...more, stateful });
  const both = { kind: "bidirectional", forward: recurrent(), backward: recurrent(), merge: "sum" } as const;
  const layerOf = (spec: LayerSpec) => forEachStep("here", modelOf({ spec, weights: {} })).layers.get("layer");
  expect(layerOf(identity)).toEqual(identity);
  expect(layerOf(recurrent())).toEqual({ ...recurrent(), independent: true });
  expect(layerOf(both)).toEqual({ ...both, ...{ forward: layerOf(both.forward), backward: layerOf(both.backward) } });
  expect(() => layerOf({ ...both, backward: recurrent(true) })).toThrow("here: a stateful layer for each step alone");
});
