import { add, div, type Expression, max, mul, sqrt, square, sub } from "../math/expression.ts";
import { defineOptimizer, type Optimizer, type RestOptions, resting } from "./define.ts";
import { expectNonNegative, expectOptimizerOptions, expectUnit } from "./options.ts";
import { fade, penalized } from "./terms.ts";

/** Options of `rmsprop`. */
export interface RmspropOptions extends RestOptions {
  /** Decay of the running mean of g². Default 0.99. */
  readonly alpha?: number | undefined;
  /** Added after the root. Default 1e-8. */
  readonly epsilon?: number | undefined;
  /** Default 0: no momentum. */
  readonly momentum?: number | undefined;
  /** Whether to divide by the standard deviation of g instead of its root mean square. Default false. */
  readonly centered?: boolean | undefined;
  /** λ of the L2 penalty ½λp². Default 0. */
  readonly weightDecay?: number | undefined;
}

/**
 * Creates an RMSprop optimizer: the gradient over the root of the running mean of its square.
 * @see Tieleman & Hinton, "Lecture 6.5: rmsprop" (2012); centered: Graves (2013), arXiv:1308.0850
 */
export function rmsprop(options: RmspropOptions = {}): Optimizer {
  expectOptimizerOptions("rmsprop", options, {
    alpha: 1,
    epsilon: 1,
    momentum: 1,
    centered: 1,
    weightDecay: 1,
    lazy: 1,
  });
  const { alpha = 0.99, epsilon = 1e-8, momentum = 0, centered = false, weightDecay = 0 } = options;
  expectUnit("rmsprop: alpha", alpha);
  expectUnit("rmsprop: momentum", momentum);
  expectNonNegative("rmsprop: epsilon", epsilon);
  expectNonNegative("rmsprop: weightDecay", weightDecay);
  type Name = "p" | "g" | "v" | "mean" | "velocity";
  return resting(
    defineOptimizer<string, "rate">({
      name: "rmsprop",
      moments: { v: 0, ...(centered && { mean: 0 }), ...(momentum > 0 && { velocity: 0 }) },
      scalars: (_, rate) => ({ rate }),
      update(values, { rate }) {
        const old = values as Readonly<Record<Name, Expression>>;
        const g = penalized(old, weightDecay);
        const v = fade(alpha, old.v, square(g));
        const mean = centered ? fade(alpha, old.mean, g) : undefined;
        // Rounding may leave the variance a little below 0.
        const variance = mean ? max(sub(v, square(mean)), 0) : v;
        const d = div(g, add(sqrt(variance), epsilon));
        const velocity = momentum > 0 ? add(mul(momentum, old.velocity), d) : undefined;
        return { p: sub(old.p, mul(rate, velocity ?? d)), v, ...(mean && { mean }), ...(velocity && { velocity }) };
      },
    }),
    options,
  );
}
