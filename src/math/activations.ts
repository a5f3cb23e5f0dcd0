import { describe, expectOneOf, UsageError } from "../shared/errors.ts";
import { exp, sigmoid, tanh } from "./expression.ts";
import {
  type Activation,
  affine,
  clamp,
  elu,
  gelu,
  geluTanh,
  hardSigmoid,
  hardSilu,
  identity,
  leakyRelu,
  logSigmoid,
  mish,
  relu,
  scaledTanh,
  selu,
  silu,
  softplus,
  softsign,
  thresholdedRelu,
} from "./functions.ts";

/** An activation by name, with constants where it has some. */
export interface NamedActivation {
  readonly name: string;
  readonly alpha?: number;
  readonly beta?: number;
}

/** An activation as a file says it: a name, or a name with its constants. */
export type ActivationSpec = string | NamedActivation;

/** Activations by the name that options and configuration files use. α and β have the defaults of their functions; of `clamp` they are the bounds, 0 and 6. */
const activations = {
  affine,
  clamp: (low = 0, high = 6) => clamp(low, high),
  elu: (alpha) => elu(alpha),
  exponential: () => exp,
  gelu: () => gelu,
  geluTanh: () => geluTanh,
  hardSigmoid,
  hardSilu: () => hardSilu,
  identity: () => identity,
  leakyRelu: (alpha) => leakyRelu(alpha),
  logSigmoid: () => logSigmoid,
  mish: () => mish,
  relu: () => relu,
  scaledTanh,
  selu: () => selu,
  sigmoid: () => sigmoid,
  silu: () => silu,
  softplus: () => softplus,
  softsign: () => softsign,
  tanh: () => tanh,
  thresholdedRelu: (alpha) => thresholdedRelu(alpha),
} as const satisfies Readonly<Record<string, (alpha?: number, beta?: number) => Activation>>;
export type ActivationName = keyof typeof activations;

/**
 * An activation by its name, or by name and constants.
 *
 * @param argument what the message of an error names
 * @throws UsageError "unknown-choice", "bad-option"
 */
export function activationByName(argument: string, value: unknown): Activation {
  const spec = typeof value === "string" ? { name: value } : value;
  if (typeof spec !== "object" || spec === null)
    throw new UsageError("bad-option", `${argument}: expected an activation's name, got ${describe(value)}`);
  const { name, alpha, beta, ...rest } = spec as Record<string, unknown>;
  const make: (alpha?: number, beta?: number) => Activation =
    activations[expectOneOf(argument, name, Object.keys(activations) as ActivationName[])];
  for (const [key, constant] of Object.entries({ alpha, beta, ...rest })) {
    if (constant === undefined) continue;
    if ((key !== "alpha" && key !== "beta") || typeof constant !== "number" || !Number.isFinite(constant))
      throw new UsageError(
        "bad-option",
        `${argument}: an activation has a name and the numbers alpha and beta; got ${key}: ${describe(constant)}`,
      );
  }
  return make(alpha as number | undefined, beta as number | undefined);
}
