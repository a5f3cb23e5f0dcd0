import type { LinearCrossEntropy } from "../compute/plan.ts";
import { expectOneOf, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { size } from "../shared/shapes.ts";
import { expectTensor, type Tensor } from "../tensor/graph.ts";
import { graphOf } from "../tensor/graph-of.ts";
import { matmul, reshape } from "../tensor/operations.ts";
import { type CrossEntropyOptions, crossEntropy, expectCrossEntropy, IGNORED } from "./cross-entropy.ts";

/** A linear layer before the softmax. */
export interface LinearHead {
  /** [V, H] */
  readonly weight: Tensor;
  /** [V], or none. */
  readonly bias?: Tensor | undefined;
}

/**
 * Computes `crossEntropy(x Wᵀ + b, target)` without holding all logits at once: rows are processed in blocks, and gradients of the loss
 * itself are computed in the same sweep. Memory is that of one block, at most 128 rows of V logits. With probabilities as targets, or
 * reduction "none", all logits are computed.
 * @param x [..., H].
 * @param target Whole numbers [...] in [0, V) (an int tensor), or probabilities [..., V].
 * @returns Shape [], or with reduction "none" [...].
 * @throws UsageError "shape-mismatch", "out-of-range"
 */
export function linearCrossEntropy(
  x: Tensor,
  head: LinearHead,
  target: Tensor,
  options: CrossEntropyOptions = {},
): Tensor {
  expectOptions("linearCrossEntropy", options, { weight: 1, labelSmoothing: 1, ignoreIndex: 1, reduction: 1, mask: 1 });
  const { weight, bias } = head;
  const graph = graphOf("linearCrossEntropy", [x, weight, target], [bias, options.weight, options.mask]);
  const places = x.shape.slice(0, -1);
  const [rows, columns] = [size(places), x.shape.at(-1)!];
  const classes = weight.shape[0]!;
  expectTensor("linearCrossEntropy: weight", weight, ["V", columns]);
  if (bias) expectTensor("linearCrossEntropy: bias", bias, [classes]);
  const { mask, reduction = "mean", labelSmoothing = 0, ignoreIndex = IGNORED } = options;
  if (reduction === "none" || target.range.type !== "int") {
    const logits = matmul(reshape(x, [rows, columns]), weight, { transposeB: true, bias });
    return crossEntropy(reshape(logits, [...places, classes]), target, options);
  }
  expectOneOf("reduction", reduction, ["mean", "sum"]);
  expectCrossEntropy("linearCrossEntropy", [...places, classes], target, options);
  if (options.weight?.differentiable)
    throw new UsageError("bad-option", "linearCrossEntropy: class weights that are learned have no gradient here");

  const operands = {
    ...{ x: x.range, weight: weight.range, target: target.range },
    ...(bias && { bias: bias.range }),
    ...(options.weight && { classWeight: options.weight.range }),
    ...(mask && { mask: mask.range }),
  };
  const kernel = (gradients: LinearCrossEntropy["gradients"]): LinearCrossEntropy => ({
    ...{ op: "linearCrossEntropy", rows, columns, classes, labelSmoothing, ignoreIndex, gradients },
    ...{ bias: bias !== undefined, weighted: options.weight !== undefined, masked: mask !== undefined },
    mean: reduction === "mean",
  });
  const inputs = { x, weight, ...(bias && { bias }) };
  const loss = graph.empty(
    [],
    Object.values(inputs).some((t) => t.differentiable),
  );
  const place = graph.launch(kernel([]), { ...operands, loss: loss.range });
  graph.record([loss], ([adjoint]) =>
    graph.contribute(Object.values(inputs), (ranges) => {
      const names = Object.keys(inputs) as (keyof typeof inputs)[];
      const wanted = names.filter((_, k) => ranges[k]);
      const outputs = Object.fromEntries(wanted.map((name) => [`d.${name}`, ranges[names.indexOf(name)]!]));
      const seed = graph.constantAdjoint(loss);
      // Known beforehand, the gradients are taken where the loss is; otherwise the blocks are gone through once more.
      if (seed !== undefined) {
        const known = graph.constant([], [seed]).range;
        graph.replace(place, kernel(wanted), { ...operands, ...outputs, loss: loss.range, seed: known });
      } else {
        const again = graph.empty([]).range;
        graph.launch(kernel(wanted), { ...operands, ...outputs, loss: again, seed: adjoint! });
      }
    }),
  );
  return loss;
}
