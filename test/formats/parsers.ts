import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { deflateRawSync } from "node:zlib";
import { snappyCompress } from "hyparquet-writer/src/snappy.js";
import { SafeTensor, safeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { readSafetensors, storedSafetensors } from "../../src/checkpoint/safetensors.ts";
import { openSafetensors } from "../../src/checkpoint/safetensors-file.ts";
import { bytesAtHand } from "../../src/checkpoint/stored-bytes.ts";
import type { Machine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { bytesSource } from "../../src/formats/byte-source.ts";
import type { CanonicalModel, LayerSpec, OpenedModel } from "../../src/formats/canonical.ts";
import { Hdf5Dataset, Hdf5Group, openHdf5 } from "../../src/formats/hdf5/read.ts";
import { inflate } from "../../src/formats/inflate.ts";
import { readKeras, readKerasTensors } from "../../src/formats/keras/read.ts";
import { writeKeras, writeKerasH5 } from "../../src/formats/keras/write.ts";
import { readArrays } from "../../src/formats/named-arrays.ts";
import { readNpy, writeNpy } from "../../src/formats/npy.ts";
import { readNpz, writeNpz } from "../../src/formats/npz.ts";
import { readOnnx } from "../../src/formats/onnx/model.ts";
import { openOnnx } from "../../src/formats/onnx/program.ts";
import { runnableOf } from "../../src/formats/open.ts";
import { openNetwork } from "../../src/formats/open-network.ts";
import type { Program } from "../../src/formats/program.ts";
import { collectTensors } from "../../src/formats/pytorch/collect.ts";
import { allowedName } from "../../src/formats/pytorch/names.ts";
import { unpickle } from "../../src/formats/pytorch/pickle.ts";
import { PickleCut } from "../../src/formats/pytorch/pickle-reader.ts";
import { readPyTorch } from "../../src/formats/pytorch/read.ts";
import { StorageTable } from "../../src/formats/pytorch/storage-table.ts";
import { writePyTorch } from "../../src/formats/pytorch/write.ts";
import { readModel } from "../../src/formats/read-model.ts";
import { unsnappy } from "../../src/formats/snappy.ts";
import { readTensorFlowBundle } from "../../src/formats/tensorflow1/bundle.ts";
import { readTensorFlow1 } from "../../src/formats/tensorflow1/manifest.ts";
import { readTensorFlowJs } from "../../src/formats/tfjs/read.ts";
import { FailureError } from "../../src/shared/errors.ts";
import { size } from "../../src/shared/shapes.ts";
import { deflatedZip } from "./deflated-zip.ts";
import { tableOf, writeBundle } from "./tensorflow-bundle.ts";

/** One row a reader of files from strangers: mutated good files go through `parse`, which must end, in an ordinary error or not. */
export interface Parser {
  readonly name: string;
  /** Good files to mutate. */
  readonly seeds: () => Uint8Array[];
  /** Reads everything in the file, numbers too. */
  readonly parse: (bytes: Uint8Array) => Promise<unknown>;
}

// Beside this file's folder, also when it was bundled: the script says where.
const golden = process.env.LONGSHORT_GOLDEN ?? fileURLToPath(new URL("../golden/", import.meta.url));

/** Files of test/golden/FOLDER with this ending, the smallest first, at most `limit` bytes each. */
export function goldenFiles(folder: string, ending: string, limit = 20_000): Uint8Array[] {
  const files = readdirSync(`${golden}/${folder}`)
    .filter((name) => name.endsWith(ending))
    .map((name) => Uint8Array.from(readFileSync(`${golden}/${folder}/${name}`)))
    .filter(({ length }) => length <= limit && length > 0)
    .sort((a, b) => a.length - b.length);
  if (files.length === 0) throw new Error(`no golden files ${folder}/*${ending}`);
  return files;
}

const matrix = safeTensor(
  "F32",
  [3, 4],
  Array.from({ length: 12 }, (_, i) => i / 3),
);
const whole = safeTensor("I64", [5], [1, 2, 3, 4, 5]);
const arrays = new Map([
  ["matrix", matrix],
  ["folder/whole", whole],
]);
const scalar = new SafeTensor("BOOL", [], Uint8Array.of(1));
const namedArrays = new TextEncoder().encode(
  JSON.stringify({
    nested: [
      [1, 2.5],
      [-3, 4],
    ],
    flat: { shape: [2, 1], data: [0.5, 1e9] },
    number: 7,
  }),
);

/** The pickle of a good archive, which lies in it as it is, with what follows it; none in other files. */
function pickleOf(file: Uint8Array): Uint8Array[] {
  const at = Buffer.from(file).indexOf("\x80\x02", 0, "latin1");
  return file[0] === 0x50 && at > 0 ? [file.slice(at)] : [];
}

async function parsePickle(bytes: Uint8Array): Promise<void> {
  const table = new StorageTable();
  try {
    collectTensors(unpickle(bytes, { name: allowedName, persistent: (id) => table.resolve(id) }).value);
  } catch (cause) {
    throw cause instanceof PickleCut ? new FailureError("bad-pytorch", "cut short") : cause;
  }
}

const UNPACKED = 20_000;

function padded(file: Uint8Array): Uint8Array {
  const result = new Uint8Array(UNPACKED);
  result.set(file);
  return result;
}

async function parseSafetensors(bytes: Uint8Array): Promise<void> {
  const file = await openSafetensors(bytesSource(bytes));
  for (const name of file.entries.keys()) await file.read(name);
  readSafetensors(bytes);
  for (const tensor of storedSafetensors(bytesAtHand("bytes", bytes)).tensors.values()) [...tensor.parts()];
}

async function parsePyTorch(bytes: Uint8Array): Promise<void> {
  const file = await readPyTorch(bytes);
  for (const tensor of file.tensors.values()) await tensor.read();
}

const foldersOf = (folder: string): string[] =>
  readdirSync(`${golden}/${folder}`).filter((name) => !name.includes("."));
const fileOf = (path: string): Uint8Array => Uint8Array.from(readFileSync(`${golden}/${path}`));

const onnxFiles = (): Uint8Array[] =>
  ["onnx-ort", "torch-onnx"].flatMap((folder) =>
    foldersOf(folder)
      .filter((_, k) => k % 4 === 0)
      .map((name) => fileOf(`${folder}/${name}/model.onnx`)),
  );
/** Written by our own writers, which need no files of others. */
const ours: CanonicalModel = {
  name: "seed",
  inputs: [{ name: "input", type: "float", shape: [null, 2] }],
  layers: new Map([
    ["dense", { kind: "dense", inputSize: 2, outputSize: 3, bias: true, activation: { name: "relu" } }],
  ]),
  nodes: [{ name: "dense", layer: "dense", inputs: ["input"], outputs: ["y"] }],
  outputs: [{ name: "output", value: "y" }],
  weights: new Map([
    ["dense.weight", { shape: [3, 2], data: [1, 2, 3, 4, 5, 6] }],
    ["dense.bias", { shape: [3], data: [0.5, -1, 2] }],
  ]),
};
/** Layers without weights, each with sizes of its own: [B, 4, 2] to [B, 3]. */
const plainLayers: readonly LayerSpec[] = [
  { kind: "masking", value: 0 },
  { kind: "permute", order: [2, 1] },
  { kind: "pooling", of: "mean", window: { size: 2, stride: 1, padding: "same" } },
  { kind: "pooling", of: "max", window: "global" },
  { kind: "repeat", times: 3 },
  { kind: "flatten" },
  { kind: "reshape", shape: [6, 2] },
];
const ofLayers: CanonicalModel = {
  name: "layers",
  inputs: [{ name: "input", type: "float", shape: [4, 2] }],
  layers: new Map(plainLayers.map((spec, k) => [`layer_${k}`, spec])),
  nodes: plainLayers.map((_, k) => ({
    ...{ name: `layer_${k}`, layer: `layer_${k}` },
    ...{ inputs: [k === 0 ? "input" : `value_${k - 1}`], outputs: [`value_${k}`] },
  })),
  outputs: [{ name: "output", value: `value_${plainLayers.length - 1}` }],
  weights: new Map(),
};
const kerasFiles = (): Uint8Array[] => [writeKerasH5(ours), writeKeras(ours), writeKerasH5(ofLayers)];

const hostileFiles = (ending: string): Uint8Array[] => goldenFiles("hostile/keras", ending);
const tfjsModels = ["00_simpleRNN", "14_lstm", "19_lstm_bi_concat", "28_gru"].map((name) => ({
  model: fileOf(`tfjs/${name}/model.json`),
  weights: fileOf(`tfjs/${name}/weights.bin`),
}));

const bundled = new Map(
  [
    ["rnn/cell_0/basic_lstm_cell/kernel", [3, 4]] as const,
    ["rnn/cell_0/basic_lstm_cell/bias", [4]] as const,
    ["softmax_w", [1, 5]] as const,
  ].map(([name, shape]) => [name, { type: 1, shape, bytes: new Uint8Array(4 * size(shape)) }]),
);
const bundle = writeBundle(bundled, { blockPairs: 9 });
const bundleFiles = { "a.data-00000-of-00001": bundle.data };

const manifest = new TextEncoder().encode(
  JSON.stringify(
    Object.fromEntries([...bundled].map(([name, { shape }], k) => [name, { filename: `variable_${k}`, shape }])),
  ),
);
const variableFiles = Object.fromEntries([...bundled.values()].map(({ bytes }, k) => [`variable_${k}`, bytes]));

/** Larger inputs than these are a matter of memory, which the machine refuses. */
const MOST_NUMBERS = 10_000;

/** Opens a model, records it and runs it with inputs of the shapes that its file names. */
async function runOf(machine: Machine, open: (machine: Machine) => Promise<Program>): Promise<void> {
  try {
    const program = await open(machine);
    const inputs = program.inputs.map(({ name, shape = [] }) => {
      const sizes = shape.map((n) => (typeof n === "number" ? n : 2));
      if (!(size(sizes) <= MOST_NUMBERS)) throw new FailureError("too-large", "larger than this test runs");
      return [name, { shape: sizes, data: new Float32Array(size(sizes)).fill(1) }] as const;
    });
    await program.run(Object.fromEntries(inputs));
  } finally {
    machine.close();
  }
}

const runOnnx = async (bytes: Uint8Array): Promise<void> =>
  runOf(await openMachine("reference"), async (machine) => openOnnx(bytes, { machine }));

/** Sizes that a file names may be any: what asks for more memory than this is refused, as it is with 4 GiB. */
const smallMachine = (): Promise<Machine> => openMachine("wasm", { maxBytes: 2 ** 26, threads: 1 });
const runNetwork =
  (read: (bytes: Uint8Array) => Promise<OpenedModel>) =>
  async (bytes: Uint8Array): Promise<void> => {
    const { model } = await read(bytes);
    await runOf(await smallMachine(), async (machine) => openNetwork(model, { machine }));
  };

async function parseHdf5(bytes: Uint8Array): Promise<void> {
  // Links may lead back to a group that holds them, so a walk through all of them needs an end of its own.
  let left = 100;
  const visit = async (group: Hdf5Group): Promise<void> => {
    await group.attribute("a0");
    for (const name of group.names) {
      if (left-- <= 0) return;
      const child = await group.get(name);
      if (child instanceof Hdf5Dataset) await child.read();
      else if (child instanceof Hdf5Group) await visit(child);
    }
  };
  await visit(await openHdf5(bytesSource(bytes)));
}

const parseTfjs = (bytes: Uint8Array): Promise<OpenedModel> =>
  readTensorFlowJs(bytes, { files: { "weights.bin": tfjsModels[1]!.weights } });
const parseTfjsWeights = async (bytes: Uint8Array): Promise<unknown> =>
  readTensorFlowJs(tfjsModels[1]!.model, { files: { "weights.bin": bytes } });

/** Every model below a folder, of formats that are one file. */
export const modelsBelow = (folder: string, limit = 5_000_000): Parser => ({
  name: "files",
  seeds: () => {
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(npy|npz|pt|pth|safetensors|onnx|h5|keras)$/.test(name))
      .map((name) => `${folder}/${name}`)
      .filter((path) => statSync(path).size <= limit)
      .map((path) => Uint8Array.from(readFileSync(path)));
    if (files.length === 0) throw new Error(`no model files below ${folder}`);
    return files;
  },
  async parse(bytes) {
    if (bytes[0] === 0x93) return readArrays(bytes);
    return runnableOf(await readModel(bytes));
  },
});

/** Every format adds its row here; the short run in the tests and `node scripts/fuzz.mjs` both go through all of them. */
export const PARSERS: readonly Parser[] = [
  { name: "npy", seeds: () => [matrix, whole, scalar].map(writeNpy), parse: readNpy },
  {
    name: "npz",
    seeds: () => {
      const files = new Map([...arrays].map(([name, tensor]) => [`${name}.npy`, writeNpy(tensor)]));
      return [writeNpz(arrays), deflatedZip(files)];
    },
    parse: (bytes) => readNpz(bytes),
  },
  {
    name: "arrays",
    seeds: () => [namedArrays, writeNpz(arrays), writeNpy(matrix)],
    parse: (bytes) => readArrays(bytes),
  },
  {
    name: "pytorch",
    seeds: () => [
      writePyTorch(
        new Map([
          ["matrix", matrix],
          ["whole", whole],
        ]),
      ),
      ...goldenFiles("torch-pt", ".pt"),
    ],
    parse: parsePyTorch,
  },
  // Inside an archive a checksum stops most damage; here the pickle and the compressed data themselves are damaged.
  {
    name: "pickle",
    seeds: () => goldenFiles("torch-pt", ".pt").flatMap(pickleOf),
    parse: parsePickle,
  },
  {
    name: "inflate",
    seeds: () => goldenFiles("torch-pt", ".pt").map((file) => new Uint8Array(deflateRawSync(padded(file)))),
    parse: async (bytes) => inflate(bytes, UNPACKED),
  },
  { name: "safetensors", seeds: () => goldenFiles("torch-pt", ".safetensors"), parse: parseSafetensors },
  { name: "onnx", seeds: onnxFiles, parse: async (bytes) => readOnnx(bytes) },
  // Read, recorded and run with inputs of the shapes that the file names.
  { name: "onnx-run", seeds: onnxFiles, parse: runOnnx },
  {
    name: "hdf5",
    seeds: () => [...hostileFiles(".h5"), writeKerasH5(ours), ...goldenFiles("hdf5", ".h5")],
    parse: parseHdf5,
  },
  {
    name: "keras",
    seeds: () => [...hostileFiles(".keras"), ...kerasFiles()],
    parse: (bytes) => readKeras(bytes),
  },
  {
    name: "keras-weights",
    seeds: () => [writeKerasH5(ours), ...goldenFiles("hdf5", ".h5")],
    parse: (bytes) => readKerasTensors(bytesSource(bytes)),
  },
  // Their layers have sizes of their own, which only show when they are recorded.
  { name: "keras-run", seeds: kerasFiles, parse: runNetwork(readKeras) },
  { name: "tfjs-run", seeds: () => tfjsModels.map(({ model }) => model), parse: runNetwork(parseTfjs) },
  { name: "tfjs", seeds: () => tfjsModels.map(({ model }) => model), parse: parseTfjs },
  { name: "tfjs-weights", seeds: () => tfjsModels.map(({ weights }) => weights), parse: parseTfjsWeights },
  {
    name: "tensorflow-bundle",
    seeds: () => [bundle.index, writeBundle(bundled, { snappy: true }).index],
    parse: (bytes) => readTensorFlowBundle(bytes, { files: bundleFiles }),
  },
  {
    name: "tensorflow-manifest",
    seeds: () => [manifest],
    parse: (bytes) => readTensorFlow1(bytes, { files: variableFiles }),
  },
  // Checksums stop most damage; here the pairs of a block are damaged and the checksum is right.
  {
    name: "tensorflow-block",
    seeds: () => bundle.blocks.map((block) => Uint8Array.from(block)),
    parse: (bytes) => readTensorFlowBundle(tableOf([["~", [...bytes]]]), { files: bundleFiles }),
  },
  {
    name: "snappy",
    seeds: () => goldenFiles("torch-pt", ".pt").map((file) => snappyCompress(padded(file))),
    parse: async (bytes) => unsnappy(bytes, UNPACKED),
  },
  // What a file is shows in its bytes, and damage may turn one kind into another.
  {
    name: "any",
    seeds: () => [
      ...onnxFiles(),
      ...goldenFiles("torch-pt", ".pt").slice(0, 4),
      ...hostileFiles(".h5"),
      writeNpz(arrays),
    ],
    parse: async (bytes) => runnableOf(await readModel(bytes)),
  },
];
