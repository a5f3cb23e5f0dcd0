import { abs, add, div, max, mul, sub } from "../math/expression.ts";
import { type AdamOptions, adamOptions } from "./adam.ts";
import { defineOptimizer, type Optimizer, resting } from "./define.ts";
import { expectOptimizerOptions } from "./options.ts";
import { fade, penalized } from "./terms.ts";

/**
 * Creates an AdaMax optimizer: Adam with a decaying maximum of the gradient instead of the root mean square.
 * @see Kingma & Ba (2015), arXiv:1412.6980, section 7.1
 */
export function adamax(options: AdamOptions = {}): Optimizer {
  expectOptimizerOptions("adamax", options, { betas: 1, epsilon: 1, weightDecay: 1, lazy: 1 });
  const { betas, epsilon, weightDecay } = adamOptions("adamax", options);
  return resting(
    defineOptimizer({
      name: "adamax",
      moments: { m: 0, u: 0 },
      scalars: (step, rate) => ({ size: rate / (1 - betas[0] ** step) }),
      update(old, { size }) {
        const g = penalized(old, weightDecay);
        const m = fade(betas[0], old.m, g);
        const u = max(mul(betas[1], old.u), add(abs(g), epsilon));
        return { p: sub(old.p, mul(size, div(m, u))), m, u };
      },
    }),
    options,
  );
}
