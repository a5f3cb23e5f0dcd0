import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CellSpec, cellByName } from "../../../src/cells/registry.ts";
import type { LayerSpec } from "../../../src/formats/canonical.ts";
import { type ConvertOptions, convertModel } from "../../../src/formats/convert.ts";
import { writeKeras, writeKerasH5 } from "../../../src/formats/keras/write.ts";
import type { WriteKerasOptions } from "../../../src/formats/keras/write-topology.ts";
import { type WriteOnnxOptions, writeOnnx } from "../../../src/formats/onnx/write.ts";
import { Model, open } from "../../../src/formats/open.ts";
import { readModel } from "../../../src/formats/read-model.ts";
import { exportModel, type SaveOptions, save } from "../../../src/formats/save.ts";
import { type WriteTensorFlowJsOptions, writeTensorFlowJs } from "../../../src/formats/tfjs/write.ts";
import { recurrent } from "../../../src/layers/recurrent.ts";
import { layoutParameters } from "../../../src/tensor/parameter.ts";
import { createParameters } from "../../../src/tensor/parameter-store.ts";
import { fileOf } from "../../formats/networks.ts";
import { type EffectTable, outcomeOf, shows } from "./effects.ts";
import { onnx, stateful } from "./model-files.ts";
import { machine } from "./on-reference.ts";

const file = await readModel(onnx);
const model = await open(onnx, { machine });

/** The bytes of a file that `save` writes under this name. */
async function savedAs(name: string, options: SaveOptions, of = model): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "longshort-save-"));
  try {
    return (await save(of, join(folder, name), options)).bytes;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const layers = await readModel(new URL("../../golden/tfjs/14_lstm/model.json", import.meta.url));
const ofLayers = new Model(layers, { machine });
/** A network that may be told how long the sequences of a padded batch are. */
const ofPadded = new Model(
  fileOf({
    name: "padded",
    inputs: [
      { name: "tokens", shape: [null], type: "int" },
      { name: "lengths", shape: [], type: "int", optional: true },
    ],
    layers: new Map<string, LayerSpec>([["sequence", { kind: "lengths" }]]),
    nodes: [{ name: "sequence", layer: "sequence", inputs: ["tokens", "lengths"], outputs: ["sequence"] }],
    outputs: [{ name: "same", value: "sequence" }],
    weights: new Map(),
  }),
  { machine },
);
const lengths = (write: (options: ConvertOptions) => unknown) => async () =>
  [await write({ to: "onnx" }), await write({ to: "onnx", lengths: false })] as const;
const weightsFile = (write: (options: ConvertOptions) => unknown) => async () =>
  [await write({ to: "tfjs" }), await write({ to: "tfjs", weightsFile: "other.bin" })] as const;

/** A cell that is not known by its equations. */
const hard: CellSpec = { name: "lstm", options: { gate: { name: "hardSigmoid", alpha: 0.2, beta: 0.5 } } };
const layer = recurrent({ cell: cellByName(hard), inputSize: 2, hiddenSize: 3 });
const parameters = await createParameters({ machine, layout: layoutParameters(layer), seed: 1 });
const tensors = await parameters.toTensors();

const ofStateful = (write: (options: WriteKerasOptions) => unknown) =>
  shows(write, { batchSize: 2 }, { batchSize: [3] });

export const writing: EffectTable = {
  convertModel: shows(
    (options: ConvertOptions) => outcomeOf(() => convertModel(file, options).bytes),
    { to: "safetensors" },
    {
      to: ["npz", { weightsOnly: true }],
      weightsOnly: [true],
      weightsFile: weightsFile((options) => convertModel(layers, options).bytes),
      lengths: lengths((options) => convertModel(ofPadded.file, options).bytes),
    },
  ),
  exportModel: shows(
    (options: ConvertOptions) => outcomeOf(async () => (await exportModel(model, options)).bytes),
    { to: "safetensors" },
    {
      to: ["onnx"],
      weightsOnly: [true],
      weightsFile: weightsFile(async (options) => (await exportModel(ofLayers, options)).bytes),
      lengths: lengths(async (options) => (await exportModel(ofPadded, options)).bytes),
    },
  ),
  save: shows(
    (options: SaveOptions) => outcomeOf(() => savedAs("model.npz", options)),
    {},
    { to: ["onnx"], weightsOnly: [true], lengths: lengths((options) => savedAs("model.onnx", options, ofPadded)) },
  ),
  writeKeras: ofStateful((options) => writeKeras(stateful, options)),
  writeKerasH5: ofStateful((options) => writeKerasH5(stateful, options)),
  writeTensorFlowJs: shows(
    (options: WriteTensorFlowJsOptions) => writeTensorFlowJs(stateful, options),
    { batchSize: 2 },
    { batchSize: [3], weightsFile: ["other.bin"] },
  ),
  writeOnnx: shows(
    (options: WriteOnnxOptions) => outcomeOf(() => writeOnnx(layer, tensors, options)),
    {},
    { cell: [hard] },
  ),
};
