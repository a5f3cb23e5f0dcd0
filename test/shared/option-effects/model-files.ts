import { lstm } from "../../../src/cells/lstm.ts";
import { safeTensor } from "../../../src/checkpoint/safe-tensor.ts";
import { type ByteProgress, bytesSource } from "../../../src/formats/byte-source.ts";
import { writeKeras } from "../../../src/formats/keras/write.ts";
import { writeNpy } from "../../../src/formats/npy.ts";
import { writeNpz } from "../../../src/formats/npz.ts";
import { writeOnnx } from "../../../src/formats/onnx/write.ts";
import { writeTensorFlowJs } from "../../../src/formats/tfjs/write.ts";
import { openZip } from "../../../src/formats/zip.ts";
import { recurrent } from "../../../src/layers/recurrent.ts";
import { layoutParameters } from "../../../src/tensor/parameter.ts";
import { createParameters } from "../../../src/tensor/parameter-store.ts";
import { deflatedZip } from "../../formats/deflated-zip.ts";
import { stateDict } from "../../formats/imported-model.ts";
import { chainOf, recurrentSpec } from "../../formats/networks.ts";
import { writeBundle } from "../../formats/tensorflow-bundle.ts";
import { machine, numbers } from "./on-reference.ts";

/* Tiny files of every format that options say something of. */

const cell = { name: "lstm" };
export const network = chainOf(
  [
    recurrentSpec({ cell, inputSize: 2, hiddenSize: 3 }),
    { kind: "dense", inputSize: 3, outputSize: 2, bias: true, activation: { name: "identity" } },
  ],
  { width: 2 },
);
export const stateful = chainOf([recurrentSpec({ cell, inputSize: 2, hiddenSize: 3, stateful: true })], { width: 2 });

const layer = recurrent({ cell: lstm(), inputSize: 2, hiddenSize: 3 });
const parameters = await createParameters({ machine, layout: layoutParameters(layer), seed: 1 });
export const onnx = writeOnnx(layer, await parameters.toTensors());

/** Weights of Keras alone, as `save_weights` leaves them, and what `to_json` says of their model. */
const keras = await openZip(bytesSource(writeKeras(network)));
export const kerasWeights = await keras.read("model.weights.h5");
export const kerasConfig = new TextDecoder().decode(await keras.read("config.json"));

const { "model.json": json, ...beside } = Object.fromEntries(writeTensorFlowJs(network));
export const tfjs = json!;
export const files = beside;

/** A state dictionary of nn.RNN and a head. */
export const rnn = stateDict({ gates: 1, tokens: false, both: false });

const array = safeTensor("F32", [3], [1, 2, 3]);
export const deflatedNpz = deflatedZip(new Map([["a.npy", writeNpy(array)]]));
/** Whose checksums are 0: in the header of its only file, and in the directory. */
export const npzWithoutChecksum = writeNpz(new Map([["a", array]])).slice();
npzWithoutChecksum.fill(0, 14, 18);
const directory = npzWithoutChecksum.findIndex((_, k) =>
  [0x50, 0x4b, 1, 2].every((byte, at) => npzWithoutChecksum[k + at] === byte),
);
npzWithoutChecksum.fill(0, directory + 16, directory + 20);

/** Variables of TensorFlow 1: one by one with a manifest, and as a checkpoint. */
export const variables = new Map(
  Object.entries({ kernel: [5, 12], bias: [12] }).map(([name, shape]) => [
    `rnn/basic_lstm_cell/${name}`,
    { shape, data: Float32Array.from(numbers(shape.reduce((a, b) => a * b))) },
  ]),
);
const stored = new Map([...variables].map(([name, { data }]) => [name, new Uint8Array(data.buffer)]));
const fileNames = new Map([...variables.keys()].map((name, k) => [name, `v${k}`]));
export const manifest = new TextEncoder().encode(
  JSON.stringify(
    Object.fromEntries([...variables].map(([name, { shape }]) => [name, { filename: fileNames.get(name), shape }])),
  ),
);
export const manifestFiles = Object.fromEntries([...stored].map(([name, bytes]) => [fileNames.get(name)!, bytes]));
const bundle = writeBundle(
  new Map([...variables].map(([name, { shape }]) => [name, { type: 1, shape, bytes: stored.get(name)! }])),
);
export const bundleIndex = bundle.index;
export const bundleFiles = { "model.data-00000-of-00001": bundle.data };

/** How often progress is told where it is listened to, and where it is not. */
export const told = (read: (onProgress: ((progress: ByteProgress) => void) | undefined) => unknown) => async () => {
  let times = 0;
  const listener = (): void => {
    times++;
  };
  await read(undefined);
  const unheard = times;
  await read(listener);
  return [unheard, times] as const;
};
