import { add, div, mul, sqrt, square, sub } from "../math/expression.ts";
import { defineOptimizer, type Optimizer, type RestOptions, resting } from "./define.ts";
import { expectNonNegative, expectOptimizerOptions } from "./options.ts";
import { penalized } from "./terms.ts";

/** Options of `adagrad`. */
export interface AdagradOptions extends RestOptions {
  /** The rate of step t is divided by 1 + (t − 1) · rateDecay. Default 0. */
  readonly rateDecay?: number | undefined;
  /** Initial value of the sum of squares. Default 0. */
  readonly initialAccumulator?: number | undefined;
  /** Added to the root. Default 1e-10. */
  readonly epsilon?: number | undefined;
  /** λ of the L2 penalty ½λp². Default 0. */
  readonly weightDecay?: number | undefined;
}

/**
 * Creates an Adagrad optimizer: the gradient over the root of the sum of all its squares so far.
 * @see Duchi et al. (2011), "Adaptive subgradient methods for online learning and stochastic optimization"
 */
export function adagrad(options: AdagradOptions = {}): Optimizer {
  expectOptimizerOptions("adagrad", options, {
    rateDecay: 1,
    initialAccumulator: 1,
    epsilon: 1,
    weightDecay: 1,
    lazy: 1,
  });
  const { rateDecay = 0, initialAccumulator = 0, epsilon = 1e-10, weightDecay = 0 } = options;
  for (const [name, value] of Object.entries({ rateDecay, initialAccumulator, epsilon, weightDecay }))
    expectNonNegative(`adagrad: ${name}`, value);
  return resting(
    defineOptimizer({
      name: "adagrad",
      moments: { sum: initialAccumulator },
      scalars: (step, rate) => ({ rate: rate / (1 + (step - 1) * rateDecay) }),
      update(old, { rate }) {
        const g = penalized(old, weightDecay);
        const sum = add(old.sum, square(g));
        return { p: sub(old.p, mul(rate, div(g, add(sqrt(sum), epsilon)))), sum };
      },
    }),
    options,
  );
}
