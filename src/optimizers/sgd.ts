import { add, mul, sub } from "../math/expression.ts";
import { describe, UsageError } from "../shared/errors.ts";
import { defineOptimizer, type Optimizer, type RestOptions, resting } from "./define.ts";
import { expectNonNegative, expectOptimizerOptions, expectUnit } from "./options.ts";
import { penalized } from "./terms.ts";

/** Options of `sgd`. */
export interface SgdOptions extends RestOptions {
  /** μ, in [0, 1). Default 0: no momentum. */
  readonly momentum?: number | undefined;
  /** τ: a gradient enters the momentum as (1 − τ) g, except the first. In [0, 1). Default 0. */
  readonly dampening?: number | undefined;
  /** Whether to use Nesterov momentum. Default false. */
  readonly nesterov?: boolean | undefined;
  /** λ of the L2 penalty ½λp². Default 0. */
  readonly weightDecay?: number | undefined;
}

/**
 * Creates a stochastic gradient descent optimizer, optionally with momentum.
 * @see Robbins & Monro, "A stochastic approximation method" (1951); Polyak (1964); Sutskever et al., "On the importance of
 * initialization and momentum in deep learning" (2013), in PyTorch's form, where the rate multiplies the whole step
 */
export function sgd(options: SgdOptions = {}): Optimizer {
  expectOptimizerOptions("sgd", options, { momentum: 1, dampening: 1, nesterov: 1, weightDecay: 1, lazy: 1 });
  const { momentum = 0, dampening = 0, nesterov = false, weightDecay = 0 } = options;
  expectUnit("sgd: momentum", momentum);
  expectUnit("sgd: dampening", dampening);
  expectNonNegative("sgd: weightDecay", weightDecay);
  if (nesterov && !(momentum > 0 && dampening === 0))
    throw new UsageError(
      "bad-option",
      `sgd: nesterov needs momentum above 0 and no dampening, got momentum ${describe(momentum)} and dampening ${describe(dampening)}`,
    );
  if (momentum === 0)
    return resting(
      defineOptimizer({
        name: "sgd",
        moments: {},
        rests: weightDecay === 0,
        scalars: (_, rate) => ({ rate }),
        update: ({ p, g }, { rate }) => ({ p: sub(p, mul(rate, penalized({ p, g }, weightDecay))) }),
      }),
      options,
    );
  return resting(
    defineOptimizer({
      name: "sgd",
      moments: { velocity: 0 },
      scalars: (step, rate) => ({ rate, share: step === 1 ? 1 : 1 - dampening }),
      update({ p, g, velocity }, { rate, share }) {
        const d = penalized({ p, g }, weightDecay);
        const v = add(mul(momentum, velocity), mul(share, d));
        return { p: sub(p, mul(rate, nesterov ? add(d, mul(momentum, v)) : v)), velocity: v };
      },
    }),
    options,
  );
}
