import { add, div, type Expression, log1p, mul, sub, variable } from "../math/expression.ts";
import { beyondStirling, LIFT } from "../math/log-gamma.ts";
import { expectOptions } from "../shared/options.ts";
import { expectTensor, type Tensor } from "../tensor/graph.ts";
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
  expectTensor("negativeBinomialLoss: mean", mean);
  expectTensor("negativeBinomialLoss: dispersion", dispersion, mean.shape);
  const alpha = keepPositive(options.mask, variable("dispersion"));
  return elementwise(
    "negativeBinomialLoss",
    mean,
    target,
    options,
    (x, y) => negativeLogLikelihood(keepPositive(options.mask, x), alpha, y),
    { dispersion },
  );
}

/**
 * For counts of 10⁵ the logarithms of the gamma functions are a million and cancel against the other terms. So Stirling's terms of both ratios
 * are merged with those: y log((y + 9) (r + μ) / ((y + r + 8) μ)) + r log((r + μ) (r + 8) / (r (y + r + 8))), each as the logarithm of
 * 1 + something that is small where y is near μ.
 */
function negativeLogLikelihood(mu: Expression, alpha: Expression, y: Expression): Expression {
  const r = div(1, alpha);
  const off = sub(y, mu);
  const rate = mul(alpha, mu);
  const far = add(y, LIFT);
  const ofCount = div(add(add(off, LIFT + 1), rate), mul(add(mul(alpha, far), 1), mu));
  const ofSize = div(sub(mul(LIFT, rate), off), add(far, r));
  const merged = add(mul(y, log1p(ofCount)), mul(r, log1p(ofSize)));
  const ends = sub(mul(LIFT + 0.5, log1p(div(y, LIFT + 1))), mul(LIFT - 0.5, log1p(div(y, add(r, LIFT)))));
  return add(add(merged, ends), sub(beyondStirling(1, y), beyondStirling(r, y)));
}
