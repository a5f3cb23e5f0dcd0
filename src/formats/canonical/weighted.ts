import { attentionPool } from "../../layers/attention-pool.ts";
import { convolution1d, padSteps } from "../../layers/convolution.ts";
import { embedding } from "../../layers/embedding.ts";
import { layerNorm } from "../../layers/layer-norm.ts";
import { linear } from "../../layers/linear.ts";
import { equal, select, variable } from "../../math/expression.ts";
import { UsageError } from "../../shared/errors.ts";
import { formatShape } from "../../shared/shapes.ts";
import { pointwise } from "../../tensor/operations.ts";
import { batchNormalized } from "../batch-normalized.ts";
import type {
  AttentionPoolSpec,
  BatchNormSpec,
  ConvolutionSpec,
  DenseSpec,
  EmbeddingSpec,
  LayerNormSpec,
} from "../canonical.ts";
import { samePadding } from "../same-padding.ts";
import { applyActivation } from "./activation.ts";
import type { MakeLayer } from "./layer.ts";
import { batchFirst, maskOf, timeMajor, withTensor } from "./value.ts";

export const embeddingLayer: MakeLayer<EmbeddingSpec> = ({ vocabularySize, embeddingSize, maskZero }) => {
  const layer = embedding({ vocabularySize, embeddingSize });
  return {
    parts: layer.parts,
    forward([x]) {
      const tokens = batchFirst(x!);
      const counts = select(equal(variable("token"), 0), 0, 1);
      if (maskZero && tokens.shape.length !== 2)
        throw new UsageError(
          "shape-mismatch",
          `an embedding that masks token 0 needs tokens [B, T], got ${formatShape(tokens.shape)}`,
        );
      const mask = maskZero ? maskOf(pointwise({ token: tokens }, counts)) : x!.mask;
      return [{ tensor: layer.forward(tokens), timeMajor: false, mask }];
    },
  };
};

export const denseLayer: MakeLayer<DenseSpec> = ({ inputSize, outputSize, bias, activation }) => {
  const layer = linear({ inputSize, outputSize, bias });
  const activate = applyActivation(activation);
  return {
    parts: layer.parts,
    products: layer.products!,
    forward: ([x]) => [withTensor(x!, activate(layer.forward(x!.tensor)))],
  };
};

function expectLastAxis(axis: number, { length }: readonly number[]): void {
  if (axis !== -1 && axis !== length - 1)
    throw new UsageError(
      "unsupported-layer",
      `it normalizes over axis ${axis} of ${length}; only the last axis (${length - 1}) can be normalized`,
    );
}

export const layerNormLayer: MakeLayer<LayerNormSpec> = ({ size, axis, epsilon }) => {
  const layer = layerNorm({ size, epsilon });
  return {
    parts: layer.parts,
    forward([x]) {
      expectLastAxis(axis, x!.tensor.shape);
      return [withTensor(x!, layer.forward(x!.tensor))];
    },
  };
};

const normalized = batchNormalized({
  ...{ x: variable("x"), mean: variable("mean"), variance: variable("variance"), epsilon: variable("epsilon") },
  ...{ weight: variable("w"), bias: variable("b") },
});

/** With the statistics of the file. */
export const batchNormLayer: MakeLayer<BatchNormSpec> = ({ size, axis, epsilon }, weight) => {
  const parameter = (value: number) => ({
    shape: [size],
    initialize: () => new Float64Array(size).fill(value),
  });
  const [w, b] = [parameter(1), parameter(0)];
  const buffers = { running_mean: [size], running_var: [size] };
  return {
    parts: { weight: w, bias: b },
    buffers,
    forward([x]) {
      const { tensor } = x!;
      const { graph } = tensor;
      expectLastAxis(axis, tensor.shape);
      const [mean, variance] = Object.keys(buffers).map((name) => graph.constant([size], weight(name).data));
      const numbers = { mean: mean!, variance: variance!, epsilon: graph.constant([], [epsilon]) };
      return [
        withTensor(x!, pointwise({ x: tensor, ...numbers, w: graph.parameter(w), b: graph.parameter(b) }, normalized)),
      ];
    },
  };
};

export const convolutionLayer: MakeLayer<ConvolutionSpec> = (spec) => {
  const { inputSize, outputSize, kernelSize, stride, dilation, bias } = spec;
  const layer = convolution1d({ inputSize, outputSize, kernelSize, stride, dilation, bias });
  const activate = applyActivation(spec.activation);
  const span = (kernelSize - 1) * dilation + 1;
  const padding = (steps: number): readonly [number, number] => {
    if (spec.padding === "valid") return [0, 0];
    return spec.padding === "causal" ? [span - 1, 0] : samePadding(steps, span, stride);
  };
  return {
    parts: layer.parts,
    forward([x]) {
      const sequence = timeMajor(x!);
      const padded = padSteps(sequence, ...padding(sequence.shape[0]!));
      return [{ tensor: activate(layer.forward(padded)), timeMajor: true }];
    },
  };
};

export const attentionPoolLayer: MakeLayer<AttentionPoolSpec> = ({ inputSize }) => {
  const layer = attentionPool({ inputSize });
  return {
    parts: layer.parts!,
    forward: ([x]) => [{ tensor: layer.forward(timeMajor(x!), { mask: x!.mask }), timeMajor: false }],
  };
};
