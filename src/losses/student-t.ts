import { add, div, log, log1p, mul, square, sub, variable } from "../math/expression.ts";
import { logGammaRatio } from "../math/log-gamma.ts";
import { expectOptions } from "../shared/options.ts";
import { expectTensor, type Tensor } from "../tensor/graph.ts";
import { elementwise } from "./elementwise.ts";
import type { GaussianParameters } from "./gaussian.ts";
import { keepPositive, type LossOptions } from "./reduction.ts";

/** Parameters of a Student's t distribution for each element. */
export interface StudentTParameters extends GaussianParameters {
  /** ν: degrees of freedom, above 0. The smaller, the heavier the tails. */
  readonly degreesOfFreedom: Tensor;
}

/**
 * Computes the negative log-likelihood of a Student's t distribution with location μ and scale σ: `log σ + ½ log πν + log Γ(½ν) − log
 * Γ(½(ν + 1)) + ½(ν + 1) log(1 + ((y − μ)/σ)²/ν)`. Outliers count less than under a normal distribution.
 * @param target The shape of the parameters.
 * @returns Shape [], or with reduction "none" that of the parameters.
 * @see Student (1908), "The probable error of a mean"
 */
export function studentTLoss(
  { location, scale, degreesOfFreedom }: StudentTParameters,
  target: Tensor,
  options: LossOptions = {},
): Tensor {
  expectOptions("studentTLoss", options, { reduction: 1, mask: 1 });
  expectTensor("studentTLoss: location", location);
  expectTensor("studentTLoss: scale", scale, location.shape);
  expectTensor("studentTLoss: degreesOfFreedom", degreesOfFreedom, location.shape);
  const [sigma, nu] = [variable("scale"), variable("degreesOfFreedom")].map((v) => keepPositive(options.mask, v));
  return elementwise(
    "studentTLoss",
    location,
    target,
    options,
    (x, y) => {
      const normalizer = sub(add(log(sigma!), mul(0.5, log(mul(Math.PI, nu!)))), logGammaRatio(mul(0.5, nu!), 0.5));
      const tail = mul(mul(0.5, add(nu!, 1)), log1p(div(square(div(sub(y, x), sigma!)), nu!)));
      return add(normalizer, tail);
    },
    { scale, degreesOfFreedom },
  );
}
