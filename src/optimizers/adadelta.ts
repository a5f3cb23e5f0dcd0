import { add, div, mul, sqrt, square, sub } from "../math/expression.ts";
import { defineOptimizer, type Optimizer, type RestOptions, resting } from "./define.ts";
import { expectNonNegative, expectOptimizerOptions, expectUnit } from "./options.ts";
import { fade, penalized } from "./terms.ts";

/** Options of `adadelta`. */
export interface AdadeltaOptions extends RestOptions {
  /** Decay of the running means of squares. Default 0.9. */
  readonly rho?: number | undefined;
  /** Added under both roots. Default 1e-6. */
  readonly epsilon?: number | undefined;
  /** λ of the L2 penalty ½λp². Default 0. */
  readonly weightDecay?: number | undefined;
}

/**
 * Creates an Adadelta optimizer: the gradient times the root mean square of past steps over that of past gradients. Its usual learning
 * rate is 1.
 * @see Zeiler (2012), arXiv:1212.5701
 */
export function adadelta(options: AdadeltaOptions = {}): Optimizer {
  expectOptimizerOptions("adadelta", options, { rho: 1, epsilon: 1, weightDecay: 1, lazy: 1 });
  const { rho = 0.9, epsilon = 1e-6, weightDecay = 0 } = options;
  expectUnit("adadelta: rho", rho);
  expectNonNegative("adadelta: epsilon", epsilon);
  expectNonNegative("adadelta: weightDecay", weightDecay);
  return resting(
    defineOptimizer({
      name: "adadelta",
      moments: { v: 0, steps: 0 },
      scalars: (_, rate) => ({ rate }),
      update(old, { rate }) {
        const g = penalized(old, weightDecay);
        const v = fade(rho, old.v, square(g));
        const d = mul(g, div(sqrt(add(old.steps, epsilon)), sqrt(add(v, epsilon))));
        return { p: sub(old.p, mul(rate, d)), v, steps: fade(rho, old.steps, square(d)) };
      },
    }),
    options,
  );
}
