import { expect, test } from "vitest";
import { openMachine } from "../../../src/compute/open.ts";
import { bytesSource } from "../../../src/formats/byte-source.ts";
import { type Hdf5Tree, writeHdf5 } from "../../../src/formats/hdf5/write.ts";
import { readKeras } from "../../../src/formats/keras/read.ts";
import { writeKeras } from "../../../src/formats/keras/write.ts";
import { openOnnx } from "../../../src/formats/onnx/program.ts";
import { writeNetworkOnnx } from "../../../src/formats/onnx/write-network.ts";
import { openNetwork } from "../../../src/formats/open-network.ts";
import { RandomStream } from "../../../src/shared/random.ts";
import { size } from "../../../src/shared/shapes.ts";
import type { NamedTensor } from "../../../src/tensor/parameter-store.ts";
import { difference } from "../../support/difference.ts";
import { onnxRuntime } from "../../support/onnxruntime.ts";

/*
 * Models inside models, and layers of cuDNN, beside the same network written flat and with ordinary layers.
 */
const uniform = (name: string, shape: number[], seed = 1): NamedTensor => ({
  shape,
  data: Float32Array.from(new RandomStream(seed, name).uniform(size(shape)), (u) => u + 0.05),
});

/** Arrays by path as groups in groups. */
function tree(arrays: ReadonlyMap<string, NamedTensor>): Map<string, Hdf5Tree | NamedTensor> {
  const root = new Map<string, Hdf5Tree | NamedTensor>();
  for (const [path, tensor] of arrays) {
    const steps = path.split("/");
    let at = root;
    for (const step of steps.slice(0, -1)) {
      if (!at.has(step)) at.set(step, { members: new Map() });
      at = (at.get(step) as { members: Map<string, Hdf5Tree | NamedTensor> }).members;
    }
    at.set(steps.at(-1)!, tensor);
  }
  return root;
}

/** A whole model as Keras 2 saves it. */
function h5(config: object, layers: Readonly<Record<string, ReadonlyMap<string, NamedTensor>>>): Uint8Array {
  const groups = Object.entries(layers).map(([name, arrays]): [string, Hdf5Tree] => [
    name,
    { attributes: { weight_names: [...arrays.keys()] }, members: tree(arrays) },
  ]);
  const weights: Hdf5Tree = { attributes: { layer_names: Object.keys(layers) }, members: new Map(groups) };
  return writeHdf5({
    attributes: { model_config: JSON.stringify(config), keras_version: "2.3.1" },
    members: new Map([["model_weights", weights]]),
  });
}

const machine = await openMachine("reference");
async function run(file: Uint8Array, inputs: Record<string, NamedTensor>, options: { config?: string } = {}) {
  const { model } = await readKeras(bytesSource(file), options);
  using program = openNetwork(model, { machine });
  const [output] = Object.values(await program.run(inputs));
  return { model, data: output!.data };
}

const lstm = { class_name: "LSTM", config: { name: "lstm", units: 4, return_sequences: true } };
const norm = { class_name: "BatchNormalization", config: { name: "norm", axis: -1, epsilon: 1e-3 } };
const gru = { class_name: "GRU", config: { name: "gru", units: 3, reset_after: true } };
const dense = { class_name: "Dense", config: { name: "dense", units: 2, activation: "tanh" } };
const arrays = {
  lstm: [
    uniform("lstm/lstm_cell/kernel:0", [5, 16]),
    uniform("lstm/lstm_cell/recurrent_kernel:0", [4, 16]),
    uniform("lstm/lstm_cell/bias:0", [16]),
  ],
  norm: ["gamma", "beta", "moving_mean", "moving_variance"].map((name) => uniform(`norm/${name}:0`, [4])),
  gru: [uniform("kernel", [4, 9]), uniform("recurrent_kernel", [3, 9]), uniform("bias", [2, 9])],
  dense: [uniform("dense/kernel:0", [3, 2]), uniform("dense/bias:0", [2])],
};
const names = {
  lstm: ["kernel:0", "recurrent_kernel:0", "bias:0"].map((name) => `lstm/lstm_cell/${name}`),
  norm: ["gamma:0", "beta:0", "moving_mean:0", "moving_variance:0"].map((name) => `norm/${name}`),
  gru: ["kernel:0", "recurrent_kernel:0", "bias:0"].map((name) => `gru/gru_cell/${name}`),
  dense: ["dense/kernel:0", "dense/bias:0"],
};
type Layer = keyof typeof arrays;
const of = (layer: Layer, prefix = ""): [string, NamedTensor][] =>
  arrays[layer].map((tensor, k) => [prefix + names[layer][k]!, tensor]);

const sequential = (name: string, layers: object[]) => ({ class_name: "Sequential", config: { name, layers } });
const withInput = { ...lstm, config: { ...lstm.config, batch_input_shape: [null, null, 5] } };
const flat = h5(sequential("flat", [withInput, norm, gru, dense]), {
  ...Object.fromEntries((["lstm", "norm", "gru", "dense"] as const).map((layer) => [layer, new Map(of(layer))])),
});
const x = uniform("input", [2, 6, 5], 3);

test.each(["", "body/"])(
  "a Sequential model in a Sequential model, its arrays under %j, what is learned first",
  async (prefix) => {
    const body = [...of("lstm", prefix), ...of("norm", prefix).slice(0, 2), ...of("gru", prefix)];
    const all = new Map([...body, ...of("norm", prefix).slice(2)]);
    const config = sequential("outer", [sequential("body", [withInput, norm, gru]), dense]);
    const nested = await run(h5(config, { body: all, dense: new Map(of("dense")) }), { body_input: x });
    const expected = await run(flat, { lstm_input: x });
    expect(difference(nested.data, expected.data)).toBe(0);
    expect([...nested.model.layers.keys()]).toEqual(["body/lstm", "body/norm", "body/gru", "dense"]);
  },
);

// In Keras 2 the making of a model that has an input counts as its first call.
test.each([0, 1])("a model that is called twice shares its weights, its calls counted from %d", async (first) => {
  const input = (name: string) => ({
    class_name: "InputLayer",
    name,
    config: { name, batch_input_shape: [null, null, 5] },
    inbound_nodes: [],
  });
  const body = {
    ...sequential("body", [withInput, norm, gru]),
    name: "body",
    inbound_nodes: [[["a", 0, 0, {}]], [["b", 0, 0, {}]]],
  };
  const join = {
    class_name: "Subtract",
    name: "join",
    config: { name: "join" },
    inbound_nodes: [
      [
        ["body", first, 0, {}],
        ["body", first + 1, 0, {}],
      ],
    ],
  };
  const config = {
    class_name: "Model",
    config: {
      name: "twins",
      layers: [input("a"), input("b"), body, join],
      input_layers: [
        ["a", 0, 0],
        ["b", 0, 0],
      ],
      output_layers: [["join", 0, 0]],
    },
  };
  const file = h5(config, {
    a: new Map(),
    b: new Map(),
    body: new Map([...of("lstm"), ...of("norm"), ...of("gru")]),
    join: new Map(),
  });
  const y = uniform("other", [2, 6, 5], 3);
  const short = h5(sequential("short", [withInput, norm, gru]), {
    ...Object.fromEntries((["lstm", "norm", "gru"] as const).map((layer) => [layer, new Map(of(layer))])),
  });
  const [one, other] = [await run(short, { lstm_input: x }), await run(short, { lstm_input: y })];
  const { model, data } = await run(file, { a: x, b: y });
  expect(
    difference(
      data,
      Array.from(one.data, (v, k) => v - other.data[k]!),
    ),
  ).toBeLessThan(1e-12);
  expect(model.layers.size).toBe(4);
  expect(model.nodes.map(({ name }) => name)).toContain("body/1/lstm");
});

test("Keras 3's weights of a model inside another one", async () => {
  const parts = { lstm: "lstm/cell", norm: "batch_normalization", gru: "gru/cell", dense: "dense" } as const;
  const file = new Map(
    (["lstm", "norm", "gru", "dense"] as const).flatMap((layer) =>
      arrays[layer].map((tensor, k): [string, NamedTensor] => [
        `layers/${layer === "dense" ? "" : "sequential/layers/"}${parts[layer]}/vars/${k}`,
        tensor,
      ]),
    ),
  );
  const config = JSON.stringify({
    ...sequential("outer", [sequential("body", [withInput, norm, gru]), dense]),
    keras_version: "3.3.3",
  });
  const nested = await run(writeHdf5({ members: tree(file) }), { body_input: x }, { config });
  expect(difference(nested.data, (await run(flat, { lstm_input: x })).data)).toBe(0);
});

const eachStep = (layer: object, options: object = {}) => ({
  class_name: "TimeDistributed",
  config: { name: "each", layer, ...options },
});
const body = sequential("body", [withInput, norm, gru, dense]);
/** [2, 3, 6, 5]: three sequences for each example, and the same as six examples. */
const sequences = uniform("sequences", [2, 3, 6, 5], 4);
const examples = { shape: [6, 6, 5], data: sequences.data };

test("a model in TimeDistributed takes each step for an example, in files of Keras 2 and 3", async () => {
  const expected = await run(flat, { lstm_input: examples });
  const all = (["lstm", "norm", "gru", "dense"] as const).flatMap((layer) => of(layer));
  const two = h5(sequential("outer", [eachStep(body, { batch_input_shape: [null, null, 6, 5] })]), {
    each: new Map(all),
  });
  const parts = { lstm: "lstm/cell", norm: "batch_normalization", gru: "gru/cell", dense: "dense" } as const;
  const three = new Map(
    (["lstm", "norm", "gru", "dense"] as const).flatMap((layer) =>
      arrays[layer].map((tensor, k): [string, NamedTensor] => [
        `layers/time_distributed/layer/layers/${parts[layer]}/vars/${k}`,
        tensor,
      ]),
    ),
  );
  const config = JSON.stringify({ ...sequential("outer", [eachStep(body)]), keras_version: "3.3.3" });
  const files = [
    await run(two, { each_input: sequences }),
    await run(writeHdf5({ members: tree(three) }), { each_input: sequences }, { config }),
  ];
  for (const { model, data } of files) {
    expect(difference(data, expected.data)).toBe(0);
    expect(model.inputs[0]!.shape).toHaveLength(3);
  }
  const onnx = writeNetworkOnnx(files[0]!.model);
  using program = openOnnx(onnx, { machine });
  expect(program.states).toEqual([]);
  const [ours] = Object.values(await program.run({ each_input: sequences }));
  expect(ours!.shape).toEqual([2, 3, 2]);
  expect(difference(ours!.data, expected.data)).toBeLessThanOrEqual(1e-6);
  if (!onnxRuntime) return;
  const session = await onnxRuntime.InferenceSession.create(onnx, { logSeverityLevel: 3 });
  const { data, shape } = sequences;
  const given = new onnxRuntime.Tensor("float32", Float32Array.from(data), shape);
  const [theirs] = Object.values(await session.run({ each_input: given }));
  expect(difference(Array.from(theirs!.data as Float32Array), expected.data)).toBeLessThanOrEqual(1e-5);
  await session.release();
});

test("so does a recurrent layer in TimeDistributed, whose states begin with zeros and are not carried", async () => {
  const last = { class_name: "LSTM", config: { name: "lstm", units: 4 } };
  const own = (layer: object, name: string) => h5(sequential("s", [layer]), { [name]: new Map(of("lstm")) });
  const alone = own({ ...last, config: { ...last.config, batch_input_shape: [null, null, 5] } }, "lstm");
  const expected = await run(alone, { lstm_input: examples });
  const file = own(eachStep(last, { batch_input_shape: [null, null, 6, 5] }), "each");
  const { model, data } = await run(file, { each_input: sequences });
  expect(difference(data, expected.data)).toBe(0);
  using program = openNetwork(model, { machine });
  expect(program.states).toEqual([]);
  await expect(program.openSession()).rejects.toMatchObject({ code: "no-state" });
});

test("tokens of sentences of a text, masked inside each sentence; what cannot be is refused", async () => {
  const embedding = {
    class_name: "Embedding",
    config: { name: "embedding", input_dim: 9, output_dim: 5, mask_zero: true },
  };
  const table = uniform("embedding/embeddings:0", [9, 5]);
  const encoder = sequential("body", [embedding, lstm, gru]);
  const weights = [["embedding/embeddings:0", table] as [string, NamedTensor], ...of("lstm"), ...of("gru")];
  const tokens = { shape: [2, 2, 4], data: [1, 2, 3, 0, 4, 0, 0, 0, 5, 6, 7, 8, 8, 1, 0, 0] };
  const outer = h5(sequential("outer", [eachStep(encoder, { batch_input_shape: [null, null, 4] })]), {
    each: new Map(weights),
  });
  const inner = h5(encoder, {
    embedding: new Map(weights.slice(0, 1)),
    lstm: new Map(of("lstm")),
    gru: new Map(of("gru")),
  });
  const { model, data } = await run(outer, { each_input: tokens });
  expect(model.inputs[0]!.type).toBe("int");
  const expected = await run(inner, { embedding_input: { shape: [4, 4], data: tokens.data } });
  expect(difference(data, expected.data)).toBe(0);
  expect(() => writeKeras(model)).toThrow(/"each_fold".*TimeDistributed.* not put together again; write it as ONNX/);
  expect(() => writeNetworkOnnx(model)).toThrow(/mask_zero/);
  const stateful = eachStep({ class_name: "LSTM", config: { ...lstm.config, stateful: true } });
  await expect(run(h5(sequential("s", [stateful]), { each: new Map(of("lstm")) }), {})).rejects.toThrow(/stateful/);
});

test("models that multiply without end are refused", async () => {
  let config: object = sequential("m", [{ class_name: "Activation", config: { name: "a", activation: "tanh" } }]);
  for (let level = 0; level < 8; level++) {
    const calls = Array.from({ length: 10 }, (_, k) => [k === 0 ? ["in", 0, 0, {}] : ["m", k - 1, 0, {}]]);
    const layers = [
      { class_name: "InputLayer", name: "in", config: { name: "in", batch_input_shape: [null, 5] }, inbound_nodes: [] },
      { ...config, name: "m", inbound_nodes: calls },
    ];
    config = {
      class_name: "Functional",
      config: { name: "m", layers, input_layers: [["in", 0, 0]], output_layers: [["m", 9, 0]] },
    };
  }
  await expect(run(h5(config, {}), {})).rejects.toMatchObject({
    code: "damaged-keras",
    message: expect.stringContaining("20000"),
  });
});

/** As cuDNN packs a kernel: each gate's matrix [H, D] row by row in the columns of the gate; `recurrent` is transposed alike. */
function packed({ shape, data }: NamedTensor, G: number): NamedTensor {
  const [D, width] = shape as [number, number];
  const H = width / G;
  const out = new Float32Array(data.length);
  for (let g = 0; g < G; g++) {
    const matrix = Array.from({ length: H }, (_, h) =>
      Array.from({ length: D }, (_, d) => data[d * width + g * H + h]!),
    ).flat();
    matrix.forEach((value, k) => {
      out[Math.floor(k / H) * width + g * H + (k % H)] = value;
    });
  }
  return { shape, data: out };
}

test("the layout of cuDNN, as Keras describes it: [[0, 1, 2], [3, 4, 5]] there is [[0, 2, 4], [1, 3, 5]] in Keras", () => {
  const keras = { shape: [2, 3], data: [0, 2, 4, 1, 3, 5] };
  expect([...Array.from(packed(keras, 1).data)]).toEqual([0, 1, 2, 3, 4, 5]);
});

const bidirectional = (layer: object) => ({
  class_name: "Bidirectional",
  config: { name: "two", layer, batch_input_shape: [null, null, 5] },
});
test.each([
  ["CuDNNLSTM", "LSTM", 4],
  ["CuDNNGRU", "GRU", 3],
] as const)(
  "%s is the function of %s, in both directions, and where Keras loaded it into one",
  async (cudnn, plain, G) => {
    const own = (direction: string) => {
      const [kernel, recurrent] = [uniform(`${direction}k`, [5, 4 * G]), uniform(`${direction}r`, [4, 4 * G])];
      const bias = uniform(`${direction}b`, [8 * G]);
      const half = 4 * G;
      const sum = {
        shape: [half],
        data: Float32Array.from({ length: half }, (_, k) => bias.data[k]! + bias.data[half + k]!),
      };
      return {
        cudnn: [packed(kernel, G), packed(recurrent, G), bias],
        plain: [kernel, recurrent, plain === "LSTM" ? sum : { shape: [2, half], data: bias.data }],
      };
    };
    const both = [own("forward"), own("backward")];
    const file = (className: string, kind: "cudnn" | "plain") => {
      const gates = className === plain ? { recurrent_activation: "sigmoid", reset_after: true } : {};
      const layer = { class_name: className, config: { name: "rnn", units: 4, return_sequences: true, ...gates } };
      const all = both.flatMap((one, d) =>
        one[kind].map((tensor, k): [string, NamedTensor] => [`two/${d}/${k}`, tensor]),
      );
      return h5(sequential("s", [bidirectional(layer)]), { two: new Map(all) });
    };
    const expected = await run(file(plain, "plain"), { two_input: x });
    for (const className of [cudnn, plain]) {
      const came = await run(file(className, "cudnn"), { two_input: x });
      expect(difference(came.data, expected.data), className).toBeLessThan(1e-6);
    }
  },
);
