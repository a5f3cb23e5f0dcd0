import { mul, square, sub, variable } from "../math/expression.ts";
import { size } from "../shared/shapes.ts";
import { add } from "../tensor/arithmetic.ts";
import type { Tensor } from "../tensor/graph.ts";
import { slice, sumAll } from "../tensor/operations.ts";

export interface ActivationPenaltyOptions {
  /** h [T, B, H]: what the last recurrent layer gave. */
  readonly output: Tensor;
  /** m ⊙ h [T, B, H]: the same after dropout. */
  readonly dropped: Tensor;
  /** α */
  readonly alpha: number;
  /** β */
  readonly beta: number;
}

/**
 * α · mean((m ⊙ h)²) + β · mean((h_t − h_{t−1})²), shape [], in training; undefined where both are 0 or nothing is learned.
 *
 * The means run over all elements, as in the authors' code; the article writes norms.
 * @see Merity et al. 2017 (arXiv:1708.01009); Merity et al. 2018 (arXiv:1708.02182), section 4.5
 */
export function activationPenalty({ output, dropped, alpha, beta }: ActivationPenaltyOptions): Tensor | undefined {
  if (!output.graph.training) return undefined;
  const steps = output.shape[0]!;
  const [x, y] = [variable("x"), variable("y")];
  const parts: Tensor[] = [];
  if (alpha > 0) parts.push(sumAll({ x: dropped }, mul(alpha / size(dropped.shape), square(x))));
  if (beta > 0 && steps > 1) {
    const [earlier, later] = [slice(output, 0, 0, steps - 1), slice(output, 0, 1, steps)];
    parts.push(sumAll({ x: later, y: earlier }, mul(beta / size(later.shape), square(sub(x, y)))));
  }
  return parts.length === 2 ? add(parts[0]!, parts[1]!) : parts[0];
}
