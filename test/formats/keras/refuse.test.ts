import { expect, test } from "vitest";
import { bytesSource } from "../../../src/formats/byte-source.ts";
import type { CanonicalModel, LayerSpec, RecurrentSpec } from "../../../src/formats/canonical.ts";
import { openHdf5 } from "../../../src/formats/hdf5/read.ts";
import { Config } from "../../../src/formats/keras/config.ts";
import { kerasFamily } from "../../../src/formats/keras/family.ts";
import { readTopology } from "../../../src/formats/keras/topology.ts";
import { writeKeras, writeKerasH5 } from "../../../src/formats/keras/write.ts";
import { writeTensorFlowJs } from "../../../src/formats/tfjs/write.ts";
import { arraysBy } from "./arrays.ts";

const zeros = (shape: readonly number[]) => ({
  shape,
  data: new Float32Array(shape.reduce((product, n) => product * n, 1)),
});

/** One recurrent layer of 2 inputs and 3 units, with or without a layer of masking before it. */
function modelOf(change: Partial<RecurrentSpec>, mask = false): CanonicalModel {
  const spec: RecurrentSpec = {
    ...{ kind: "recurrent", cell: { name: "lstm" }, inputSize: 2, hiddenSize: 3, biases: 1, reverse: false },
    ...{
      outputOrder: "computed",
      returnSequences: true,
      returnState: false,
      stateful: false,
      maskedOutput: "previous",
    },
    ...change,
  };
  const G = { rnn: 1, lstm: 4, gru: 3 }[spec.cell.name as "lstm"];
  const nodes = ["rnn"].map((name) => ({ name, layer: name, inputs: [mask ? "masking" : "input"], outputs: [name] }));
  const masking = { name: "masking", layer: "masking", inputs: ["input"], outputs: ["masking"] };
  return {
    name: "model",
    inputs: [{ name: "input", shape: [null, 2], type: "float" }],
    layers: new Map<string, LayerSpec>(
      mask
        ? [
            ["masking", { kind: "masking", value: 0 }],
            ["rnn", spec],
          ]
        : [["rnn", spec]],
    ),
    nodes: [...(mask ? [masking] : []), ...nodes],
    outputs: [{ name: "rnn", value: "rnn" }],
    weights: new Map([
      ["rnn.weight_ih_l0", zeros([3 * G, 2])],
      ["rnn.weight_hh_l0", zeros([3 * G, 3])],
      ["rnn.bias_ih_l0", zeros([3 * G])],
      ...(spec.biases === 2 ? [["rnn.bias_hh_l0", zeros([3 * G])] as const] : []),
    ]),
  };
}

/** The same with initial states that are inputs, and with the mask asked for. */
function withStates(mask?: string | null): CanonicalModel {
  const model = modelOf({}, true);
  const [masking, rnn] = model.nodes;
  const states = ["h", "c"].map((name) => ({ name, shape: [3], type: "float" as const }));
  return {
    ...model,
    inputs: [...model.inputs, ...states],
    nodes: [masking!, { ...rnn!, inputs: ["masking", "h", "c"], ...(mask !== undefined && { mask }) }],
  };
}

// What would change the function is refused, never approximated (docs/semantics.md §8).
test.each<[string, () => unknown, RegExp]>([
  [
    "a GRU that resets after the product, for TensorFlow.js",
    () => writeTensorFlowJs(modelOf({ cell: { name: "gru" }, biases: 2 })),
    /resets after the product/,
  ],
  [
    "Keras 3's hard sigmoid for TensorFlow.js",
    () => writeTensorFlowJs(modelOf({ cell: { name: "lstm", options: { gate: { name: "hardSigmoid" } } } })),
    /slope 1\/6, .* only that of 0\.2:/,
  ],
  [
    "TensorFlow.js' hard sigmoid for Keras 3",
    () => writeKeras(modelOf({ cell: { name: "lstm", options: { gate: { name: "hardSigmoid", alpha: 0.2 } } } })),
    /slope 0\.2, .* only that of 1\/6:/,
  ],
  ["peepholes", () => writeKeras(modelOf({ cell: { name: "lstm", options: { peephole: true } } })), /no peephole/],
  [
    "a bound on the gates",
    () => writeKerasH5(modelOf({ cell: { name: "gru", options: { clip: 3, resetAfter: false } } })),
    /no clip/,
  ],
  ["a projection", () => writeKeras(modelOf({ projectionSize: 2 })), /no projection/],
  [
    "two activations in one LSTM",
    () => writeKeras(modelOf({ cell: { name: "lstm", options: { output: { name: "relu" } } } })),
    /one activation/,
  ],
  [
    "zeros at masked steps, for TensorFlow.js",
    () => writeTensorFlowJs(modelOf({ maskedOutput: "zero" }, true)),
    /zeros at masked steps/,
  ],
  [
    "reversed steps in the order of time",
    () => writeKeras(modelOf({ reverse: true, outputOrder: "time" })),
    /order of their computation/,
  ],
  ["masked steps with given states, for Keras 3", () => writeKeras(withStates()), /does not skip masked steps/],
  [
    "no masked steps with given states, for Keras 2",
    () => writeKerasH5(withStates(null)),
    /the mask that its sequence/,
  ],
  ["the mask of another sequence", () => writeKeras(withStates("masking")), /does not skip masked steps/],
  [
    "the state before the first step that counts",
    () => writeKeras(modelOf({ stateful: true, maskedOutput: "previous-or-initial" }, true), { batchSize: 2 }),
    /before the first step that counts/,
  ],
  [
    "a model without layers",
    () => writeKeras({ ...modelOf({}), layers: new Map(), nodes: [], outputs: [{ name: "y", value: "input" }] }),
    /a model without layers/,
  ],
  ["a state carried over batches of any size", () => writeKeras(modelOf({ stateful: true })), /batchSize/],
])("writing refuses %s", (_, write, message) => {
  expect(write).toThrow(message);
});

test("what makes no difference is written: zeros at masked steps where nothing masks", () => {
  expect(writeTensorFlowJs(modelOf({ maskedOutput: "zero" })).size).toBe(2);
  expect(writeKeras(modelOf({ stateful: true }), { batchSize: 4 }).length).toBeGreaterThan(0);
  expect(writeKeras(modelOf({ stateful: true, maskedOutput: "zero" }, true), { batchSize: 4 }).length).toBeGreaterThan(
    0,
  );
  expect(writeKeras(modelOf({ maskedOutput: "previous-or-initial" }, true)).length).toBeGreaterThan(0);
});

test("each family's own rule for the mask of a layer with given states is written", () => {
  expect(writeKeras(withStates(null)).length).toBeGreaterThan(0);
  expect(writeKerasH5(withStates()).length).toBeGreaterThan(0);
});

const sequential = (entry: unknown): Config =>
  Config.parse(JSON.stringify({ class_name: "Sequential", config: { name: "s", layers: [entry] } }), "config");
const gru = (config: object) => ({
  class_name: "GRU",
  config: { name: "gru", units: 1, batch_input_shape: [null, 2, 1], ...config },
});
const read = (entry: unknown, shapes: readonly number[][], version = "2.3.0-tf") =>
  readTopology(sequential(entry), { family: kerasFamily(version), arrays: arraysBy(() => shapes.map(zeros)) });

test("where the reset gate acts is seen in the bias, not taken from defaults", () => {
  const kernels = [
    [1, 3],
    [1, 3],
  ];
  const options = (shapes: number[][], config: object = {}) => {
    const { model } = read(gru(config), shapes);
    return (model.layers.get("gru") as RecurrentSpec).cell.options;
  };
  expect(options([...kernels, [3]])).toMatchObject({ resetAfter: false });
  expect(options([...kernels, [2, 3]])).toMatchObject({ resetAfter: true });
  expect(options(kernels, { use_bias: false, reset_after: true })).toMatchObject({ resetAfter: true });
  expect(() => options(kernels, { use_bias: false })).toThrow(/does not say where its reset gate acts/);
});

test("the slope of the hard sigmoid goes with the version", () => {
  const slope = (version: string) => {
    const { model, conventions } = read(gru({ recurrent_activation: "hard_sigmoid" }), [[1, 3], [1, 3], [3]], version);
    const { options } = (model.layers.get("gru") as RecurrentSpec).cell;
    return [(options!.gate as { alpha: number }).alpha, conventions.join()] as const;
  };
  expect(slope("2.15.0")).toEqual([0.2, expect.stringContaining("0.2 x")]);
  expect(slope("3.3.3")).toEqual([1 / 6, expect.stringContaining("x / 6")]);
});

test.each([
  ["a class of its own module", { class_name: "LSTM", module: "evil.layers", config: {} }, /not Keras' own/],
  [
    "a registered class",
    { class_name: "LSTM", module: "keras.layers", registered_name: "Custom>LSTM", config: {} },
    /not Keras' own/,
  ],
  ["a function as activation", gru({ activation: { module: "os", class_name: "function", config: "system" } }), /os/],
  [
    "a model in two wrappers",
    {
      class_name: "TimeDistributed",
      config: {
        name: "t",
        layer: {
          class_name: "TimeDistributed",
          config: { layer: { class_name: "Sequential", config: { name: "inner", layers: [] } } },
        },
      },
    },
    /model inside a wrapper/,
  ],
])("reading refuses %s", (_, entry, message) => {
  expect(() => read(entry, [[1, 3], [1, 3], [3]])).toThrow(message);
});

test("an .h5 file says in the form that Keras 3 reads, too, what its input is and what is inside a layer", async () => {
  const both = modelOf({ returnSequences: false });
  const spec = both.layers.get("rnn") as RecurrentSpec;
  const layers = new Map<string, LayerSpec>([
    ["rnn", { kind: "bidirectional", forward: spec, backward: { ...spec, reverse: true }, merge: "concat" }],
  ]);
  const weights = new Map(
    [...both.weights].flatMap(([name, w]) => [[name, w] as const, [`${name}_reverse`, w] as const]),
  );
  const file = await openHdf5(bytesSource(writeKerasH5({ ...both, layers, weights })));
  const { config } = JSON.parse((await file.textAttribute("model_config"))!);
  const [input, layer] = config.layers;
  expect(input).toMatchObject({ class_name: "InputLayer", config: { batch_input_shape: [null, null, 2] } });
  expect(layer.config).not.toHaveProperty("batch_input_shape");
  expect(layer.config.layer).toMatchObject({ module: "keras.layers", class_name: "LSTM" });
});
