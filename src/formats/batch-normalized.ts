import { add, div, type Expression, mul, sqrt, sub, type Term } from "../math/expression.ts";

/** `(x − mean) / √(variance + ε) ⊙ weight + bias`: at inference, with statistics that are known. @see Ioffe & Szegedy (2015), arXiv:1502.03167 */
export const batchNormalized = (of: {
  readonly x: Term;
  readonly mean: Term;
  readonly variance: Term;
  readonly epsilon: Term;
  readonly weight: Term;
  readonly bias: Term;
}): Expression => add(mul(div(sub(of.x, of.mean), sqrt(add(of.variance, of.epsilon))), of.weight), of.bias);
