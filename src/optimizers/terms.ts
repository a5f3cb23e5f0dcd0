import { add, type Expression, mul } from "../math/expression.ts";

/** `β mean + (1 − β) x`: a mean that forgets. */
export const fade = (beta: number, mean: Expression, x: Expression): Expression =>
  add(mul(beta, mean), mul(1 - beta, x));

/** `g + λ p`: the gradient with that of the penalty ½λp². */
export const penalized = ({ p, g }: Readonly<Record<"p" | "g", Expression>>, weightDecay: number): Expression =>
  add(g, mul(weightDecay, p));
