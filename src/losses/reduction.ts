import { type Condition, div, type Expression, less, mul, select, variable } from "../math/expression.ts";
import { expectOneOf, ShapeError } from "../shared/errors.ts";
import { formatShape, sameShape, size } from "../shared/shapes.ts";
import type { Tensor } from "../tensor/graph.ts";
import { pointwise, reshape, sumAll } from "../tensor/operations.ts";

/** How the losses of the elements are combined: their mean, their sum, or not at all. */
export type Reduction = "mean" | "sum" | "none";

/** Options of every loss. */
export interface LossOptions {
  /** Default "mean", over the elements that count. A mean over no element is NaN, as in PyTorch. */
  readonly reduction?: Reduction | undefined;
  /** Zeros and ones over the first axes of the prediction, usually [T, B]. Elements with 0 do not count, even if they are NaN. */
  readonly mask?: Tensor | undefined;
}

/** Whether the mask called "mask" keeps an index. */
export const unmasked: Condition = less(0, variable("mask"));

/** `value` where the mask, if there is one, keeps an index; elsewhere `other`. Applied to what is read, no NaN passes in either direction. */
export const keep = (mask: Tensor | undefined, value: Expression, other = 0): Expression =>
  mask ? select(unmasked, value, other) : value;

/** The same for what a logarithm or a quotient is taken of: 1 where the mask does not keep an index. */
export const keepPositive = (mask: Tensor | undefined, value: Expression): Expression => keep(mask, value, 1);

/** Checks that a mask lies over the first axes of `shape`, and lets it broadcast along the others. */
export function alignMask(loss: string, mask: Tensor | undefined, shape: readonly number[]): Tensor | undefined {
  if (!mask) return undefined;
  const rank = mask.shape.length;
  if (rank > shape.length || !sameShape(mask.shape, shape.slice(0, rank)))
    throw new ShapeError(
      "shape-mismatch",
      `${loss}: expected a mask over the first axes of ${formatShape(shape)}, got ${formatShape(mask.shape)}`,
    );
  return reshape(mask, [...mask.shape, ...shape.slice(rank).map(() => 1)]);
}

/** Number of the indices of `shape` that a mask keeps: a tensor [] when there is a mask, otherwise known here. */
export function countKept(mask: Tensor | undefined, shape: readonly number[]): Tensor | number {
  if (!mask) return size(shape);
  const repeats = size(shape) / size(mask.shape);
  return sumAll({ mask }, select(unmasked, repeats, 0));
}

/** Losses of single places, reduced; a mean divides their sum by `weight`. */
export function reduceLosses(losses: Tensor, reduction: Reduction, weight: Tensor | number): Tensor {
  expectOneOf("reduction", reduction, ["mean", "sum", "none"]);
  if (reduction === "none") return losses;
  const value = variable("loss");
  if (reduction === "sum") return sumAll({ loss: losses }, value);
  if (typeof weight === "number") return sumAll({ loss: losses }, mul(value, 1 / weight));
  return pointwise({ sum: sumAll({ loss: losses }, value), weight }, div(variable("sum"), variable("weight")));
}
