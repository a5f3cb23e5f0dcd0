import { sigmoid, type Term, tanh, variable } from "../math/expression.ts";
import {
  type Activation,
  elu,
  gelu,
  hardSigmoid,
  identity,
  relu,
  silu,
  softplus,
  softsign,
} from "../math/functions.ts";
import { expectOneOf } from "../shared/errors.ts";
import type { Tensor } from "../tensor/graph.ts";
import { pointwise } from "../tensor/operations.ts";
import type { Layer } from "./layer.ts";

/** Activations by the name that options and configuration files use. `hardSigmoid` has PyTorch's slope of 1/6. */
export const activations = {
  identity,
  elu: elu(),
  gelu,
  hardSigmoid: hardSigmoid(),
  relu,
  sigmoid: (x: Term) => sigmoid(x),
  silu,
  softplus,
  softsign,
  tanh: (x: Term) => tanh(x),
} as const satisfies Readonly<Record<string, Activation>>;
export type ActivationName = keyof typeof activations;

/**
 * A function of each element, by name or as an equation. Input and output have the same shape.
 *
 * @throws UsageError "unknown-choice" with the nearest name.
 */
export function activation(choice: ActivationName | Activation): Layer {
  const equation =
    typeof choice === "function"
      ? choice
      : activations[expectOneOf("activation", choice, Object.keys(activations) as ActivationName[])];
  const value = equation(variable("x"));
  return { parts: {}, forward: (x: Tensor): Tensor => pointwise({ x }, value) };
}
