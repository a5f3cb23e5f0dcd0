import { expect, test } from "vitest";
import { activation } from "../../src/layers/activation.ts";
import { convolution1d, fromBatchChannelTime, toBatchChannelTime } from "../../src/layers/convolution.ts";
import { embedding } from "../../src/layers/embedding.ts";
import type { Layer } from "../../src/layers/layer.ts";
import { layerNorm } from "../../src/layers/layer-norm.ts";
import { linear } from "../../src/layers/linear.ts";
import { logSoftmax, softmax } from "../../src/layers/softmax.ts";
import type { ActivationName } from "../../src/math/activations.ts";
import { difference } from "../support/difference.ts";
import { type Golden, golden, goldenNames } from "../support/golden.ts";
import { evaluate, onMachines } from "./on-machines.ts";

/** The layer that a file of PyTorch's describes. */
function layerOf({ config, tensors }: Golden): Layer {
  const name: string = config.name;
  const [rows = 0, columns = 0, kernelSize = 0] = tensors.weight?.shape ?? [];
  if (name.startsWith("act_"))
    return activation(name.includes("hardsigmoid") ? "hardSigmoid" : (name.slice(4) as ActivationName));
  if (name.startsWith("embedding"))
    return embedding({ vocabularySize: rows, embeddingSize: columns, paddingIndex: config.padding_idx });
  if (name.startsWith("linear")) return linear({ inputSize: columns, outputSize: rows, bias: "bias" in tensors });
  if (name === "layernorm") return layerNorm({ size: rows, epsilon: config.eps });
  if (name === "conv1d") {
    const { stride, padding } = config;
    const layer = convolution1d({ inputSize: columns, outputSize: rows, kernelSize, stride, padding });
    return {
      parts: layer.parts,
      forward: (x) => toBatchChannelTime(layer.forward(fromBatchChannelTime(x))),
    };
  }
  return { parts: {}, forward: { softmax, log_softmax: logSoftmax }[name as "softmax" | "log_softmax"] };
}

onMachines("layers as PyTorch's", (machine, tolerance) => {
  const names = goldenNames("layers");
  test("there are 17 files", () => expect(names).toHaveLength(17));

  test.each(names)("%s", async (name) => {
    const file = golden(`layers/${name}`);
    const { tensors } = file;
    const model = layerOf(file);
    const parameters = Object.fromEntries(Object.keys(model.parts).map((key) => [key, tensors[key]!]));
    const { output, shape, gradients } = await evaluate({
      machine: machine(),
      inputs: { input: tensors.input! },
      build: ({ input }) => model.forward(input!),
      seed: tensors["up.output"]!,
      model,
      parameters,
    });
    expect(shape).toEqual(tensors["out.output"]!.shape);
    expect(difference(output, tensors["out.output"]!.data)).toBeLessThan(tolerance.output);
    const expected = Object.keys(tensors).filter((key) => key.startsWith("grad."));
    expect(expected.length).toBeGreaterThan(0);
    for (const key of expected) {
      // PyTorch's derivative of hardsigmoid keeps the constant 1/6 in float32 even for float64.
      const scale = name.includes("hardsigmoid") ? 1 / 6 / Math.fround(1 / 6) : 1;
      const gradient = Float64Array.from(tensors[key]!.data, (g) => g * scale);
      expect(difference(gradients[key.slice(5)]!, gradient), key).toBeLessThan(tolerance.gradient);
    }
  });
});
