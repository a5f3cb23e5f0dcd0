import { add, div, log, mul, square, sub, variable } from "../math/expression.ts";
import { expectOptions } from "../shared/options.ts";
import { expectTensor, type Tensor } from "../tensor/graph.ts";
import { elementwise } from "./elementwise.ts";
import { keepPositive, type LossOptions } from "./reduction.ts";

/** Parameters of a normal distribution for each element. */
export interface GaussianParameters {
  /** μ, any shape. */
  readonly location: Tensor;
  /** σ, the standard deviation, above 0, the same shape. */
  readonly scale: Tensor;
}

/**
 * Computes the negative log-likelihood of a normal distribution: `log σ + ½((y − μ)/σ)² + ½ log 2π`.
 * @param target The shape of the parameters.
 * @returns Shape [], or with reduction "none" that of the parameters.
 */
export function gaussianLoss(
  { location, scale }: GaussianParameters,
  target: Tensor,
  options: LossOptions = {},
): Tensor {
  expectOptions("gaussianLoss", options, { reduction: 1, mask: 1 });
  expectTensor("gaussianLoss: location", location);
  expectTensor("gaussianLoss: scale", scale, location.shape);
  const sigma = keepPositive(options.mask, variable("scale"));
  return elementwise(
    "gaussianLoss",
    location,
    target,
    options,
    (x, y) => add(add(log(sigma), mul(0.5, square(div(sub(y, x), sigma)))), 0.5 * Math.log(2 * Math.PI)),
    { scale },
  );
}
