import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Config } from "../../../src/formats/keras/config.ts";
import { readTensorFlowJs } from "../../../src/formats/tfjs/read.ts";
import { decodeGroup, readManifest } from "../../../src/formats/tfjs/weights.ts";

const folder = new URL("../../golden/tfjs/", import.meta.url);
const text = new TextEncoder();

/** A model of the golden files with something changed in its JSON, or its weights in another type. */
function changed(name: string, change: (json: Record<string, unknown>) => unknown) {
  const json = JSON.parse(readFileSync(new URL(`${name}/model.json`, folder), "utf8"));
  const weights = readFileSync(new URL(`${name}/weights.bin`, folder));
  change(json);
  return { input: text.encode(JSON.stringify(json)), weights: new Uint8Array(weights) };
}
// biome-ignore lint/suspicious/noExplicitAny: tests reach into JSON
type Any = any;

test("quantized weights are the numbers that they stand for", async () => {
  const name = "14_lstm";
  const exact = (await readTensorFlowJs(new URL(`${name}/model.json`, folder))).model;
  for (const [dtype, Type] of [
    ["uint8", Uint8Array],
    ["uint16", Uint16Array],
  ] as const) {
    const { input, weights } = changed(name, (json: Any) => {
      for (const weight of json.weightsManifest[0].weights) weight.quantization = { dtype, scale: 0.25, min: -8 };
    });
    const floats = new Float32Array(weights.buffer);
    const q = new Type(Array.from(floats, (x) => Math.round((x + 8) / 0.25)));
    const files = { "weights.bin": new Uint8Array(q.buffer) };
    const { model } = await readTensorFlowJs(input, { files });
    for (const [key, { data }] of exact.weights)
      Array.from(data).forEach((value, k) => {
        expect(model.weights.get(key)!.data[k], key).toBe(Math.round((value + 8) / 0.25) * 0.25 - 8);
      });
  }
});

test("quantized whole numbers are rounded", () => {
  const weight = {
    ...{ name: "n", shape: [3], dtype: "int32" },
    quantization: { dtype: "uint8", scale: 1.25, min: -2 },
  };
  const [group] = readManifest(
    Config.parse(JSON.stringify({ weightsManifest: [{ paths: [], weights: [weight] }] }), "x"),
  );
  expect([...(decodeGroup(group!, Uint8Array.of(0, 1, 255)).get("n")!.data as Float32Array)]).toEqual([-2, -1, 317]);
});

test("layers whose names are paths have their weights, also where one begins as another", async () => {
  const { input, weights } = changed("26_lstm_train_adam", (json: Any) => {
    for (const layer of json.modelTopology.config.layers) layer.config.name = `block/${layer.config.name}`;
    for (const weight of json.weightsManifest[0].weights) weight.name = `block/${weight.name}`;
  });
  const { model } = await readTensorFlowJs(input, { files: { "weights.bin": weights } });
  const plain = await readTensorFlowJs(new URL("26_lstm_train_adam/model.json", folder));
  expect([...model.weights.values()]).toEqual([...plain.model.weights.values()]);
});

test("weights in half precision, and in several files", async () => {
  const { input } = changed("00_simpleRNN", (json: Any) => {
    json.weightsManifest[0].paths = ["a.bin", "b.bin"];
    for (const weight of json.weightsManifest[0].weights) weight.quantization = { dtype: "float16" };
  });
  // 1.5 is 0x3e00, −2 is 0xc000: 55 numbers in turn.
  const half = new Uint8Array(new Uint16Array(55).map((_, k) => (k % 2 ? 0xc000 : 0x3e00)).buffer);
  const files = { "a.bin": half.slice(0, 33), "b.bin": half.slice(33) };
  const { model } = await readTensorFlowJs(input, { files });
  const all = [...model.weights.values()].flatMap(({ data }) => Array.from(data));
  expect(all).toHaveLength(55);
  expect(new Set(all)).toEqual(new Set([1.5, -2]));
});

test("what a browser downloads: files named from ./, in any script, with the averages of the optimizer", async () => {
  const { input, weights } = changed("26_lstm_train_adam", (json: Any) => {
    const [group] = json.weightsManifest;
    group.paths = ["./模型.weights.bin"];
    const moments = group.weights.map((weight: Any) => ({ ...weight, name: `${weight.name}/m`, group: "optimizer" }));
    group.weights.splice(0, 0, { name: "iter", shape: [], dtype: "int32", group: "optimizer" });
    group.weights.push(...moments);
  });
  const files = { "模型.weights.bin": new Uint8Array([...new Uint8Array(4), ...weights, ...weights]) };
  const { model, conventions } = await readTensorFlowJs(input, { files });
  const plain = await readTensorFlowJs(new URL("26_lstm_train_adam/model.json", folder));
  expect(model.weights).toEqual(plain.model.weights);
  expect(conventions).toEqual([...plain.conventions, expect.stringMatching(/optimizer is left out/)]);
});

test.each<[string, string, (json: Any) => void, RegExp]>([
  [
    "a graph of operations",
    "14_lstm",
    (j) => {
      j.format = "graph-model";
    },
    /graph of TensorFlow operations/,
  ],
  [
    "an unknown layer",
    "14_lstm",
    (j) => {
      j.modelTopology.config.layers[0].class_name = "Attention";
    },
    /"Attention" is not supported/,
  ],
  [
    "a Lambda",
    "14_lstm",
    (j) => {
      j.modelTopology.config.layers[0].class_name = "Lambda";
    },
    /code of its own/,
  ],
  [
    "an unknown activation",
    "14_lstm",
    (j) => {
      j.modelTopology.config.layers[0].config.activation = "tanhh";
    },
    /"tanhh".*did the file mean "tanh"/,
  ],
  [
    "fewer units than weights",
    "14_lstm",
    (j) => {
      j.modelTopology.config.layers[0].config.units = 4;
    },
    /kernel has shape/,
  ],
  [
    "weights of another name",
    "14_lstm",
    (j) => {
      j.weightsManifest[0].weights[0].name = "x/kernel";
    },
    /lstm_LSTM1/,
  ],
  [
    "two layers of one name",
    "26_lstm_train_adam",
    (j) => {
      j.modelTopology.config.layers[1].config.name = "lstm_LSTM14";
    },
    /two layers are called/,
  ],
  [
    "a wire to nothing",
    "42_functional_states",
    (j) => {
      j.modelTopology.config.layers[1].inbound_nodes[0][0][0] = "no";
    },
    /nothing in the model makes the value "no"/,
  ],
  [
    "a ring of layers",
    "42_functional_states",
    (j) => {
      j.modelTopology.config.layers[1].inbound_nodes[0][0][0] = "lstm_LSTM16";
    },
    /what it makes itself/,
  ],
  [
    "a path upwards",
    "14_lstm",
    (j) => {
      j.weightsManifest[0].paths = ["../weights.bin"];
    },
    /beside it or in a folder below/,
  ],
])("refuses %s", async (_, name, change, message) => {
  const { input, weights } = changed(name, change as (json: Record<string, unknown>) => void);
  const error = await readTensorFlowJs(input, { files: { "weights.bin": weights } }).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ message: expect.stringMatching(message), code: expect.stringMatching(/keras/) });
});
