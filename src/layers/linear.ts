import { expectInteger, expectShape, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Tensor } from "../tensor/graph.ts";
import { project, reshape } from "../tensor/operations.ts";
import type { Initializer, Parameter } from "../tensor/parameter.ts";
import { type InitializationName, initializerOf, uniform } from "./initialize.ts";
import { asRows, type Layer } from "./layer.ts";

/** Options of `linear`. */
export interface LinearOptions {
  /** Size of the last axis of the input. */
  readonly inputSize: number;
  /** Size of the last axis of the output. */
  readonly outputSize: number;
  /** Whether a bias is added. Default true. */
  readonly bias?: boolean | undefined;
  /** Initialization of the weight: a rule or its name. Default, for weight and bias: U(±1/√inputSize), as in PyTorch. */
  readonly initialize?: InitializationName | Initializer | undefined;
  /** A weight [outputSize, inputSize] of another layer to share: an embedding's, for a tied head. */
  readonly weight?: Parameter | undefined;
}

/** The layer of `linear`. */
export interface Linear extends Layer {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
}

/**
 * Creates a linear layer, `x Wᵀ + b`. Input [..., inputSize], output [..., outputSize]. Parameters `weight` [outputSize, inputSize],
 * `bias` [outputSize].
 * @example
 * ```ts
 * const head = linear({ inputSize: 128, outputSize: 65 });
 * const tied = linear({ inputSize: 128, outputSize: 65, weight: embedding.weight });
 * ```
 */
export function linear(options: LinearOptions): Linear {
  expectOptions("linear", options, {
    inputSize: "required",
    outputSize: "required",
    bias: 1,
    initialize: 1,
    weight: 1,
  });
  const inputSize = expectInteger("linear: inputSize", options.inputSize, { min: 1 });
  const outputSize = expectInteger("linear: outputSize", options.outputSize, { min: 1 });
  const { initialize } = options;
  if (options.weight && initialize !== undefined)
    throw new UsageError(
      "bad-option",
      "linear: a weight that is shared is initialized by its own layer: leave out initialize",
    );
  const byDefault = uniform(1 / Math.sqrt(inputSize));
  const weight = options.weight ?? {
    shape: [outputSize, inputSize],
    initialize: initialize === undefined ? byDefault : initializerOf(initialize),
  };
  expectShape("linear: weight", weight.shape, [outputSize, inputSize]);
  const bias = options.bias === false ? undefined : { shape: [outputSize], initialize: byDefault };
  return {
    weight,
    bias,
    parts: { weight, ...(bias && { bias }) },
    products: [weight],
    forward(x: Tensor): Tensor {
      const y = project(asRows("linear", x, inputSize), weight, { bias });
      return reshape(y, [...x.shape.slice(0, -1), outputSize]);
    },
  };
}
