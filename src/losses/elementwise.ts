import { type Expression, variable } from "../math/expression.ts";
import { expectShape } from "../shared/errors.ts";
import { expectTensor, type Tensor } from "../tensor/graph.ts";
import { pointwise } from "../tensor/operations.ts";
import { alignMask, countKept, keep, type LossOptions, reduceLosses } from "./reduction.ts";

/**
 * A loss that is an equation of one prediction `x` and its target `y`.
 *
 * @param more Further tensors of the equation, broadcast against the prediction.
 */
export function elementwise(
  name: string,
  prediction: Tensor,
  target: Tensor,
  options: LossOptions,
  equation: (x: Expression, y: Expression) => Expression,
  more: Readonly<Record<string, Tensor>> = {},
): Tensor {
  expectTensor(`${name}: prediction`, prediction);
  expectTensor(`${name}: target`, target, prediction.shape);
  const mask = alignMask(name, options.mask, prediction.shape);
  const value = equation(keep(mask, variable("x")), keep(mask, variable("y")));
  const losses = pointwise({ x: prediction, y: target, ...more, ...(mask && { mask }) }, keep(mask, value));
  // What is broadcast against the prediction must not make more losses than there are predictions.
  expectShape(`${name}: its losses`, losses.shape, prediction.shape);
  return reduceLosses(losses, options.reduction ?? "mean", countKept(mask, prediction.shape));
}
