import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { CanonicalModel, LayerSpec, RecurrentSpec } from "../../../src/formats/canonical.ts";
import { kerasFamily } from "../../../src/formats/keras/family.ts";
import { writeLayer } from "../../../src/formats/keras/write-layer.ts";
import { writeTopology } from "../../../src/formats/keras/write-topology.ts";
import { openNetwork } from "../../../src/formats/open-network.ts";
import type { NamedActivation } from "../../../src/math/activations.ts";
import { difference } from "../../support/difference.ts";
import { describeOnMachines } from "../../support/machines.ts";

/*
 * What Keras reads: `written.json` has the configuration of a model that was written here and loaded by Keras 3.15.1, and what Keras gave
 * for it (`test/golden/keras/load.py`). Whatever changes in it has to be loaded by Keras anew.
 */
const numbers = (...shape: number[]) => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => ((k * 7) % 11) / 11 - 0.5),
});
const lstm: RecurrentSpec = {
  ...{ kind: "recurrent", inputSize: 2, hiddenSize: 2, biases: 1, reverse: false, dropout: 0.25 },
  cell: { name: "lstm", options: { gate: { name: "hardSigmoid" }, recurrentDropout: 0.5 } },
  ...{ outputOrder: "time", returnSequences: true, returnState: true, stateful: false, maskedOutput: "previous" },
};
const decoder: RecurrentSpec = { ...lstm, cell: { name: "lstm" }, returnState: false, maskedOutput: "zero" };
const golden = JSON.parse(readFileSync(new URL("../../golden/keras/written.json", import.meta.url), "utf8"));

/** Every way in which layers are called: twice, of several inputs, with initial states; names that Keras does not take. */
const model: CanonicalModel = {
  name: "two words",
  inputs: [
    { name: "x", shape: [null, 2], type: "float" },
    { name: "tokens", shape: [null], type: "int" },
  ],
  layers: new Map<string, LayerSpec>([
    ["an embedding", { kind: "embedding", vocabularySize: 3, embeddingSize: 2, maskZero: false }],
    ["an_embedding", { kind: "dense", inputSize: 2, outputSize: 2, bias: true, activation: { name: "tanh" } }],
    ["lstm", lstm],
    ["decoder", decoder],
    ["sum", { kind: "combine", by: "add" }],
    ["joined", { kind: "concatenate", axis: -1 }],
  ]),
  nodes: [
    { name: "e", layer: "an embedding", inputs: ["tokens"], outputs: ["e"] },
    { name: "a", layer: "an_embedding", inputs: ["x"], outputs: ["a"] },
    { name: "b", layer: "an_embedding", inputs: ["e"], outputs: ["b"] },
    { name: "lstm", layer: "lstm", inputs: ["a"], outputs: ["y", "h", "c"] },
    { name: "decoder", layer: "decoder", inputs: ["b", "h", "c"], outputs: ["d"] },
    { name: "sum", layer: "sum", inputs: ["d", "e"], outputs: ["s"] },
    { name: "joined", layer: "joined", inputs: ["s", "d"], outputs: ["j"] },
  ],
  outputs: [
    { name: "j", value: "j" },
    { name: "c", value: "c" },
  ],
  weights: new Map([
    ["an embedding.weight", numbers(3, 2)],
    ["an_embedding.weight", numbers(2, 2)],
    ["an_embedding.bias", numbers(2)],
    ...["lstm", "decoder"].flatMap((name) => [
      [`${name}.weight_ih_l0`, numbers(8, 2)] as const,
      [`${name}.weight_hh_l0`, numbers(8, 2)] as const,
      [`${name}.bias_ih_l0`, numbers(8)] as const,
    ]),
  ]),
};

test("the configuration is the one that Keras loads", () => {
  expect(writeTopology(model, kerasFamily("3.3.3")).config).toEqual(golden.config);
});

test("Keras 2 is told of calls by lists, with the states behind the sequence", () => {
  const layers = new Map([...model.layers, ["lstm", { ...lstm, cell: { name: "lstm" } }] as const]);
  const { config } = writeTopology({ ...model, layers }, kerasFamily("2.15.0")).config as unknown as {
    config: { layers: { name: string; inbound_nodes: unknown }[] };
  };
  expect(config.layers.find(({ name }) => name === "decoder")!.inbound_nodes).toEqual([
    [
      ["an_embedding_1", 1, 0, {}],
      ["lstm", 0, 1, {}],
      ["lstm", 0, 2, {}],
    ],
  ]);
});

test("what has no letter that Keras takes is called by what it is", () => {
  const { config, layers } = writeTopology(
    {
      ...{ name: "", inputs: [{ name: "x", shape: [3], type: "float" }], outputs: [{ name: "y", value: "y" }] },
      layers: new Map<string, LayerSpec>([["词", { kind: "identity" }]]),
      ...{ nodes: [{ name: "词", layer: "词", inputs: ["x"], outputs: ["y"] }], weights: new Map() },
    },
    kerasFamily("3.3.3"),
  );
  expect(config).toMatchObject({ config: { name: "model" } });
  expect(layers).toMatchObject([{ name: "layer", className: "Activation", config: { activation: "linear" } }]);
});

describeOnMachines("a model that was written", (m) => {
  test("is the function that Keras loads", async () => {
    using program = openNetwork(model, { machine: m.machine });
    const results = await program.run(golden.inputs);
    for (const [k, { shape, data }] of golden.outputs.entries()) {
      const came = results[model.outputs[k]!.name]!;
      expect(came.shape).toEqual(shape);
      expect(difference(came.data, data), `output ${k}`).toBeLessThan(1e-5);
    }
  });
});

const written = (activation: NamedActivation, version: string) =>
  writeLayer(
    { kind: "activation", activation },
    { name: "a", family: kerasFamily(version), masks: false, givenStates: false, weight: () => undefined },
  );

test.each<[string, NamedActivation, string, Record<string, unknown>]>([
  ["3.3.3", { name: "leakyRelu", alpha: 0.5 }, "LeakyReLU", { negative_slope: 0.5 }],
  ["2.15.0", { name: "leakyRelu", alpha: 0.5 }, "LeakyReLU", { alpha: 0.5 }],
  ["3.3.3", { name: "elu", alpha: 0.5 }, "ELU", { alpha: 0.5 }],
  ["2.15.0", { name: "thresholdedRelu", alpha: 0.5 }, "ThresholdedReLU", { theta: 0.5 }],
  ["2.15.0", { name: "clamp", alpha: 0, beta: 6 }, "ReLU", { max_value: 6 }],
  ["3.3.3", { name: "clamp", alpha: -1, beta: 1 }, "Activation", { activation: "hard_tanh" }],
  ["3.3.3", { name: "relu" }, "Activation", { activation: "relu" }],
])("Keras %s has %j as a layer of its own or by name", (version, activation, className, config) => {
  expect(written(activation, version)).toEqual({ className, config, arrays: [] });
});

test("what Keras 3 left out is not written for it", () => {
  expect(() => written({ name: "thresholdedRelu", alpha: 0.5 }, "3.3.3")).toThrow(/has no name in Keras 3/);
});
