import fc from "fast-check";
import { expect, test } from "vitest";
import type { CanonicalModel } from "../../../src/formats/canonical.ts";
import { readKeras } from "../../../src/formats/keras/read.ts";
import { writeKeras, writeKerasH5 } from "../../../src/formats/keras/write.ts";
import { openNetwork } from "../../../src/formats/open-network.ts";
import { readTensorFlowJs } from "../../../src/formats/tfjs/read.ts";
import { writeTensorFlowJs } from "../../../src/formats/tfjs/write.ts";
import { describeOnMachines } from "../../support/machines.ts";
import { type RandomNetwork, randomNetwork } from "../../support/random-network.ts";
import { runTensorflowJs } from "../../support/tensorflowjs.ts";

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
