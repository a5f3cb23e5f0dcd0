import { type ActivationName, activationByName } from "../math/activations.ts";
import { variable } from "../math/expression.ts";
import type { Activation } from "../math/functions.ts";
import type { Tensor } from "../tensor/graph.ts";
import { pointwise } from "../tensor/operations.ts";
import type { Layer } from "./layer.ts";

/**
 * Creates a layer that applies a function to each element, by name or as an equation. Input and output have the same shape.
 * @throws UsageError "unknown-choice" with the nearest name.
 */
export function activation(choice: ActivationName | Activation): Layer {
  const equation = typeof choice === "function" ? choice : activationByName("activation", choice);
  const value = equation(variable("x"));
  return { parts: {}, forward: (x: Tensor): Tensor => pointwise({ x }, value) };
}
