import { add, div, mul, sqrt, square, sub, variable } from "../math/expression.ts";
import { expectInteger } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Tensor } from "../tensor/graph.ts";
import { pointwise, reduce, reshape, stopGradient } from "../tensor/operations.ts";
import type { Parameter } from "../tensor/parameter.ts";
import { ones, zeros } from "./initialize.ts";
import { asRows, type Layer } from "./layer.ts";

/** Options of `layerNorm`. */
export interface LayerNormOptions {
  /** Size of the last axis, over which is normalized. */
  readonly size: number;
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number | undefined;
}

/** The layer of `layerNorm`. */
export interface LayerNorm extends Layer {
  readonly weight: Parameter;
  readonly bias: Parameter;
}

/**
 * Creates a layer-normalization layer: `(x − mean) / √(variance + ε) ⊙ w + b` over the last axis, with the biased variance. Input and
 * output [..., size]. Parameters `weight` (initially ones) and `bias` (zeros), each [size].
 * @see Ba et al. (2016), arXiv:1607.06450
 */
export function layerNorm(options: LayerNormOptions): LayerNorm {
  expectOptions("layerNorm", options, { size: "required", epsilon: 1 });
  const size = expectInteger("layerNorm: size", options.size, { min: 1 });
  const { epsilon = 1e-5 } = options;
  const weight = { shape: [size], initialize: ones };
  const bias = { shape: [size], initialize: zeros };
  const [x, mean, variance] = [variable("x"), variable("mean"), variable("variance")];
  const normalized = div(sub(x, mean), sqrt(add(variance, epsilon)));
  return {
    weight,
    bias,
    parts: { weight, bias },
    forward(input: Tensor): Tensor {
      const { graph } = input;
      const rows = asRows("layerNorm", input, size);
      const centre = reduce({ x: rows }, mul(x, 1 / size), [1]);
      // The variance does not change to first order with the number it is taken around, if that is the mean.
      const spread = reduce({ x: rows, mean: stopGradient(centre) }, mul(square(sub(x, mean)), 1 / size), [1]);
      const y = pointwise(
        { x: rows, mean: centre, variance: spread, w: graph.parameter(weight), b: graph.parameter(bias) },
        add(mul(normalized, variable("w")), variable("b")),
      );
      return reshape(y, input.shape);
    },
  };
}
