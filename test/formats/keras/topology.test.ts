import { expect, test } from "vitest";
import { Config } from "../../../src/formats/keras/config.ts";
import { kerasFamily } from "../../../src/formats/keras/family.ts";
import { readTopology } from "../../../src/formats/keras/topology.ts";
import type { NamedTensor } from "../../../src/tensor/parameter-store.ts";
import { arraysBy } from "./arrays.ts";

type Json = Record<string, unknown>;
const zeros = (...shape: number[]): NamedTensor => ({
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
});
const layer = (class_name: string, config: Json, more: Json = {}) => ({
  class_name,
  config: { name: class_name, ...config },
  ...more,
});
const sequential = (layers: unknown[], more: Json = {}) => ({
  class_name: "Sequential",
  config: { name: "m", layers, ...more },
});

/** Every layer has all of the arrays. */
function read(entry: unknown, shapes: readonly number[][] = [], version = "3.3.3") {
  const arrays = { of: () => shapes.map((shape) => zeros(...shape)), inside: () => arrays };
  return readTopology(Config.parse(JSON.stringify(entry), "config"), { family: kerasFamily(version), arrays });
}

const dense = layer("Dense", { units: 1, use_bias: false });
const rnn = layer("SimpleRNN", { units: 1, use_bias: false });
const kernels = [
  [3, 1],
  [1, 1],
];
const both = layer("Bidirectional", { layer: rnn });

test.each<[string, unknown, number[][], (number | null)[]]>([
  [
    "its own shape",
    sequential([layer("Dense", { units: 1, use_bias: false, batch_input_shape: [null, 2, 3] })]),
    [[3, 1]],
    [2, 3],
  ],
  ["the shape it was built with", sequential([dense], { build_input_shape: [null, 3] }), [[3, 1]], [3]],
  ["that of a layer of input", sequential([layer("InputLayer", { shape: [3] }), dense]), [[3, 1]], [3]],
  ["tokens", sequential([layer("Embedding", { input_dim: 2, output_dim: 1 })]), [[2, 1]], [null]],
  ["what its recurrent layer reads", sequential([rnn]), kernels, [null, 3]],
  ["what both directions read", sequential([both]), [...kernels, ...kernels], [null, 3]],
  ["of a model inside it", sequential([sequential([rnn])]), kernels, [null, 3]],
  ["a list of layers, as Keras wrote before 2.2.3", { class_name: "Sequential", config: [rnn] }, kernels, [null, 3]],
])("the input of a Sequential model is %s", (_, entry, shapes, shape) => {
  expect(read(entry, shapes).model.inputs.map((input) => input.shape)).toEqual([shape]);
});

test.each<[string, unknown, number[][], string]>([
  [
    "no shape to be found",
    sequential([dense]),
    [[3, 1]],
    'layer "Dense": the model does not say what shape its input has',
  ],
  ["an input without a shape", sequential([layer("InputLayer", {}), dense]), [[3, 1]], "the input has no shape"],
  ...[0, -1, 0.5, "a"].map((n): [string, unknown, number[][], string] => [
    `an axis of ${n}`,
    sequential([layer("InputLayer", { batch_shape: [null, n] }), dense]),
    [[3, 1]],
    "batch_shape: expected sizes or null",
  ]),
  [
    "more arrays than a layer has",
    sequential([rnn]),
    [...kernels, [1]],
    "3 arrays for this layer, 1 more than it needs",
  ],
  ["two layers of one name", sequential([rnn, rnn]), kernels, 'two layers are called "SimpleRNN"'],
  ["a model of another class", { class_name: "Mine", config: {} }, [], "Sequential and functional models are read"],
])("%s: refused", (_, entry, shapes, message) => {
  expect(() => read(entry, shapes)).toThrow(message);
});

test("what a model inside says of conventions is said of the whole", () => {
  const lstm = layer("LSTM", { units: 1, use_bias: false, batch_input_shape: [null, 2, 3] });
  const { conventions } = read(
    sequential([sequential([lstm])]),
    [
      [3, 4],
      [1, 4],
    ],
    "2.2.4",
  );
  expect(conventions.join()).toContain("Keras 2.2.4 means hard_sigmoid");
});

test("a wrapper takes what walks over steps for each sequence, and everything else as it is", () => {
  const wrapped = (inner: unknown, shapes: number[][]) => {
    const entry = layer("TimeDistributed", { layer: inner, batch_input_shape: [null, 2, 4, 3] });
    return [...read(sequential([entry]), shapes).model.layers.values()].map(({ kind }) => kind);
  };
  expect(wrapped(dense, [[3, 1]])).toEqual(["time-distributed"]);
  expect(wrapped(rnn, kernels)).toEqual(["fold-steps", "recurrent", "unfold-steps"]);
  expect(wrapped(both, [...kernels, ...kernels])).toEqual(["fold-steps", "bidirectional", "unfold-steps"]);
  const tokens = layer("Embedding", { input_dim: 2, output_dim: 1 });
  expect(wrapped(tokens, [[2, 1]])).toEqual(["fold-steps", "embedding", "unfold-steps"]);
});

test("the inputs of a functional model have the order that it says", () => {
  const input = (name: string, n: number) =>
    layer("InputLayer", { name, batch_input_shape: [null, n] }, { name, inbound_nodes: [] });
  const add = layer(
    "Concatenate",
    { name: "c" },
    {
      name: "c",
      inbound_nodes: [
        [
          ["b", 0, 0, {}],
          ["a", 0, 0, {}],
        ],
      ],
    },
  );
  const model = (inputs: string[]) => ({
    class_name: "Functional",
    config: {
      ...{ name: "m", layers: [input("a", 1), input("b", 2), add] },
      ...{ input_layers: inputs.map((name) => [name, 0, 0]), output_layers: [["c", 0, 0]] },
    },
  });
  expect(read(model(["b", "a"]), [], "2.15.0").model.inputs.map(({ shape }) => shape)).toEqual([[2], [1]]);
  expect(() => read(model(["c"]), [], "2.15.0")).toThrow('the input "c" is no input layer');
});

const tensor = (name: string) => ({ class_name: "__keras_tensor__", config: { keras_history: [name, 0, 0] } });
const called = (entry: { config: Json }, name: string, args: unknown[], kwargs: Json = {}) => ({
  ...{ ...entry, config: { ...entry.config, name } },
  ...{ name, inbound_nodes: [{ args, kwargs }] },
});

test("outputs in a dictionary are called by its keys and counted in their order, inside another model too", () => {
  const input = (name: string) => layer("InputLayer", { name, batch_shape: [null, 2] }, { name, inbound_nodes: [] });
  const functional = (name: string, layers: unknown[], output_layers: unknown) => ({
    class_name: "Functional",
    config: { name, layers, input_layers: [["x", 0, 0]], output_layers },
  });
  const names = ["one", "two", "three"];
  const layers = names.map((name) => called(layer("Activation", { activation: "tanh" }), name, [tensor("x")]));
  const outputs = {
    b: ["one", 0, 0],
    a: [
      ["two", 0, 0],
      ["three", 0, 0],
    ],
  };
  const inner = functional("m", [input("x"), ...layers], outputs);
  const { model } = read(inner);
  expect(model.outputs).toEqual([
    { name: "a/0", value: "two" },
    { name: "a/1", value: "three" },
    { name: "b", value: "one" },
  ]);
  // As Keras 3.15 writes a model that gives out `b` and the first of `a`.
  const around = functional(
    "outer",
    [input("x"), called(inner, "m", [tensor("x")])],
    [
      ["m", 1, 2],
      ["m", 1, 0],
    ],
  );
  const outer = read(around).model;
  expect(outer.outputs.map(({ value }) => outer.nodes.find((node) => node.outputs.includes(value))!.layer)).toEqual([
    "m/one",
    "m/two",
  ]);
});

test("outputs that are one value have names of their own", () => {
  const layers = [
    layer("InputLayer", { name: "x", batch_shape: [null, 2] }, { name: "x", inbound_nodes: [] }),
    called(layer("Activation", { activation: "tanh" }), "a", [tensor("x")]),
    called(layer("Activation", { activation: "tanh" }), "a_1", [tensor("x")]),
  ];
  const outputs = (output_layers: unknown) =>
    read({ class_name: "Functional", config: { layers, input_layers: ["x", 0, 0], output_layers } }).model.outputs;
  const [a, b] = [
    ["a", 0, 0],
    ["a_1", 0, 0],
  ];
  expect(outputs([a, a])).toEqual([
    { name: "a", value: "a" },
    { name: "a_1", value: "a" },
  ]);
  // A layer that is called so keeps its name.
  expect(outputs([a, a, b, b])).toEqual([
    { name: "a", value: "a" },
    { name: "a_2", value: "a" },
    { name: "a_1", value: "a_1" },
    { name: "a_1_1", value: "a_1" },
  ]);
  expect(outputs({ "c/0": a, c: [a, b] }).map(({ name }) => name)).toEqual(["c/0", "c/1", "c/0_1"]);
});

test("operators join values of as many axes; a layer of the same name may widen one of them", () => {
  const model = (module: string | undefined, name: string, args: unknown[]) =>
    read({
      class_name: "Functional",
      config: {
        layers: [
          layer("InputLayer", { name: "x", batch_shape: [null, 4, 2] }, { name: "x", inbound_nodes: [] }),
          called(layer("Flatten", {}), "flat", [tensor("x")]),
          called(layer("RepeatVector", { n: 4 }), "long", [tensor("flat")]),
          called(layer("GlobalMaxPooling1D", {}), "short", [tensor("x")]),
          called({ ...layer(name, {}), ...(module && { module }) } as { config: Json }, "join", args),
        ],
        ...{ input_layers: ["x", 0, 0], output_layers: ["join", 0, 0] },
      },
    }).model;
  const [x, short] = [tensor("x"), tensor("short")];
  for (const name of ["Add", "Subtract", "Multiply", "Maximum", "Minimum"])
    for (const module of ["keras.src.ops.numpy", "keras.ops"]) {
      expect(model(module, name, [x, x]).nodes).toEqual(model("keras.layers", name, [x, x]).nodes);
      expect(() => model(module, name, [x, short])).toThrow(
        new RegExp(`layer "join": an operator between values of 3 and 2 axes, .*keras\\.layers\\.${name}$`),
      );
    }
  for (const module of ["keras.layers", undefined]) expect(model(module, "Multiply", [x, short]).nodes).toHaveLength(2);
  expect(() => model("keras.src.ops.numpy", "Average", [x])).toThrow("keras.ops.average, which is another function");
});

const sequences = layer("LSTM", { name: "inner", units: 2, use_bias: false, return_sequences: true });
const two = [
  [2, 8],
  [2, 8],
];
test.each<[string, Json, number[][]]>([
  ["Dense", { units: 2, use_bias: false }, [[2, 2]]],
  ["Activation", { activation: "tanh" }, []],
  ["Dropout", { rate: 0.5 }, []],
  ["Identity", {}, []],
  ["LayerNormalization", {}, [[2], [2]]],
  ["BatchNormalization", {}, [[2], [2], [2], [2]]],
  ["TimeDistributed", { layer: layer("Dense", { units: 2, use_bias: false }) }, [[2, 2]]],
  ["LSTM", sequences.config, two],
  ["Bidirectional", { layer: sequences, merge_mode: "sum" }, [...two, ...two]],
])(
  "behind %s the mask that Keras 3 names is the one that the sequence carries, so that it can be written again",
  (kind, own, shapes) => {
    const layers = [
      layer("InputLayer", { name: "x", batch_shape: [null, 4, 2] }, { name: "x", inbound_nodes: [] }),
      called(layer("Masking", {}), "masking", [tensor("x")]),
      called(layer("NotEqual", {}), "compared", [tensor("x"), 0]),
      called(layer("Any", {}), "any", [tensor("compared")]),
      called(layer(kind, own), "between", [tensor("masking")]),
      called(rnn, "last", [tensor("between")], { mask: tensor("any") }),
    ];
    const entry = {
      class_name: "Functional",
      config: { layers, input_layers: ["x", 0, 0], output_layers: ["last", 0, 0] },
    };
    const arrays: Record<string, number[][]> = {
      between: shapes,
      last: [
        [2, 1],
        [1, 1],
      ],
    };
    const { model } = readTopology(Config.parse(JSON.stringify(entry), "config"), {
      family: kerasFamily("3.3.3"),
      arrays: arraysBy(({ name }) => (arrays[name] ?? []).map((shape) => zeros(...shape))),
    });
    expect(model.nodes.map(({ name, mask }) => [name, mask])).toEqual(
      ["masking", "between", "last"].map((name) => [name, undefined]),
    );
  },
);
