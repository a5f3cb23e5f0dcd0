import { expect, test } from "vitest";
import { linear } from "../../src/layers/linear.ts";
import { type CrossEntropyOptions, crossEntropy } from "../../src/losses/cross-entropy.ts";
import { linearCrossEntropy } from "../../src/losses/linear-cross-entropy.ts";
import { languageModel } from "../../src/models/language-model.ts";
import { languageModelLoss } from "../../src/models/language-model-loss.ts";
import { add, mul } from "../../src/tensor/arithmetic.ts";
import type { Graph, Tensor } from "../../src/tensor/graph.ts";
import { matmul, reshape } from "../../src/tensor/operations.ts";
import type { HasParameters } from "../../src/tensor/parameter.ts";
import { evaluate, onMachines, type Result } from "../layers/on-machines.ts";
import { numbers } from "../machines/harness.ts";
import { difference } from "../support/difference.ts";
import { golden, goldenNames } from "../support/golden.ts";

const [T, B, H, V] = [3, 4, 6, 9];
const inputs = {
  x: { shape: [T, B, H], data: Float64Array.from(numbers(T * B * H, 1)) },
  weight: { shape: [V, H], data: Float64Array.from(numbers(V * H, 2)) },
  bias: { shape: [V], data: Float64Array.from(numbers(V, 3)) },
  target: { shape: [T, B], data: Int32Array.from(numbers(T * B, 4), (v) => Math.floor(((v + 2) / 4) * V)) },
};
inputs.target.data[5] = 2;
inputs.target.data[7] = 2;

type Build = (t: Readonly<Record<string, Tensor>>, graph: Graph) => Tensor;
const options: Record<string, (graph: Graph) => CrossEntropyOptions> = {
  mean: () => ({}),
  sum: () => ({ reduction: "sum" }),
  none: () => ({ reduction: "none" }),
  "ignored class, smoothing": () => ({ ignoreIndex: 2, labelSmoothing: 0.2 }),
  "weights, mask": (graph) => ({
    weight: graph.constant([V], [1, 2, 0.5, 3, 1, 1, 0.25, 4, 1]),
    mask: graph.constant([T, B], [1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1]),
  }),
};
const composed = (t: Readonly<Record<string, Tensor>>, o: CrossEntropyOptions): Tensor => {
  const logits = matmul(reshape(t.x!, [T * B, H]), t.weight!, { transposeB: true, bias: t.bias });
  return crossEntropy(reshape(logits, [T, B, V]), t.target!, o);
};
const fused = (t: Readonly<Record<string, Tensor>>, o: CrossEntropyOptions): Tensor =>
  linearCrossEntropy(t.x!, { weight: t.weight!, bias: t.bias }, t.target!, o);

function expectSame(came: Result, right: Result, tolerance: { output: number; gradient: number }): void {
  expect(came.shape).toEqual(right.shape);
  expect(difference(came.output, right.output)).toBeLessThan(tolerance.output);
  expect(Object.keys(came.gradients)).toEqual(Object.keys(right.gradients));
  for (const [name, gradient] of Object.entries(came.gradients))
    expect(difference(gradient, right.gradients[name]!), name).toBeLessThan(tolerance.gradient);
}

onMachines("linear with cross entropy", (machine, tolerance) => {
  const run = (build: Build, more: { model?: HasParameters } = {}): Promise<Result> =>
    evaluate({ machine: machine(), inputs, build, ...more });

  test.each(Object.keys(options))("%s: as the composition", async (name) => {
    const [came, right] = [fused, composed].map((f) => run((t, graph) => f(t, options[name]!(graph))));
    expectSame(await came!, await right!, tolerance);
  });

  test("a loss that is only part of what is minimised: its gradients are taken when their factor is known", async () => {
    const part =
      (f: typeof fused): Build =>
      (t, graph) =>
        add(mul(f(t, {}), graph.constant([], [0.25])), mul(f(t, { reduction: "sum" }), graph.constant([], [2])));
    expectSame(await run(part(fused)), await run(part(composed)), tolerance);
  });

  test("weights that are used elsewhere too", async () => {
    const twice =
      (f: typeof fused): Build =>
      (t) => {
        const before = matmul(reshape(t.x!, [T * B, H]), matmul(t.weight!, t.weight!, { transposeA: true }));
        return f({ ...t, x: reshape(before, [T, B, H]) }, {});
      };
    expectSame(await run(twice(fused)), await run(twice(composed)), tolerance);
  });

  test.each(goldenNames("loss").filter((name) => /^cross_entropy/.test(name)))("PyTorch's %s", async (name) => {
    const { tensors, config } = golden(`loss/${name}`);
    const logits = tensors.logits!;
    const classes = logits.shape.at(-1)!;
    const identity = Array.from({ length: classes * classes }, (_, i) => (i % (classes + 1) === 0 ? 1 : 0));
    const { output, gradients } = await evaluate({
      machine: machine(),
      inputs: Object.fromEntries(Object.entries(tensors).filter(([key]) => !/^(up|out|grad)\./.test(key))),
      seed: tensors["up.loss"]!,
      build: (t, graph) =>
        linearCrossEntropy(
          t.logits!,
          { weight: graph.constant([classes, classes], identity) },
          (t.target ?? t["const.target"])!,
          {
            weight: t["const.weight"] && { ...t["const.weight"], differentiable: false },
            ...(config.reduction && { reduction: config.reduction }),
            ...(config.label_smoothing && { labelSmoothing: config.label_smoothing }),
            ...(config.ignore_index && { ignoreIndex: config.ignore_index }),
          },
        ),
    });
    expect(difference(output, tensors["out.loss"]!.data)).toBeLessThan(tolerance.output);
    const [key] = Object.keys(tensors).filter((k) => k.startsWith("grad."));
    expect(difference(gradients[key!.slice(5)]!, tensors[key!]!.data)).toBeLessThan(tolerance.gradient);
  });

  test.each([false, true])("a language model's loss is the cross entropy of its logits (tied: %s)", async (tied) => {
    const model = languageModel({ vocabularySize: V, hiddenSize: 5, ...(tied ? { tied } : { embeddingSize: 4 }) });
    const tokens = (t: Readonly<Record<string, Tensor>>): Tensor => t.target!;
    const came = await run((t) => languageModelLoss(model, tokens(t), t.target!, { labelSmoothing: 0.1 }).loss, {
      model,
    });
    const right = await run((t) => crossEntropy(model.forward(tokens(t)).logits, t.target!, { labelSmoothing: 0.1 }), {
      model,
    });
    expectSame(came, right, tolerance);
  });

  test("what does not fit is refused", async () => {
    const head = linear({ inputSize: H, outputSize: V });
    expect(head.weight.shape).toEqual([V, H]);
    await expect(run((t) => linearCrossEntropy(t.x!, { weight: t.bias! }, t.target!))).rejects.toThrow(/weight/);
    await expect(run((t) => fused(t, { labelSmoothing: 2 }))).rejects.toThrow(/labelSmoothing/);
    await expect(run((t) => fused({ ...t, target: { ...t.target!, shape: [T * B] } }, {}))).rejects.toThrow(/target/);
  });
});
