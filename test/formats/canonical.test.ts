import { expect, test } from "vitest";
import { openReference } from "../../src/compute/reference/machine.ts";
import { Network } from "../../src/formats/canonical/network.ts";
import type { CanonicalModel, LayerSpec, RecurrentSpec } from "../../src/formats/canonical.ts";
import { openNetwork } from "../../src/formats/open-network.ts";
import { Graph } from "../../src/tensor/graph.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { describeOnMachines } from "../support/machines.ts";

const filled = (shape: readonly number[], value: number) => ({
  shape,
  data: new Float32Array(shape.reduce((product, n) => product * n, 1)).fill(value),
});

/** A layer of masking and a recurrent layer of one unit whose state doubles at each valid step (relu of 2 h). */
function doubling(change: Partial<RecurrentSpec>): CanonicalModel {
  const spec: RecurrentSpec = {
    ...{ kind: "recurrent", cell: { name: "rnn", options: { activation: "relu" } }, inputSize: 1, hiddenSize: 1 },
    ...{ biases: 0, reverse: false, outputOrder: "time", returnSequences: true, returnState: false, stateful: false },
    ...{ maskedOutput: "previous", ...change },
  };
  return {
    name: "doubling",
    inputs: [{ name: "x", shape: [null, 1], type: "float" }],
    layers: new Map<string, LayerSpec>([
      ["masking", { kind: "masking", value: 9 }],
      ["rnn", spec],
    ]),
    nodes: [
      { name: "masking", layer: "masking", inputs: ["x"], outputs: ["masking"] },
      { name: "rnn", layer: "rnn", inputs: ["masking"], outputs: ["rnn"] },
    ],
    outputs: [{ name: "rnn", value: "rnn" }],
    weights: new Map([
      ["rnn.weight_ih_l0", filled([1, 1], 0)],
      ["rnn.weight_hh_l0", filled([1, 1], 2)],
    ]),
  };
}

describeOnMachines("a masked step, 9 in the input, with h = 0.5 before the first", (m) => {
  const x = { shape: [1, 7, 1], data: [9, 9, 9, 1, 9, 1, 9] };
  test.each<[string, Partial<RecurrentSpec>, number[]]>([
    ["zeros", { maskedOutput: "zero" }, [0, 0, 0, 1, 0, 2, 0]],
    ["the output before, as Keras", { maskedOutput: "previous" }, [0, 0, 0, 1, 1, 2, 2]],
    ["the state before, as TensorFlow.js", { maskedOutput: "previous-or-initial" }, [0.5, 0.5, 0.5, 1, 1, 2, 2]],
    ["likewise backwards", { maskedOutput: "previous-or-initial", reverse: true }, [2, 2, 2, 2, 1, 1, 0.5]],
    [
      "in the order of computation",
      { maskedOutput: "previous-or-initial", reverse: true, outputOrder: "computed" },
      [0.5, 1, 1, 2, 2, 2, 2],
    ],
  ])("gives %s", async (_, change, expected) => {
    using program = openNetwork(doubling(change), { machine: m.machine });
    const result = await program.run({ x, "rnn.h": { shape: [1, 1], data: [0.5] } });
    expect(Array.from(result.rnn!.data)).toEqual(expected);
    expect(Array.from(result["rnn.h_out"]!.data)).toEqual([2]);
  });
});

test.each<[string, (model: CanonicalModel) => CanonicalModel, RegExp]>([
  [
    "a weight of another shape",
    (m) => ({ ...m, weights: new Map([...m.weights, ["rnn.weight_ih_l0", filled([2], 0)]]) }),
    /expected shape \[1, 1\]/,
  ],
  ["a weight that is missing", (m) => ({ ...m, weights: new Map() }), /no weight "rnn\.weight_ih_l0"/],
  [
    "a weight of no layer",
    (m) => ({ ...m, weights: new Map([...m.weights, ["other.weight", filled([1], 0)]]) }),
    /no layer .* "other\.weight"/,
  ],
  [
    "a value from nowhere",
    (m) => ({ ...m, nodes: m.nodes.slice(1) }),
    /reads "masking", which nothing before it makes/,
  ],
  ["a huge layer", () => doubling({ hiddenSize: 2 ** 40 }), /expected shape/],
])("a network refuses %s", (_, change, message) => {
  expect(() => new Network(change(doubling({})))).toThrow(message);
});

test("inputs that the model does not read are refused with the nearest name", () => {
  const network = new Network(doubling({}));
  const graph = new Graph({ machine: openReference(), parameters: layoutParameters(network) });
  const x = graph.input("x", [1, 2, 1]);
  expect(() => network.forward({ x, X: x })).toThrow(/the model has no input .*"X"; did you mean "x"\?/);
  using program = openNetwork(doubling({}), { machine: openReference() });
  expect(() => program.forward(graph, { "rnn.x": x })).toThrow(/inputs: expected one of .*"rnn.h"/);
});
