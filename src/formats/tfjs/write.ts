import { expectOptions } from "../../shared/options.ts";
import type { OwnBytes } from "../../shared/own-bytes.ts";
import type { CanonicalModel } from "../canonical.ts";
import { isPlain } from "../files-beside.ts";
import { join } from "../join.ts";
import { tfjsFamily } from "../keras/family.ts";
import { type WriteKerasOptions, writeTopology } from "../keras/write-topology.ts";

/** The weights' file of a model: of `model.json` "weights.bin", of `novel.json` "novel.weights.bin", so that several fit one folder. */
export function weightsFileOf(model: string): string {
  const name = model.replace(/^.*[/\\]/, "").replace(/\.json$/i, "");
  return name === "model" || !isPlain(name) ? "weights.bin" : `${name}.weights.bin`;
}

/** Options of `writeTensorFlowJs`. */
export interface WriteTensorFlowJsOptions extends WriteKerasOptions {
  /** Name of the file with the weights. Default "weights.bin". */
  readonly weightsFile?: string | undefined;
}

/**
 * Returns the files `model.json` and `weights.bin` of a model for `tf.loadLayersModel`, to be stored in one folder.
 * @throws UsageError "unsupported-keras" for what TensorFlow.js cannot compute, such as a GRU that resets after the product: a conversion
 *   that would change the function is refused
 */
export function writeTensorFlowJs(
  model: CanonicalModel,
  options: WriteTensorFlowJsOptions = {},
): Map<string, OwnBytes> {
  expectOptions("writeTensorFlowJs", options, { batchSize: 1, weightsFile: 1 });
  const { weightsFile = "weights.bin" } = options;
  const { config, layers } = writeTopology(model, tfjsFamily("TensorFlow.js"), options);
  const tensors = layers.flatMap(({ name, arrays }) =>
    arrays.map((array) => ({ name: `${name}/${array.name}`, tensor: array.tensor })),
  );
  const weights = join(
    tensors.map(({ tensor }) => tensor.data),
    Float32Array,
  );
  const json = {
    format: "layers-model",
    generatedBy: "longshort",
    convertedBy: null,
    modelTopology: { ...config, keras_version: "tfjs-layers 4.22.0", backend: "tensor_flow.js" },
    weightsManifest: [
      {
        paths: [weightsFile],
        weights: tensors.map(({ name, tensor: { shape } }) => ({ name, shape, dtype: "float32" })),
      },
    ],
  };
  return new Map([
    ["model.json", new TextEncoder().encode(JSON.stringify(json))],
    [weightsFile, new Uint8Array(weights.buffer)],
  ]);
}
