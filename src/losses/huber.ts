import { abs, less, mul, select, square, sub } from "../math/expression.ts";
import { describe, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Tensor } from "../tensor/graph.ts";
import { elementwise } from "./elementwise.ts";
import { meanAbsoluteError } from "./mean-absolute-error.ts";
import type { LossOptions } from "./reduction.ts";

/**
 * Computes the Huber loss of errors `d = x − y`: `½d²` where |d| < δ, else `δ(|d| − ½δ)`.
 * @param prediction Any shape.
 * @param target The same shape.
 * @param options.delta Default 1.
 * @returns Shape [], or with reduction "none" that of the prediction.
 * @see Huber (1964), "Robust estimation of a location parameter"
 */
export function huber(
  prediction: Tensor,
  target: Tensor,
  options: LossOptions & { readonly delta?: number | undefined } = {},
): Tensor {
  expectOptions("huber", options, { reduction: 1, mask: 1, delta: 1 });
  const delta = options.delta ?? 1;
  if (!(delta > 0 && delta < Number.POSITIVE_INFINITY))
    throw new UsageError("out-of-range", `huber: expected a finite delta above 0, got ${describe(delta)}`);
  return elementwise("huber", prediction, target, options, (x, y) => {
    const size = abs(sub(x, y));
    return select(less(size, delta), mul(0.5, square(size)), mul(delta, sub(size, 0.5 * delta)));
  });
}

/**
 * Computes the smooth L1 loss of errors `d = x − y`: `½d²/β` where |d| < β, else `|d| − ½β`. With β = 0 it is `|d|`.
 * @param prediction Any shape.
 * @param target The same shape.
 * @param options.beta Default 1.
 * @returns Shape [], or with reduction "none" that of the prediction.
 * @see Girshick (2015), "Fast R-CNN", arXiv:1504.08083
 */
export function smoothL1(
  prediction: Tensor,
  target: Tensor,
  options: LossOptions & { readonly beta?: number | undefined } = {},
): Tensor {
  expectOptions("smoothL1", options, { reduction: 1, mask: 1, beta: 1 });
  const { beta = 1, ...rest } = options;
  if (!(beta >= 0))
    throw new UsageError("out-of-range", `smoothL1: expected beta of at least 0, got ${describe(beta)}`);
  if (beta === 0) return meanAbsoluteError(prediction, target, rest);
  return elementwise("smoothL1", prediction, target, options, (x, y) => {
    const size = abs(sub(x, y));
    return select(less(size, beta), mul(0.5 / beta, square(size)), sub(size, 0.5 * beta));
  });
}
