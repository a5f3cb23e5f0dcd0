import { div, type Expression, exp, log, sub, variable } from "../math/expression.ts";
import { ShapeError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { expectTensor, type Tensor } from "../tensor/graph.ts";
import { pointwise, reduce, stopGradient } from "../tensor/operations.ts";

/** Options of `softmax` and `logSoftmax`. */
export interface SoftmaxOptions {
  /** The axis whose numbers compete; negative ones count from the end. Default −1, the last one; of attention over time 0. */
  readonly axis?: number | undefined;
}

/** A function of `x`, the largest `x` along the axis and the sum `s` of e^(x − largest) along it. */
function alongAxis(
  name: string,
  input: Tensor,
  options: SoftmaxOptions,
  value: (shifted: Expression, s: Expression) => Expression,
): Tensor {
  expectOptions(name, options, { axis: 1 });
  expectTensor(name, input);
  const axes = [options.axis ?? -1];
  if (input.shape.length === 0)
    throw new ShapeError("shape-mismatch", `${name}: expected input of shape [..., V], got a single number`);
  const shifted = sub(variable("x"), variable("largest"));
  // Softmax is the same for every number that is taken off, so no gradient goes through the largest.
  const largest = reduce({ x: stopGradient(input) }, variable("x"), axes, "max");
  const s = reduce({ x: input, largest }, exp(shifted), axes);
  return pointwise({ x: input, largest, s }, value(shifted, variable("s")));
}

/** Computes softmax along an axis, by default the last one, without overflow. Input and output have the same shape. */
export const softmax = (x: Tensor, options: SoftmaxOptions = {}): Tensor =>
  alongAxis("softmax", x, options, (shifted, s) => div(exp(shifted), s));

/** Computes `log softmax(x)` along an axis, by default the last one, without overflow. Input and output have the same shape. */
export const logSoftmax = (x: Tensor, options: SoftmaxOptions = {}): Tensor =>
  alongAxis("logSoftmax", x, options, (shifted, s) => sub(shifted, log(s)));
