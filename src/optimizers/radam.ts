import { add, div, mul, sqrt, square, sub } from "../math/expression.ts";
import { type AdamOptions, adamOptions } from "./adam.ts";
import { defineOptimizer, type Optimizer, resting } from "./define.ts";
import { expectOptimizerOptions } from "./options.ts";
import { fade, penalized } from "./terms.ts";

/**
 * Creates a RAdam (rectified Adam) optimizer: it follows the plain mean until the variance of the mean square can be estimated, then
 * takes rectified Adam steps.
 * @see Liu et al. (2020), arXiv:1908.03265
 */
export function radam(options: AdamOptions = {}): Optimizer {
  expectOptimizerOptions("radam", options, { betas: 1, epsilon: 1, weightDecay: 1, lazy: 1 });
  const { betas, epsilon, weightDecay } = adamOptions("radam", options);
  const limit = 2 / (1 - betas[1]) - 1;
  return resting(
    defineOptimizer({
      name: "radam",
      moments: { m: 0, v: 0 },
      scalars(step, rate) {
        const size = rate / (1 - betas[0] ** step);
        const fading = betas[1] ** step;
        const length = limit - (2 * step * fading) / (1 - fading);
        if (length <= 5) return { plain: size, adaptive: 0 };
        const rectification = ((length - 4) * (length - 2) * limit) / ((limit - 4) * (limit - 2) * length);
        return { plain: 0, adaptive: size * Math.sqrt(rectification * (1 - fading)) };
      },
      update(old, { plain, adaptive }) {
        const g = penalized(old, weightDecay);
        const m = fade(betas[0], old.m, g);
        const v = fade(betas[1], old.v, square(g));
        return { p: sub(old.p, mul(m, add(plain, div(adaptive, add(sqrt(v), epsilon))))), m, v };
      },
    }),
    options,
  );
}
