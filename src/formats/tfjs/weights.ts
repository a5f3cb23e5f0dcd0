import type { ElementTypeName } from "../../checkpoint/element-types.ts";
import { byteLength, SafeTensor } from "../../checkpoint/safe-tensor.ts";
import { formatShape } from "../../shared/shapes.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { Config, damaged, unsupported } from "../keras/config.ts";

/** A group of the manifest: files that are one sequence of bytes, and the tensors that lie in it one after the other. */
export interface WeightGroup {
  readonly paths: readonly string[];
  readonly weights: readonly Config[];
}

export function readManifest(model: Config): WeightGroup[] {
  return model.list("weightsManifest").map((value) => {
    const group = new Config(value, "weightsManifest");
    const paths = group.list("paths").map((path) => {
      if (typeof path !== "string") throw group.wrong("paths", "names of files");
      return path;
    });
    return { paths, weights: group.list("weights").map((weight) => new Config(weight, "weightsManifest, weights")) };
  });
}

const types: ReadonlyMap<string, ElementTypeName> = new Map([
  ["float32", "F32"],
  ["float16", "F16"],
  ["int32", "I32"],
  ["uint8", "U8"],
  ["uint16", "U16"],
  ["bool", "BOOL"],
]);

/** What TensorFlow.js keeps of the optimizer beside the weights of layers, where it saves with `includeOptimizer`. */
export const isOfOptimizer = (weight: Config): boolean => weight.get("group") === "optimizer";

/** The tensors of layers in a group by name, in the order of the manifest; quantized ones as the numbers that they stand for. */
export function decodeGroup({ weights }: WeightGroup, bytes: Uint8Array): Map<string, NamedTensor> {
  const tensors = new Map<string, NamedTensor>();
  let at = 0;
  for (const weight of weights) {
    const name = weight.text("name");
    if (tensors.has(name)) throw damaged(`the weight ${JSON.stringify(name)} is listed twice`);
    const shape = weight.wholes("shape", 0, "sizes");
    const quantized = weight.has("quantization") ? weight.object("quantization") : undefined;
    const stored = (quantized ?? weight).text("dtype");
    const dtype = types.get(stored);
    if (!dtype) throw unsupported(`the weight ${JSON.stringify(name)} is of type ${JSON.stringify(stored)}`);
    const length = byteLength(dtype, shape);
    if (length === undefined || length > bytes.length - at)
      throw damaged(
        `the weight ${JSON.stringify(name)} of shape ${formatShape(shape)} takes ${length ?? "too many"} bytes, ${bytes.length - at} are left in its files`,
      );
    at += length;
    if (isOfOptimizer(weight)) continue;
    const data = new SafeTensor(dtype, shape, bytes.subarray(at - length, at)).toFloat32();
    tensors.set(name, { shape, data: quantized ? dequantized(data, weight, quantized) : data });
  }
  if (at !== bytes.length)
    throw damaged(`the files of the weights have ${bytes.length - at} bytes more than the manifest names`);
  return tensors;
}

/** q · scale + min; half precision is stored as it is. */
function dequantized(data: Float32Array, weight: Config, quantized: Config): Float32Array {
  if (quantized.text("dtype") === "float16") return data;
  const [scale, min] = [quantized.number("scale"), quantized.number("min")];
  const whole = weight.text("dtype") === "int32";
  return data.map((q) => (whole ? Math.round(q * scale + min) : q * scale + min));
}
