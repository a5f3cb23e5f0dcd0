import { type NamedActivation, withConstants } from "../../math/activations.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import type { LayerSpec } from "../canonical.ts";
import { transposed } from "../transposed.ts";
import { writeActivation } from "./activations.ts";
import { combiningClasses } from "./classes.ts";
import { unsupported } from "./config.ts";
import { writeBidirectional, writeRecurrent } from "./write-recurrent.ts";
import { innerEntry, type JsonConfig, type WriteContext, type WrittenArray, type WrittenLayer } from "./written.ts";

type Writer<S extends LayerSpec> = (spec: S, context: WriteContext) => WrittenLayer;

/** Of a model in one wrapper its layers were read one by one, and a file would need the model that they were. */
const eachStep: Writer<Extract<LayerSpec, { kind: "fold-steps" | "unfold-steps" }>> = (_, { name }) => {
  throw unsupported(
    `layer "${name}": a model for each step (TimeDistributed) was read as its layers, and is not put together again; write it as ONNX`,
  );
};

/** What is told of a layer that reads lengths. */
export const noLengths = (name: string): Error =>
  unsupported(
    `layer "${name}": it reads how many steps of each sequence count, which Keras and TensorFlow.js take as masks of values alone; write it as ONNX`,
  );

const plain = (className: string, config: JsonConfig = {}): WrittenLayer => ({ className, config, arrays: [] });

/** Arrays of a layer itself; those that it does not have are left out. */
export function arraysOf(entries: Readonly<Record<string, NamedTensor | undefined>>): WrittenArray[] {
  return Object.entries(entries).flatMap(([name, tensor]) => (tensor ? [{ name, part: "", tensor }] : []));
}

const activationOf = (spec: NamedActivation, { name, family }: WriteContext): string =>
  writeActivation(spec, `layer "${name}"`, family);

/** A layer of activation: by name, or as the layer that has the constants. */
function activationLayer(activation: NamedActivation, context: WriteContext): WrittenLayer {
  const { alpha, beta, name } = withConstants(activation);
  const k3 = context.family.kind === "keras-3";
  if (name === "leakyRelu") return plain("LeakyReLU", k3 ? { negative_slope: alpha! } : { alpha: alpha! });
  if (name === "elu") return plain("ELU", { alpha: alpha! });
  if (name === "thresholdedRelu" && !k3) return plain("ThresholdedReLU", { theta: alpha! });
  if (name === "clamp" && alpha === 0) return plain("ReLU", { max_value: beta! });
  return plain("Activation", { activation: activationOf(activation, context) });
}

const gains = ({ weight }: WriteContext) => ({ gamma: weight("weight"), beta: weight("bias") });

/** How each kind of layer is written. */
const writers: { [K in LayerSpec["kind"]]: Writer<Extract<LayerSpec, { kind: K }>> } = {
  activation: ({ activation }, context) => activationLayer(activation, context),
  "attention-pool": (_, { name }) => {
    throw unsupported(`layer "${name}": Keras has no layer that pools steps by attention so; write it as ONNX`);
  },
  "batch-norm": ({ axis, epsilon }, context) => ({
    className: "BatchNormalization",
    config: { axis, epsilon, momentum: 0.99, center: true, scale: true },
    arrays: arraysOf({
      ...gains(context),
      moving_mean: context.weight("running_mean"),
      moving_variance: context.weight("running_var"),
    }),
  }),
  bidirectional: writeBidirectional,
  combine: ({ by }, { name, family, masks }) => {
    if (family.kind === "tfjs" && by === "subtract")
      throw unsupported(`layer "${name}": TensorFlow.js has no layer that subtracts; write it as ONNX`);
    if (family.kind === "tfjs" && masks)
      throw unsupported(`layer "${name}": TensorFlow.js fails where it joins sequences that have a mask`);
    return plain(combiningClasses[by]);
  },
  concatenate: ({ axis }) => plain("Concatenate", { axis }),
  convolution: (spec, context) => {
    if (context.family.kind === "tfjs" && spec.padding === "causal")
      throw unsupported(`layer "${context.name}": TensorFlow.js has no causal convolution`);
    const kernel = context.weight("weight");
    return {
      className: "Conv1D",
      config: {
        ...{ filters: spec.outputSize, kernel_size: [spec.kernelSize], strides: [spec.stride] },
        ...{ dilation_rate: [spec.dilation], padding: spec.padding, data_format: "channels_last" },
        ...{ use_bias: spec.bias, activation: activationOf(spec.activation, context) },
      },
      arrays: arraysOf({ kernel: kernel && transposed(kernel), bias: context.weight("bias") }),
    };
  },
  dense: (spec, context) => {
    const kernel = context.weight("weight");
    return {
      className: "Dense",
      config: { units: spec.outputSize, use_bias: spec.bias, activation: activationOf(spec.activation, context) },
      arrays: arraysOf({ kernel: kernel && transposed(kernel), bias: context.weight("bias") }),
    };
  },
  dropout: ({ rate, per }) => plain(per === "sequence" ? "SpatialDropout1D" : "Dropout", { rate }),
  embedding: (spec, { weight }) => ({
    className: "Embedding",
    config: { input_dim: spec.vocabularySize, output_dim: spec.embeddingSize, mask_zero: spec.maskZero },
    arrays: arraysOf({ embeddings: weight("weight") }),
  }),
  flatten: () => plain("Flatten", { data_format: "channels_last" }),
  "fold-steps": eachStep,
  identity: () => plain("Activation", { activation: "linear" }),
  "layer-norm": ({ axis, epsilon }, context) => ({
    className: "LayerNormalization",
    config: { axis, epsilon, center: true, scale: true },
    arrays: arraysOf(gains(context)),
  }),
  lengths: (_, { name }) => {
    throw noLengths(name);
  },
  masking: ({ value }) => plain("Masking", { mask_value: value }),
  permute: ({ order }) => plain("Permute", { dims: order }),
  pooling: ({ of, window, skipMasked }, { name, family, masks }) => {
    const word = of === "max" ? "Max" : "Average";
    if (window === "global") {
      if (family.kind === "tfjs" && masks && of === "mean")
        throw unsupported(
          `layer "${name}": TensorFlow.js takes the mean of masked steps too: the function would change`,
        );
      if (of === "max" && masks && skipMasked)
        throw unsupported(
          `layer "${name}": ${family.name} takes the maximum of masked steps too: the function would change`,
        );
      return plain(`Global${word}Pooling1D`);
    }
    const { size, stride, padding } = window;
    return plain(`${word}Pooling1D`, { pool_size: [size], strides: [stride], padding });
  },
  recurrent: writeRecurrent,
  repeat: ({ times }) => plain("RepeatVector", { n: times }),
  reshape: ({ shape }) => plain("Reshape", { target_shape: shape }),
  "unfold-steps": eachStep,
  "time-distributed": ({ layer }, context) => {
    const inner = writeLayer(layer, context);
    const { className, config, arrays } = inner;
    const named = { name: `${context.name}_inner`, trainable: true, ...config };
    return {
      className: "TimeDistributed",
      config: { layer: innerEntry(className, named, context.family) },
      arrays: arrays.map((array) => ({ ...array, part: `layer/${array.part}` })),
    };
  },
};

/**
 * A layer for Keras or TensorFlow.js.
 *
 * @throws UsageError "unsupported-keras" when the layer has no form there that is the same function
 */
export function writeLayer(spec: LayerSpec, context: WriteContext): WrittenLayer {
  return (writers[spec.kind] as Writer<LayerSpec>)(spec, context);
}
