import { platform } from "#platform";
import type { Cell } from "../cells/define.ts";
import type { SafeTensor } from "../checkpoint/safe-tensor.ts";
import { storedSafetensors } from "../checkpoint/safetensors.ts";
import { openSafetensors } from "../checkpoint/safetensors-file.ts";
import { type StoredBytes, storedFile } from "../checkpoint/stored-bytes.ts";
import { isAddress } from "../platform/download.ts";
import type { ByteSource } from "../platform/platform.ts";
import { FailureError, LongshortError, placed, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { type ByteInput, type ByteOptions, openBytes, withBytes, withFiles } from "./byte-source.ts";
import type { OpenedModel } from "./canonical.ts";
import { fileNamed } from "./files-beside.ts";
import { readKeras, readKerasTensors } from "./keras/read.ts";
import type { ModelContent, ModelFile, ModelFormat } from "./model-file.ts";
import { openNpz } from "./npz.ts";
import { readOnnxWith } from "./onnx/model.ts";
import type { StateDictNetworkOptions } from "./pytorch/module-layers.ts";
import { networkOfStateDict } from "./pytorch/network.ts";
import { readPyTorch } from "./pytorch/read.ts";
import { multipliedOut, readTensor, type StateDictTensor } from "./pytorch/reparametrized.ts";
import { type RunContent, readRunModel } from "./read-run-model.ts";
import { type FileKind, sniff } from "./sniff.ts";
import { readTensorFlowBundle } from "./tensorflow1/bundle.ts";
import { readTensorFlow1 } from "./tensorflow1/manifest.ts";
import { readTensorFlowJs } from "./tfjs/read.ts";

/** Options of `readModel`. */
export interface ReadModelOptions extends Pick<StateDictNetworkOptions, "nonlinearity">, ByteOptions {
  /** The result of `model.to_json()` in Keras, for files that hold only weights (`save_weights`). */
  readonly config?: string | undefined;
  /**
   * The weight files of a TensorFlow.js model by the names in model.json, the data files of a TensorFlow checkpoint, or those of an ONNX
   * model with external data. Default: those beside the file.
   */
  readonly files?: Readonly<Record<string, ByteInput>> | undefined;
  /** Cells of your own by name, for runs that were trained with one that text cannot say; the equations of all others are in the run. */
  readonly cells?: Readonly<Record<string, Cell>> | undefined;
}

/**
 * Reads a model file of any format, detected from its bytes. A path may also be the folder of a run, or a folder with a `model.json` or
 * a `manifest.json`.
 * @throws UsageError "unknown-format", "file-not-found"; FailureError when the file is damaged; the reason of
 *   `signal`
 */
export async function readModel(input: ByteInput, options: ReadModelOptions = {}): Promise<ModelFile> {
  expectOptions("readModel", options, { config: 1, files: 1, nonlinearity: 1, onProgress: 1, signal: 1, cells: 1 });
  options.signal?.throwIfAborted();
  if (typeof input === "string" && (await isFolder(input))) {
    for (const name of ["model.json", "manifest.json"])
      if (await exists(`${input}/${name}`)) return readModel(`${input}/${name}`, options);
    return { format: "run", name: input, ...(await runIn(input, options)) };
  }
  const read = async (source: ByteSource): Promise<ModelFile> => {
    const kind = await sniff(source);
    const { format, content, conventions = [] } = await named(source.name, () => readers[kind](source, options, input));
    return { format, name: source.name, conventions, content };
  };
  return withBytes(input, read, options);
}

async function runIn(folder: string, options: ReadModelOptions): Promise<RunContent> {
  try {
    return await readRunModel(folder, options);
  } catch (cause) {
    if (!(cause instanceof UsageError) || cause.code !== "not-a-run") throw cause;
    throw new UsageError(cause.code, `${cause.message}, nor a model.json or a manifest.json`, { cause });
  }
}

interface Read {
  readonly format: ModelFormat;
  readonly content: ModelContent;
  readonly conventions?: readonly string[];
}

const readers: Readonly<
  Record<FileKind, (source: ByteSource, options: ReadModelOptions, input: ByteInput) => Promise<Read>>
> = {
  async onnx(source, { files, onProgress, signal }, input) {
    const bytes = await source.read(0, source.size);
    const refuse = (why: string) => new FailureError("damaged-onnx", why);
    const graph = await withFiles(
      (name) => fileNamed(name, input, { files, names: "the model", refuse }),
      (open) => readOnnxWith(bytes, open),
      { onProgress, signal },
    );
    return { format: "onnx", content: { kind: "graph", graph, bytes } };
  },
  async pytorch(source, options) {
    const { tensors } = await readPyTorch(source);
    return weightsOf("pytorch", tensors, options);
  },
  async safetensors(source, options, input) {
    const stored = inPlace(input, options);
    if (stored) return weightsOf("safetensors", storedSafetensors(stored).tensors, options);
    const file = await openSafetensors(source);
    return weightsOf(
      "safetensors",
      new Map([...file.entries.keys()].map((name) => [name, { read: () => file.read(name) }])),
      options,
    );
  },
  async npz(source, options) {
    const file = await openNpz(source);
    return weightsOf("npz", new Map(file.names.map((name) => [name, { read: () => file.read(name) }])), options);
  },
  npy: async (source) => {
    throw new UsageError("unknown-format", `${source.name}: one array (NPY) is no model; save named arrays as NPZ`);
  },
  keras: async (source) => networkOf("keras", await readKeras(source)),
  async hdf5(source, { config }) {
    try {
      return networkOf("keras-h5", await readKeras(source, { config }));
    } catch (error) {
      // Weights alone still have names, shapes and numbers.
      if (!(error instanceof UsageError) || error.code !== "no-topology") throw error;
      const tensors = await readKerasTensors(source);
      return { format: "keras-h5", content: { kind: "weights", tensors, why: error.message } };
    }
  },
  bundle: async (_, { files, onProgress, signal }, input) =>
    networkOf("tf1", await readTensorFlowBundle(input, { files, onProgress, signal })),
  async json(source, { files, onProgress, signal }, input) {
    // A manifest of TensorFlow 1 is small and names variables, a model of TensorFlow.js names its topology.
    const looked = Math.min(source.size, 1 << 16);
    const start = new TextDecoder().decode(await source.read(0, looked));
    const isModel = /"modelTopology"|"weightsManifest"/.test(start);
    if (!isModel && /"filename"/.test(start))
      return networkOf("tf1", await readTensorFlow1(input, { files, onProgress, signal }));
    if (!isModel && source.size === looked)
      throw new UsageError(
        "unknown-format",
        `${source.name}: JSON, but neither TensorFlow.js' model.json (modelTopology) nor a manifest of variables (filename)`,
      );
    return networkOf("tfjs", await readTensorFlowJs(input, { files, onProgress, signal }));
  },
};

/** A file on disk whose tensors are read when they are needed, so that they go to a machine without a copy of the whole. */
function inPlace(input: ByteInput, { onProgress }: ByteOptions): StoredBytes | undefined {
  if (typeof input !== "string" && !(input instanceof URL)) return undefined;
  let read = 0;
  const tell = (bytes: number): void => {
    const total = stored!.size;
    read = Math.min(read + bytes, total);
    onProgress!({ name: String(input), read, total });
  };
  const stored = storedFile(input, onProgress && tell);
  return stored;
}

const networkOf = (format: ModelFormat, { model, conventions }: OpenedModel): Read => ({
  ...{ format, conventions },
  content: { kind: "network", network: model },
});

/** Tensors by name: the network that they are of, where names and shapes say it. */
async function weightsOf(
  format: ModelFormat,
  tensors: ReadonlyMap<string, StateDictTensor>,
  options: StateDictNetworkOptions,
): Promise<Read> {
  const loaded = new Map<string, SafeTensor>();
  for (const [name, tensor] of tensors) loaded.set(name, await readTensor(tensor));
  const plain = await multipliedOut(loaded);
  try {
    const { network, conventions } = networkOfStateDict(plain, options);
    const kept =
      plain.size < loaded.size ? ["weights that weight_norm or pruning keeps as two tensors are multiplied out"] : [];
    return { format, content: { kind: "network", network }, conventions: [...conventions, ...kept] };
  } catch (error) {
    if (!(error instanceof UsageError) || error.code !== "unknown-network") throw error;
    return { format, content: { kind: "weights", tensors: loaded, why: error.message } };
  }
}

/** Puts the name of the file before what its reader has to say. */
async function named<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw cause instanceof LongshortError && cause.message.includes(file) ? cause : placed(file, cause);
  }
}

const exists = async (path: string): Promise<boolean> => (await refusal(path)) !== "file-not-found";
/** What lies on a server, as all does for a page, is none, and to look would be to fetch it. */
const isFolder = async (path: string): Promise<boolean> =>
  platform.name === "node" && !isAddress(path) && (await refusal(path)) === "file-is-folder";

/** Why a path cannot be opened as a file, if it is none. */
async function refusal(path: string): Promise<string | undefined> {
  try {
    await (await openBytes(path)).close();
    return undefined;
  } catch (error) {
    if (error instanceof LongshortError && ["file-not-found", "file-is-folder"].includes(error.code)) return error.code;
    throw error;
  }
}
