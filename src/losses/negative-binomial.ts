import { add, div, log, log1p, mul, sub, variable } from "../math/expression.ts";
import { logGammaRatio } from "../math/log-gamma.ts";
import { expectShape } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Tensor } from "../tensor/graph.ts";
import { elementwise } from "./elementwise.ts";
import { keepPositive, type LossOptions } from "./reduction.ts";

/** Parameters of a negative binomial distribution for each element; its variance is μ + αμ². */
export interface NegativeBinomialParameters {
  /** μ, above 0, any shape. */
  readonly mean: Tensor;
  /** α, above 0, the same shape: how much more the counts vary than those of a Poisson distribution, the limit α → 0. */
  readonly dispersion: Tensor;
}

/**
 * Computes the negative log-likelihood of a count y under a negative binomial distribution, with r = 1/α: `log Γ(y + 1) − log(Γ(y +
 * r)/Γ(r)) + (y + r) log(1 + αμ) − y log(αμ)`.
 * @param target Whole numbers of at least 0 (as a float tensor), the shape of the parameters.
 * @returns Shape [], or with reduction "none" that of the parameters.
 * @see Salinas et al., "DeepAR" (2017), arXiv:1704.04110v3, section 3.1
 */
export function negativeBinomialLoss(
  { mean, dispersion }: NegativeBinomialParameters,
  target: Tensor,
  options: LossOptions = {},
): Tensor {
  expectOptions("negativeBinomialLoss", options, { reduction: 1, mask: 1 });
  expectShape("negativeBinomialLoss: dispersion", dispersion.shape, mean.shape);
  const alpha = keepPositive(options.mask, variable("dispersion"));
  return elementwise(
    "negativeBinomialLoss",
    mean,
    target,
    options,
    (x, y) => {
      const mu = keepPositive(options.mask, x);
      const r = div(1, alpha);
      const rate = mul(alpha, mu);
      const arrangements = sub(logGammaRatio(1, y), logGammaRatio(r, y));
      return add(arrangements, sub(mul(add(y, r), log1p(rate)), mul(y, log(rate))));
    },
    { dispersion },
  );
}
