import type { Scaling } from "../models/scaling.ts";
import type { SequenceClassifier, SequenceClassifierConfig } from "../models/sequence-classifier.ts";
import type { NamedTensor } from "../tensor/parameter-store.ts";
import type { LayerSpec } from "./canonical.ts";
import {
  ABOUT_TOKENS,
  type DescribedModel,
  DROPOUT_LEFT_OUT,
  listed,
  NetworkBuilder,
  TOKENS,
  type Weights,
} from "./network-builder.ts";

/**
 * A classifier as a network of layers: input `tokens` [B, T] or `series` [B, T, D] in the units of the examples, outputs `logits` and
 * `probabilities` [B, C]; of a regression `prediction` [B, 1] in the units of the labels. An answer is of a whole sequence, so that states
 * begin with zeros and are neither inputs nor outputs.
 *
 * @throws UsageError "not-convertible" for a cell of one's own
 */
export function networkOfClassifier({ config, parts }: SequenceClassifier, trained: Weights): DescribedModel {
  const { cell, classes, pooling, dropout, channels = 0 } = config;
  const { embedding, rnn, head } = parts;
  const network = new NetworkBuilder(trained);
  const input = embedding ? TOKENS : ({ name: "series", shape: [null, channels], type: "float" } as const);
  const read = embedding
    ? network.addEmbedding("embedding", embedding, input.name)
    : scaled(network, config, input.name);
  const steps = network.addStack("rnn", rnn, { cell, last: pooling === "last", independent: true }, read);
  const pooled = pooling === "last" ? steps : network.add("pool", poolOf(pooling, head.weight.shape[1]!), steps);
  const value = network.addLinear("head", head, pooled);
  const outputs = classes
    ? [
        { name: "logits", value },
        { name: "probabilities", value: network.addSoftmax("softmax", value) },
      ]
    : [{ name: "prediction", value: inUnits(network, config, value) }];
  return {
    network: network.finish({ name: "classifier", inputs: [input], outputs }),
    conventions: [
      embedding ? ABOUT_TOKENS : "padding is no part of the network: series of one length are one batch",
      ...(classes ? [`the classes are, in this order: ${listed(classes)}`] : []),
      ...(dropout > 0 ? [DROPOUT_LEFT_OUT] : []),
    ],
  };
}

const poolOf = (pooling: "mean" | "max" | "attention", inputSize: number): LayerSpec =>
  pooling === "attention" ? { kind: "attention-pool", inputSize } : { kind: "pooling", of: pooling, window: "global" };

const filled = (values: readonly number[], shape = [values.length]): NamedTensor => ({
  shape,
  data: Float64Array.from(values),
});

/** (x − mean) ÷ deviation, as the normalization whose statistics these are. Its variance is 1: the square of a deviation may be no float32. */
function scaled(network: NetworkBuilder, { inputScaling }: SequenceClassifierConfig, input: string): string {
  if (!inputScaling) return input;
  const { mean, deviation } = inputScaling;
  return network.add("scaling", { kind: "batch-norm", size: mean.length, axis: -1, epsilon: 0 }, input, {
    weight: filled(deviation.map((one) => 1 / one)),
    bias: filled(mean.map(() => 0)),
    running_mean: filled(mean),
    running_var: filled(mean.map(() => 1)),
  });
}

/** output · deviation + mean */
function inUnits(network: NetworkBuilder, { targetScaling }: { targetScaling?: Scaling | undefined }, value: string) {
  if (!targetScaling) return value;
  const units = { weight: filled(targetScaling.deviation, [1, 1]), bias: filled(targetScaling.mean) };
  return network.addLinear("units", units, value, units);
}
