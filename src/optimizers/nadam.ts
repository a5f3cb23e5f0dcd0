import { add, div, mul, sqrt, square, sub } from "../math/expression.ts";
import { type AdamOptions, adamOptions } from "./adam.ts";
import { defineOptimizer, type Optimizer, resting } from "./define.ts";
import { expectNonNegative, expectOptimizerOptions } from "./options.ts";
import { fade, penalized } from "./terms.ts";

/**
 * Creates a NAdam optimizer: Adam with Nesterov momentum, which grows from step to step: `μ_t = β₁ (1 − ½ · 0.96^(ψt))`.
 * @param options.momentumDecay ψ. Default 0.004.
 * @see Dozat (2016), "Incorporating Nesterov momentum into Adam"
 */
export function nadam(options: AdamOptions & { readonly momentumDecay?: number | undefined } = {}): Optimizer {
  expectOptimizerOptions("nadam", options, { betas: 1, epsilon: 1, weightDecay: 1, lazy: 1, momentumDecay: 1 });
  const { betas, epsilon, weightDecay } = adamOptions("nadam", options);
  const { momentumDecay = 0.004 } = options;
  expectNonNegative("nadam: momentumDecay", momentumDecay);
  const momentum = (t: number): number => betas[0] * (1 - 0.5 * 0.96 ** (t * momentumDecay));
  return resting(
    defineOptimizer({
      name: "nadam",
      moments: { m: 0, v: 0 },
      scalars(step, rate) {
        let product = 1;
        // After some hundred factors 1 − product is 1 to the last digit.
        for (let t = 1; t <= step && product > 1e-20; t++) product *= momentum(t);
        const next = momentum(step + 1);
        return {
          ofGradient: (rate * (1 - momentum(step))) / (1 - product),
          ofMean: (rate * next) / (1 - product * next),
          correction: Math.sqrt(1 - betas[1] ** step),
        };
      },
      update(old, { ofGradient, ofMean, correction }) {
        const g = penalized(old, weightDecay);
        const m = fade(betas[0], old.m, g);
        const v = fade(betas[1], old.v, square(g));
        const step = div(add(mul(ofGradient, g), mul(ofMean, m)), add(div(sqrt(v), correction), epsilon));
        return { p: sub(old.p, step), m, v };
      },
    }),
    options,
  );
}
