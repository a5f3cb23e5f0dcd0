import { expect, test } from "vitest";
import { binaryCrossEntropy } from "../../src/losses/binary-cross-entropy.ts";
import { crossEntropy } from "../../src/losses/cross-entropy.ts";
import { connectionistTemporalClassification } from "../../src/losses/ctc.ts";
import { huber, smoothL1 } from "../../src/losses/huber.ts";
import { klDivergence } from "../../src/losses/kl-divergence.ts";
import { meanAbsoluteError } from "../../src/losses/mean-absolute-error.ts";
import { meanSquaredError } from "../../src/losses/mean-squared-error.ts";
import type { Tensor } from "../../src/tensor/graph.ts";
import { evaluate, onMachines } from "../layers/on-machines.ts";
import { difference } from "../support/difference.ts";
import { type Golden, golden, goldenNames } from "../support/golden.ts";

type Tensors = Readonly<Record<string, Tensor>>;

/** The call that a file of PyTorch's describes. */
function build({ config }: Golden, t: Tensors): Tensor {
  const [x, y, weight] = [(t.logits ?? t.pred)!, (t.target ?? t["const.target"])!, t["const.weight"]];
  if (config.name.startsWith("cross_entropy"))
    return crossEntropy(x, y, {
      weight,
      ...(config.reduction && { reduction: config.reduction }),
      ...(config.label_smoothing && { labelSmoothing: config.label_smoothing }),
      ...(config.ignore_index && { ignoreIndex: config.ignore_index }),
    });
  if (config.name.startsWith("ctc"))
    return connectionistTemporalClassification(x, t.targets!, {
      ...{ inputLengths: t.input_lengths!, targetLengths: t.target_lengths! },
      ...{ blank: config.blank, reduction: config.reduction },
    });
  if (config.name.startsWith("bce")) return binaryCrossEntropy(x, y, { positiveWeight: weight });
  if (config.name === "huber") return huber(x, y, { delta: config.delta });
  if (config.name === "smooth_l1") return smoothL1(x, y, { beta: config.beta });
  if (config.name === "kl_div_batchmean") return klDivergence(x, y, { reduction: "batchmean" });
  return ({ l1: meanAbsoluteError, mse: meanSquaredError } as const)[config.name as "l1" | "mse"](x, y);
}

onMachines("losses as PyTorch's", (machine, tolerance) => {
  const names = goldenNames("loss");
  test("there are 20 files", () => expect(names).toHaveLength(20));

  test.each(names)("%s", async (name) => {
    const file = golden(`loss/${name}`);
    const { tensors } = file;
    const inputs = Object.fromEntries(Object.entries(tensors).filter(([key]) => !/^(up|out|grad)\./.test(key)));
    const { output, gradients, shape } = await evaluate({
      machine: machine(),
      inputs,
      build: (t) => build(file, t),
      seed: tensors["up.loss"]!,
    });
    expect(shape).toEqual(tensors["out.loss"]!.shape);
    expect(difference(output, tensors["out.loss"]!.data)).toBeLessThan(tolerance.output);
    const [key] = Object.keys(tensors).filter((k) => k.startsWith("grad."));
    expect(difference(gradients[key!.slice(5)]!, tensors[key!]!.data)).toBeLessThan(tolerance.gradient);
  });
});
