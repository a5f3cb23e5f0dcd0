import type { ByteSource } from "../../platform/platform.ts";
import { concatBytes } from "../../shared/concat-bytes.ts";
import { expectOptions } from "../../shared/options.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { type ByteInput, type ByteOptions, withBytes } from "../byte-source.ts";
import { Network } from "../canonical/network.ts";
import type { OpenedModel } from "../canonical.ts";
import { fileNamed } from "../files-beside.ts";
import { Config, damaged, unsupported } from "../keras/config.ts";
import { kerasFamily, tfjsFamily } from "../keras/family.ts";
import { readTopology } from "../keras/topology.ts";
import { arraysOfParts } from "../keras/weights.ts";
import { decodeGroup, isOfOptimizer, readManifest, type WeightGroup } from "./weights.ts";

/** Options of `readTensorFlowJs`. */
export interface ReadTensorFlowJsOptions extends ByteOptions {
  /** The weight files by the names in model.json, for a model given as bytes, a Blob or a File. Default: the files beside model.json. */
  readonly files?: Readonly<Record<string, ByteInput>> | undefined;
}

/** Far above any model that fits a page. */
const MAXIMUM_JSON = 64 * 2 ** 20;
const MAXIMUM_WEIGHTS = 4 * 2 ** 30;
const FRESH_OPTIMIZER = "what the file keeps of the optimizer is left out: further training begins with fresh averages";

/**
 * Reads a TensorFlow.js layers model: model.json and its weight files, plain or quantized.
 * @param input a path or URL of model.json, or its bytes with `files` beside them
 * @throws UsageError "unsupported-keras" that names the layer; FailureError "damaged-keras"; and what reading files throws
 */
export async function readTensorFlowJs(input: ByteInput, options: ReadTensorFlowJsOptions = {}): Promise<OpenedModel> {
  expectOptions("readTensorFlowJs", options, { files: 1, onProgress: 1, signal: 1 });
  const file = await withBytes(input, (source) => Config.read(source, "model.json", MAXIMUM_JSON), {
    signal: options.signal,
  });
  if (file.get("format") === "graph-model" || (!file.has("modelTopology") && file.has("weightsManifest")))
    throw unsupported(
      "model.json holds a graph of TensorFlow operations, not layers: what recurrent layers it was made of is lost; convert the Keras model itself (.keras or .h5), or export it as a layers model",
    );
  const topology = file.object("modelTopology");
  const tensors = new Map<string, NamedTensor>();
  const groups = readManifest(file);
  for (const group of groups) {
    const bytes = await groupBytes(group, input, options);
    for (const [name, tensor] of decodeGroup(group, bytes)) {
      if (tensors.has(name)) throw damaged(`the weight ${JSON.stringify(name)} is listed twice`);
      tensors.set(name, tensor);
    }
  }
  const version = topology.text("keras_version", "tfjs-layers");
  const family = version.startsWith("tfjs") ? tfjsFamily("TensorFlow.js") : kerasFamily(version);
  const entry = topology.has("model_config") ? topology.object("model_config") : topology;
  const arrays = arraysOfParts([...tensors].map(([name, tensor]) => ({ name, ...tensor })));
  const { model, conventions } = readTopology(entry, { family, arrays });
  new Network(model);
  const fresh = groups.some(({ weights }) => weights.some(isOfOptimizer)) ? [FRESH_OPTIMIZER] : [];
  return { format: "tensorflow.js", model, conventions: [...conventions, ...fresh] };
}

async function groupBytes(
  { paths }: WeightGroup,
  input: ByteInput,
  { files, onProgress, signal }: ReadTensorFlowJsOptions,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (const path of paths) {
    const read = async (source: ByteSource): Promise<Uint8Array> => {
      length += source.size;
      if (length > MAXIMUM_WEIGHTS) throw damaged(`the weights take more than ${MAXIMUM_WEIGHTS} bytes`);
      return source.read(0, source.size);
    };
    parts.push(
      await withBytes(fileNamed(path, input, { files, names: "model.json", refuse: damaged }), read, {
        onProgress,
        signal,
      }),
    );
  }
  return parts.length === 1 ? parts[0]! : concatBytes(parts);
}
