import type { NamedTensor } from "../../tensor/parameter-store.ts";
import type { PlainSpec, PoolingSpec } from "../canonical.ts";
import { transposed } from "../transposed.ts";
import { activationLayer, readActivation } from "./activations.ts";
import { combiningClasses, modelClasses } from "./classes.ts";
import { type Config, classOf, unsupported } from "./config.ts";
import type { LayerContext, LayerReader, ReadLayer } from "./layer-reader.ts";
import { readBidirectional, readRecurrent, recurrentCell } from "./recurrent.ts";

const plain =
  (spec: (config: Config, context: LayerContext) => PlainSpec | PoolingSpec): LayerReader =>
  (config, context) => ({ spec: spec(config, context), weights: {} });
const nothing = plain(() => ({ kind: "identity" }));
const combining = Object.entries(combiningClasses).map(([by, className]): [string, LayerReader] => [
  className,
  plain(() => ({ kind: "combine", by: by as keyof typeof combiningClasses })),
]);

const denseLayer: LayerReader = (config, { family, arrays }) => {
  refuseQuantized(config);
  const outputSize = config.whole("units");
  const kernel = arrays.take("kernel", ["inputs", outputSize]);
  const bias = config.flag("use_bias", true) ? arrays.take("bias", [outputSize]) : undefined;
  const activation = readActivation(config.get("activation"), `${config.where}, activation`, family);
  return {
    spec: { kind: "dense", inputSize: kernel.shape[0]!, outputSize, bias: bias !== undefined, activation },
    weights: { weight: transposed(kernel), ...(bias && { bias }) },
  };
};

const embeddingLayer: LayerReader = (config, { arrays }) => {
  refuseQuantized(config);
  const [vocabularySize, embeddingSize] = [config.whole("input_dim"), config.whole("output_dim")];
  const weight = arrays.take("embeddings", [vocabularySize, embeddingSize]);
  return {
    spec: { kind: "embedding", vocabularySize, embeddingSize, maskZero: config.flag("mask_zero", false) },
    weights: { weight },
  };
};

function refuseQuantized(config: Config): void {
  for (const key of ["quantization_mode", "lora_rank"])
    if (config.has(key)) throw unsupported(`${config.where}: ${key} ${JSON.stringify(config.get(key))}`);
}

/** Gain and offset; one that the layer does not have is 1 or 0. */
function gainAndOffset(config: Config, { arrays, note }: LayerContext): { weight: NamedTensor; bias: NamedTensor } {
  const [scale, center] = [config.flag("scale", true), config.flag("center", true)];
  if (!scale && !center && arrays.left === 0) throw unsupported(`${config.where}: a normalization without weights`);
  const size = arrays.peek()?.[0] ?? 0;
  const filled = (value: number): NamedTensor => ({ shape: [size], data: new Float32Array(size).fill(value) });
  if (!scale || !center)
    note(
      `${config.where}: ${scale ? "an offset of 0" : "a gain of 1"} stands for the one that the layer does not have`,
    );
  return {
    weight: scale ? arrays.take("gamma", [size]) : filled(1),
    bias: center ? arrays.take("beta", [size]) : filled(0),
  };
}

function axisOf(config: Config): number {
  const axis = config.get("axis");
  if (Array.isArray(axis) && axis.length > 1)
    throw unsupported(`${config.where}: a normalization over the axes ${JSON.stringify(axis)}; one axis is read`);
  return config.whole("axis", -1, -1);
}

const layerNormLayer: LayerReader = (config, context) => {
  if (config.flag("rms_scaling", false)) throw unsupported(`${config.where}: rms_scaling`);
  const axis = axisOf(config);
  const weights = gainAndOffset(config, context);
  return {
    spec: { kind: "layer-norm", size: weights.weight.shape[0]!, axis, epsilon: config.number("epsilon", 1e-3) },
    weights,
  };
};

const batchNormLayer: LayerReader = (config, context) => {
  const weights = gainAndOffset(config, context);
  const size = weights.weight.shape[0]!;
  const mean = context.arrays.take("moving_mean", [size]);
  const variance = context.arrays.take("moving_variance", [size]);
  return {
    spec: { kind: "batch-norm", size, axis: axisOf(config), epsilon: config.number("epsilon", 1e-3) },
    weights: { ...weights, running_mean: mean, running_var: variance },
  };
};

/** What knows channels from steps takes the last axis for them, unless it is told otherwise. */
function expectChannelsLast(config: Config): void {
  if (config.text("data_format", "channels_last") !== "channels_last")
    throw unsupported(`${config.where}: channels before steps`);
}

const convolutionLayer: LayerReader = (config, { family, arrays }) => {
  const [outputSize, kernelSize] = [config.whole("filters"), config.whole("kernel_size")];
  expectChannelsLast(config);
  if (config.whole("groups", 1, 1) !== 1) throw unsupported(`${config.where}: a convolution in groups`);
  const padding = config.text("padding", "valid");
  if (padding !== "valid" && padding !== "same" && padding !== "causal")
    throw config.wrong("padding", '"valid", "same" or "causal"');
  const kernel = arrays.take("kernel", [kernelSize, "channels", outputSize]);
  const bias = config.flag("use_bias", true) ? arrays.take("bias", [outputSize]) : undefined;
  return {
    spec: {
      kind: "convolution",
      ...{ inputSize: kernel.shape[1]!, outputSize, kernelSize, padding, bias: bias !== undefined },
      ...{ stride: config.whole("strides", 1, 1), dilation: config.whole("dilation_rate", 1, 1) },
      activation: readActivation(config.get("activation"), `${config.where}, activation`, family),
    },
    weights: { weight: transposed(kernel), ...(bias && { bias }) },
  };
};

const pooling = (of: PoolingSpec["of"], global: boolean): LayerReader =>
  plain((config): PoolingSpec => {
    expectChannelsLast(config);
    if (global) {
      if (config.flag("keepdims", false)) throw unsupported(`${config.where}: keepdims`);
      return { kind: "pooling", of, window: "global" };
    }
    const size = config.whole("pool_size", 1, 2);
    const padding = config.text("padding", "valid");
    if (padding !== "valid" && padding !== "same") throw config.wrong("padding", '"valid" or "same"');
    return { kind: "pooling", of, window: { size, stride: config.whole("strides", 1, size), padding } };
  });

/** Layers that mask or walk over steps of their own are read as models for each step (`forEachStep`). */
const timeDistributedLayer: LayerReader = (config, context) => {
  const inner = readLayer(config.object("layer"), context);
  if (inner.spec.kind === "masking") throw unsupported(`${config.where}: masking for each step alone`);
  return { spec: { kind: "time-distributed", layer: inner.spec }, weights: inner.weights };
};

/** Every class of layer that is read. */
const readers: ReadonlyMap<string, LayerReader> = new Map(
  Object.entries({
    ...Object.fromEntries(combining),
    ActivityRegularization: nothing,
    AlphaDropout: nothing,
    AveragePooling1D: pooling("mean", false),
    BatchNormalization: batchNormLayer,
    Bidirectional: readBidirectional,
    Concatenate: plain((config) => ({ kind: "concatenate", axis: config.whole("axis", -4, -1) })),
    Conv1D: convolutionLayer,
    Dense: denseLayer,
    Dropout: plain((config) => {
      const noise = config.get("noise_shape");
      if (noise !== undefined) throw unsupported(`${config.where}: noise_shape ${JSON.stringify(noise)}`);
      return { kind: "dropout", rate: config.number("rate"), per: "step" };
    }),
    Embedding: embeddingLayer,
    Flatten: plain((config) => {
      expectChannelsLast(config);
      return { kind: "flatten" };
    }),
    GaussianDropout: nothing,
    GaussianNoise: nothing,
    GlobalAveragePooling1D: pooling("mean", true),
    GlobalMaxPooling1D: pooling("max", true),
    Identity: nothing,
    LayerNormalization: layerNormLayer,
    Masking: plain((config) => ({ kind: "masking", value: config.number("mask_value", 0) })),
    MaxPooling1D: pooling("max", false),
    Permute: plain((config) => ({ kind: "permute", order: config.wholes("dims", 1) })),
    RepeatVector: plain((config) => ({ kind: "repeat", times: config.whole("n") })),
    Reshape: plain((config) => ({ kind: "reshape", shape: config.wholes("target_shape", -1) })),
    SpatialDropout1D: plain((config) => ({ kind: "dropout", rate: config.number("rate"), per: "sequence" })),
    TimeDistributed: timeDistributedLayer,
  } satisfies Record<string, LayerReader>),
);

/** Reads one layer that an entry `{ class_name, config }` describes. */
export function readLayer(entry: Config, context: LayerContext): ReadLayer {
  const { name, config } = classOf(entry);
  const recurrent = recurrentCell(name, config);
  if (recurrent) return readRecurrent(recurrent.cell, recurrent.config, context);
  const reader = readers.get(name);
  if (reader) return reader(config, context);
  const activation = activationLayer(name, config, context.family);
  if (activation) return { spec: { kind: "activation", activation }, weights: {} };
  const reason = reasons.get(name) ?? "is not supported";
  throw unsupported(`${entry.where}: the layer ${JSON.stringify(name)} ${reason}`);
}

/** Why some layers are not read. */
const reasons: ReadonlyMap<string, string> = new Map([
  ["Lambda", "holds code of its own, which is never run: put its function into layers before saving the model"],
  ...modelClasses.map(
    (name) => [name, "is a model inside a wrapper other than TimeDistributed: save the model without it"] as const,
  ),
  ["TFOpLambda", "is an operation of TensorFlow written between layers: use a layer for it"],
  ["ConvLSTM2D", "is recurrent over pictures"],
]);
