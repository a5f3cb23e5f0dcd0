import * as math from "../math/expression.ts";
import { type Expression, isExpression, type Term, variable } from "../math/expression.ts";
import { UsageError } from "../shared/errors.ts";
import type { Tensor } from "./graph.ts";
import { pointwise } from "./operations.ts";

type Operand = Tensor | Term;
const isTensor = (x: Operand): x is Tensor => "graph" in Object(x);

/** The operation on expressions; with a tensor among its operands, on the elements of tensors. */
function applied(operation: (a: Term, b: Term) => Expression, a: Operand, b: Operand): Expression | Tensor {
  if (!isTensor(a) && !isTensor(b)) return operation(a, b);
  if (isExpression(a) || isExpression(b))
    throw new UsageError(
      "bad-tensors",
      'expected two tensors, or a tensor and a number, got a tensor and an expression; an equation of tensors is pointwise({ x }, f(variable("x")))',
    );
  const inputs = { ...(isTensor(a) && { a }), ...(isTensor(b) && { b }) };
  return pointwise(inputs, operation(isTensor(a) ? variable("a") : a, isTensor(b) ? variable("b") : b));
}

/** `a + b`, of expressions, or of tensors element by element, with broadcasting. */
export function add(a: Term, b: Term): Expression;
export function add(a: Tensor | number, b: Tensor | number): Tensor;
export function add(a: Operand, b: Operand): Expression | Tensor {
  return applied(math.add, a, b);
}

/** `a − b`, of expressions, or of tensors element by element, with broadcasting. */
export function sub(a: Term, b: Term): Expression;
export function sub(a: Tensor | number, b: Tensor | number): Tensor;
export function sub(a: Operand, b: Operand): Expression | Tensor {
  return applied(math.sub, a, b);
}

/** `a · b`, of expressions unit by unit, or of tensors element by element, with broadcasting (the Hadamard product ⊙). */
export function mul(a: Term, b: Term): Expression;
export function mul(a: Tensor | number, b: Tensor | number): Tensor;
export function mul(a: Operand, b: Operand): Expression | Tensor {
  return applied(math.mul, a, b);
}

/** `a / b`, of expressions, or of tensors element by element, with broadcasting. */
export function div(a: Term, b: Term): Expression;
export function div(a: Tensor | number, b: Tensor | number): Tensor;
export function div(a: Operand, b: Operand): Expression | Tensor {
  return applied(math.div, a, b);
}
