import fc from "fast-check";
import { expect, test } from "vitest";
import type { CanonicalModel, LayerSpec } from "../../../src/formats/canonical.ts";
import { readKeras, readKerasWeights } from "../../../src/formats/keras/read.ts";
import { writeKeras, writeKerasH5 } from "../../../src/formats/keras/write.ts";
import { openNetwork } from "../../../src/formats/open-network.ts";
import { readTensorFlowJs } from "../../../src/formats/tfjs/read.ts";
import { writeTensorFlowJs } from "../../../src/formats/tfjs/write.ts";
import { describeOnMachines } from "../../support/machines.ts";
import { type RandomNetwork, randomNetwork } from "../../support/random-network.ts";
import { runTensorflowJs } from "../../support/tensorflowjs.ts";
import { chainOf, recurrentSpec } from "../networks.ts";

const readBack = async (files: ReadonlyMap<string, Uint8Array>): Promise<CanonicalModel> =>
  (await readTensorFlowJs(files.get("model.json")!, { files: { "weights.bin": files.get("weights.bin")! } })).model;

/** The same layers, wiring and numbers; names of values may be others. */
function expectSame(came: CanonicalModel, model: CanonicalModel): void {
  expect([...came.layers]).toEqual([...model.layers]);
  expect(came.nodes.map(({ layer }) => layer)).toEqual(model.nodes.map(({ layer }) => layer));
  expect([...came.weights.keys()]).toEqual([...model.weights.keys()]);
  for (const [name, { shape, data }] of model.weights) {
    expect(came.weights.get(name)!.shape).toEqual(shape);
    expect(Array.from(came.weights.get(name)!.data), name).toEqual(Array.from(data));
  }
}

const runs = { numRuns: 20 };

test("a .keras archive holds the whole model", async () => {
  await fc.assert(
    fc.asyncProperty(randomNetwork({ tfjs: false }), async ({ model }) => {
      expectSame((await readKeras(writeKeras(model))).model, model);
    }),
    runs,
  );
});

test("an .h5 file holds the whole model", async () => {
  await fc.assert(
    fc.asyncProperty(randomNetwork({ tfjs: false }), async ({ model }) => {
      expectSame((await readKeras(writeKerasH5(model))).model, model);
    }),
    runs,
  );
});

test("model.json and weights.bin hold the whole model", async () => {
  await fc.assert(
    fc.asyncProperty(randomNetwork({ tfjs: true }), async ({ model }) => {
      expectSame(await readBack(writeTensorFlowJs(model)), model);
    }),
    runs,
  );
});

const convolution: LayerSpec = {
  ...{ kind: "convolution", inputSize: 3, outputSize: 3, kernelSize: 2, padding: "valid", bias: false },
  ...{ stride: 3, dilation: 1, activation: { name: "identity" } },
};
const lstm = recurrentSpec({
  ...{
    cell: {
      name: "lstm",
      options: { gate: { name: "sigmoid" }, candidate: { name: "tanh" }, output: { name: "tanh" } },
    },
  },
  ...{ inputSize: 3, hiddenSize: 3, biases: 1, outputOrder: "computed", maskedOutput: "previous", dropout: 0.25 },
});
/** What random networks leave out. */
const rare: readonly LayerSpec[] = [
  convolution,
  { ...convolution, stride: 1, dilation: 2 },
  { kind: "pooling", of: "max", window: { size: 2, stride: 3, padding: "valid" } },
  { kind: "dropout", rate: 0.25, per: "sequence" },
  { kind: "time-distributed", layer: { kind: "batch-norm", size: 3, axis: -1, epsilon: 0.5 } },
  { kind: "activation", activation: { name: "leakyRelu", alpha: 0.5 } },
  { kind: "activation", activation: { name: "elu", alpha: 0.5 } },
  { kind: "activation", activation: { name: "clamp", alpha: 0, beta: 6 } },
  { kind: "permute", order: [2, 1] },
  { kind: "permute", order: [2, 1] },
  { ...lstm, stateful: true },
  lstm,
  { kind: "pooling", of: "max", window: "global" },
  { kind: "repeat", times: 2 },
  { kind: "pooling", of: "mean", window: "global" },
  { kind: "reshape", shape: [-1, 1] },
  { kind: "flatten" },
];
const ways: Readonly<Record<string, (model: CanonicalModel) => Promise<CanonicalModel>>> = {
  ".keras": async (model) => (await readKeras(writeKeras(model, { batchSize: 2 }))).model,
  ".h5": async (model) => (await readKeras(writeKerasH5(model, { batchSize: 2 }))).model,
  "model.json": async (model) => {
    const layers = [...model.layers].map(([name, spec]): [string, LayerSpec] => [
      name,
      spec.kind === "recurrent" ? { ...spec, maskedOutput: "previous-or-initial" } : spec,
    ]);
    const came = await readBack(writeTensorFlowJs({ ...model, layers: new Map(layers) }, { batchSize: 2 }));
    expect([...came.layers]).toEqual(layers);
    return { ...came, layers: model.layers };
  },
};
test.each(Object.keys(ways))("%s holds layers of every kind", async (way) => {
  const model = chainOf(rare, { width: 3 });
  expectSame(await ways[way]!(model), model);
});

test("names of layers that no attribute can hold at once are cut into several, in their order", async () => {
  const dense: LayerSpec = { kind: "dense", inputSize: 1, outputSize: 1, bias: false, activation: { name: "tanh" } };
  const { layers, nodes, weights, ...model } = chainOf(Array<LayerSpec>(200).fill(dense), { width: 1 });
  const long = (name: string): string => name.padEnd(400, "_");
  const bytes = writeKerasH5({
    ...model,
    layers: new Map([...layers].map(([name, spec]) => [long(name), spec])),
    nodes: nodes.map((node) => ({ ...node, layer: long(node.layer) })),
    weights: new Map([...weights].map(([name, tensor]) => [`${long(name.replace(".weight", ""))}.weight`, tensor])),
  });
  expect([...(await readKerasWeights(bytes)).keys()]).toEqual([...layers.keys()].map(long));
});

describeOnMachines("Keras → ours → TensorFlow.js", (m) => {
  test("computes the same in TensorFlow.js itself", async (context) => {
    const run = runTensorflowJs;
    if (!run) return context.skip("needs @tensorflow/tfjs, which `npm run bench` installs");
    const check = async ({ model, input }: RandomNetwork): Promise<void> => {
      const read = (await readKeras(writeKeras(model))).model;
      using program = openNetwork(read, { machine: m.machine });
      const outputs = await program.run({ [read.inputs[0]!.name]: input });
      const ours = outputs[read.outputs[0]!.name]!;
      const [theirs] = await run(writeTensorFlowJs(read), input);
      expect(ours.shape).toEqual(theirs!.shape);
      const largest = Math.max(1, ...Array.from(ours.data, Math.abs));
      Array.from(ours.data).forEach((value, k) => {
        expect(Math.abs(value - theirs!.data[k]!) / largest, `element ${k}`).toBeLessThan(1e-5);
      });
    };
    await fc.assert(fc.asyncProperty(randomNetwork({ tfjs: true }), check), { numRuns: 15 });
  });
});
