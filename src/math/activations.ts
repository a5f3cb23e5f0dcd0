import { describe, expectOneOf, UsageError } from "../shared/errors.ts";
import { exp, sigmoid, tanh } from "./expression.ts";
import {
  type Activation,
  affine,
  clamp,
  constants,
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

/** An activation by name, with its constants if it has any: others are refused. */
export interface NamedActivation {
  readonly name: string;
  readonly alpha?: number | undefined;
  readonly beta?: number | undefined;
}

/** An activation as files describe it: a name, or a name with its constants. */
export type ActivationSpec = string | NamedActivation;

/** Activations by the name that options and configuration files use, from α and β where they have such constants. */
const activations = {
  affine,
  clamp,
  elu,
  exponential: () => exp,
  gelu: () => gelu,
  geluTanh: () => geluTanh,
  hardSigmoid,
  hardSilu: () => hardSilu,
  identity: () => identity,
  leakyRelu,
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
  thresholdedRelu,
} as const satisfies Readonly<Record<string, (alpha: number, beta: number) => Activation>>;
/** Activations by name, for cells and layers of files. */
export type ActivationName = keyof typeof activations;

/** An activation with all constants that it has, and no others. */
export function withConstants({ name, ...given }: NamedActivation): NamedActivation {
  const usual = Object.entries((constants as Readonly<Record<string, object>>)[name] ?? {});
  return { name, ...Object.fromEntries(usual.map(([key, value]) => [key, given[key as "alpha" | "beta"] ?? value])) };
}

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
  const { name, ...given } = spec as Record<string, unknown>;
  const known = expectOneOf(argument, name, Object.keys(activations) as ActivationName[]);
  const takes = Object.keys((constants as Readonly<Record<string, object>>)[known] ?? {});
  for (const [key, constant] of Object.entries(given)) {
    if (constant === undefined || (takes.includes(key) && Number.isFinite(constant))) continue;
    const numbers =
      takes.length > 0 ? `with ${takes.map((one) => `a finite ${one}`).join(" and ")}` : "without numbers";
    throw new UsageError(
      "bad-option",
      `${argument}: expected the activation "${known}" ${numbers}, got ${key}: ${describe(constant)}`,
    );
  }
  const make: (alpha: number, beta: number) => Activation = activations[known];
  const full = withConstants(spec as NamedActivation);
  return make(full.alpha!, full.beta!);
}
