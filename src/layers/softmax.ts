import { div, type Expression, exp, log, sub, variable } from "../math/expression.ts";
import { ShapeError } from "../shared/errors.ts";
import { expectTensor, type Tensor } from "../tensor/graph.ts";
import { pointwise, reduce, stopGradient } from "../tensor/operations.ts";

/** A function of `x`, the largest `x` of its row and the row's sum `s` of e^(x − largest). */
function overRows(name: string, input: Tensor, value: (shifted: Expression, s: Expression) => Expression): Tensor {
  expectTensor(name, input);
  if (input.shape.length === 0)
    throw new ShapeError("shape-mismatch", `${name}: expected input of shape [..., V], got a single number`);
  const shifted = sub(variable("x"), variable("largest"));
  // Softmax is the same for every number that is taken off, so no gradient goes through the largest.
  const largest = reduce({ x: stopGradient(input) }, variable("x"), [-1], "max");
  const s = reduce({ x: input, largest }, exp(shifted), [-1]);
  return pointwise({ x: input, largest, s }, value(shifted, variable("s")));
}

/** Computes softmax over the last axis without overflow. Input and output [..., V]. */
export const softmax = (x: Tensor): Tensor => overRows("softmax", x, (shifted, s) => div(exp(shifted), s));

/** Computes `log softmax(x)` over the last axis without overflow. Input and output [..., V]. */
export const logSoftmax = (x: Tensor): Tensor => overRows("logSoftmax", x, (shifted, s) => sub(shifted, log(s)));
