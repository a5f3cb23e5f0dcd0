import { div, exp, less, mul, select, sub, tanh, variable } from "../math/expression.ts";
import { expectInteger } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { expectTensor, type Tensor } from "../tensor/graph.ts";
import { pointwise, reduce, reshape, stopGradient } from "../tensor/operations.ts";
import type { HasParameters } from "../tensor/parameter.ts";
import type { MaskInput } from "./layer.ts";
import { linear } from "./linear.ts";
import { LOWEST } from "./pool-over-time.ts";

/** The layer of `attentionPool`. */
export interface AttentionPool extends HasParameters {
  /** [T, B, inputSize] → [B, inputSize]. Steps with 0 in `mask` [T, B] do not count, and may hold NaN. */
  forward(x: Tensor, input?: MaskInput): Tensor;
}

/**
 * Pools a sequence into one vector with attention: `Σ_t a_t x_t` with `a = softmax_t(v · tanh(W x_t + b))`, over the steps that count;
 * zeros if none counts.
 *
 * Parameters `key.weight` [D, D], `key.bias` [D], `query.weight` [1, D], with D the `inputSize`.
 * @see Yang et al. (2016), "Hierarchical attention networks for document classification"
 */
export function attentionPool(options: {
  /** D: size of the input at a step. */
  readonly inputSize: number;
}): AttentionPool {
  expectOptions("attentionPool", options, { inputSize: "required" });
  const inputSize = expectInteger("attentionPool: inputSize", options.inputSize, { min: 1 });
  const key = linear({ inputSize, outputSize: inputSize });
  const query = linear({ inputSize, outputSize: 1, bias: false });
  return {
    parts: { key, query },
    forward(x, input = {}) {
      expectOptions("AttentionPool.forward", input, { mask: 1 });
      const { mask } = input;
      expectTensor("attentionPool: input", x, ["T", "B", inputSize]);
      const [steps, batch] = x.shape as [number, number, number];
      if (mask) expectTensor("attentionPool: mask", mask, [steps, batch]);
      const seen = mask ? reshape(mask, [steps, batch, 1]) : x.graph.constant([1, 1, 1], [1]);
      const counts = less(0, variable("seen"));
      // What a step that does not count holds must not reach a product, where 0 · NaN is NaN.
      const values = mask ? pointwise({ x, seen }, select(counts, variable("x"), 0)) : x;
      const score = query.forward(pointwise({ k: key.forward(values) }, tanh(variable("k"))));
      const largest = reduce({ s: stopGradient(score), seen }, select(counts, variable("s"), LOWEST), [0], "max");
      const shifted = select(counts, sub(variable("s"), variable("largest")), 0);
      const weight = pointwise({ s: score, seen, largest }, select(counts, exp(shifted), 0));
      const total = reduce({ weight }, variable("weight"), [0]);
      const sum = reduce({ values, weight }, mul(variable("values"), variable("weight")), [0]);
      const divisor = select(less(0, variable("total")), variable("total"), 1);
      return reshape(pointwise({ sum, total }, div(variable("sum"), divisor)), [batch, inputSize]);
    },
  };
}
