import type { Scaling } from "../models/scaling.ts";
import type { SequenceClassifier } from "../models/sequence-classifier.ts";
import type { NamedTensor } from "../tensor/parameter-store.ts";
import type { LayerSpec } from "./canonical.ts";
import {
  ABOUT_TOKENS,
  type DescribedModel,
  DROPOUT_LEFT_OUT,
  LENGTHS,
  listed,
  NetworkBuilder,
  TOKENS,
  type Weights,
} from "./network-builder.ts";

/**
 * A classifier as a network of layers: inputs `tokens` [B, T] or `series` [B, T, D] in the units of the examples, and `lengths` [B] where
 * sequences are padded; outputs `logits` and `probabilities` [B, C]; of a regression `prediction` [B, 1] in the units of the labels. An
 * answer is of a whole sequence, so that states begin with zeros and are neither inputs nor outputs.
 *
 * @throws UsageError "bad-cell" for a cell of code that words cannot say
 */
export function networkOfClassifier({ config, parts }: SequenceClassifier, trained: Weights): DescribedModel {
  const { cell, classes, pooling, dropout, channels = 0, inputScaling, targetScaling, calibration } = config;
  const { embedding, rnn, head } = parts;
  const network = new NetworkBuilder(trained);
  const input = embedding ? TOKENS : ({ name: "series", shape: [null, channels], type: "float" } as const);
  const sequence = network.addLengths("sequence", input.name, LENGTHS.name);
  const read = embedding
    ? network.addEmbedding("embedding", embedding, sequence)
    : inputScaling
      ? network.addStandardization("scaling", inputScaling, sequence)
      : sequence;
  const steps = network.addStack("rnn", rnn, { cell, last: pooling === "last", independent: true }, read);
  const pooled = pooling === "last" ? steps : network.add("pool", poolOf(pooling, head.weight.shape[1]!), steps);
  const { temperature = 1, threshold } = calibration ?? {};
  const value = network.addLinear("head", head, pooled, divided(trained, temperature));
  const outputs = classes
    ? [
        { name: "logits", value },
        { name: "probabilities", value: network.addSoftmax("softmax", value) },
      ]
    : [{ name: "prediction", value: targetScaling ? inUnits(network, targetScaling, value) : value }];
  return {
    network: network.finish({ name: "classifier", inputs: [input, LENGTHS], outputs }),
    conventions: [
      ...(embedding ? [ABOUT_TOKENS] : []),
      ...(classes ? [`the classes are, in this order: ${listed(classes)}`] : []),
      ...(temperature === 1 ? [] : [`the logits are those of training divided by the temperature, ${temperature}`]),
      ...(threshold
        ? [
            `the answer is ${JSON.stringify(threshold.label)} from a probability of ${threshold.probability} on, which is no part of the network`,
          ]
        : []),
      ...(dropout > 0 ? [DROPOUT_LEFT_OUT] : []),
    ],
  };
}

const poolOf = (pooling: "mean" | "max" | "attention", inputSize: number): LayerSpec =>
  pooling === "attention"
    ? { kind: "attention-pool", inputSize }
    : { kind: "pooling", of: pooling, window: "global", skipMasked: true };

const inUnits = (network: NetworkBuilder, { mean, deviation }: Scaling, value: string): string =>
  network.addAffine("units", { scale: deviation, offset: mean }, value);

/** The weights of a head whose outputs are divided by a number. */
function divided(trained: Weights, by: number): Readonly<Record<string, NamedTensor>> | undefined {
  if (by === 1) return undefined;
  const part = (name: string): NamedTensor => {
    const { shape, data } = trained.get(`head.${name}`)!;
    return { shape, data: Float64Array.from(data, (x) => x / by) };
  };
  return { weight: part("weight"), bias: part("bias") };
}
