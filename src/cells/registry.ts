import { type Expression, exp, sigmoid, tanh } from "../math/expression.ts";
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
} from "../math/functions.ts";
import { describe, expectOneOf, UsageError } from "../shared/errors.ts";
import type { Cell } from "./define.ts";
import { gru } from "./gru.ts";
import { layerNormLstm } from "./layer-norm-lstm.ts";
import { lstm } from "./lstm.ts";
import { minGru } from "./min-gru.ts";
import { minLstm } from "./min-lstm.ts";
import { rnn } from "./rnn.ts";

/** An activation as a file says it: a name, or a name with its constants. */
export type ActivationSpec = string | { readonly name: string; readonly alpha?: number; readonly beta?: number };

/** A cell as a file says it. Options are those of the cell's function, activations as `ActivationSpec`. */
export interface CellSpec {
  readonly name: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Activations by name. α and β have the defaults of their functions; of `clamp` they are the bounds, 0 and 6. */
const activations: Readonly<Record<string, (alpha?: number, beta?: number) => Activation>> = {
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
};

type OptionKind = "activation" | "flag" | "rate" | "positive";
const common = { bias: "flag", clip: "positive", recurrentDropout: "rate", zoneout: "rate" } as const;

/** Every built-in cell: its function, and the options that a file may give it. */
const cells: Readonly<
  Record<
    string,
    // biome-ignore lint/suspicious/noExplicitAny: the table of options beside each function says what it takes
    { readonly make: (options: any) => Cell; readonly options: Readonly<Record<string, OptionKind>> }
  >
> = {
  rnn: { make: rnn, options: { activation: "activation", ...common } },
  lstm: {
    make: lstm,
    options: {
      ...{ gate: "activation", candidate: "activation", output: "activation" },
      ...{ peephole: "flag", coupled: "flag", projection: "flag" },
      ...common,
    },
  },
  gru: { make: gru, options: { gate: "activation", candidate: "activation", resetAfter: "flag", ...common } },
  "min-gru": { make: minGru, options: {} },
  "min-lstm": { make: minLstm, options: {} },
  "layer-norm-lstm": { make: layerNormLstm, options: { epsilon: "positive" } },
};

/** Names that `cellByName` knows. */
export const cellNames: readonly string[] = Object.keys(cells);

/**
 * A built-in cell by name and options that JSON can hold.
 *
 * @example
 * ```ts
 * cellByName("gru");
 * cellByName({ name: "lstm", options: { peephole: true, gate: { name: "hardSigmoid", alpha: 0.2, beta: 0.5 } } });
 * ```
 * @throws UsageError "unknown-choice", "unknown-option", "bad-option"
 */
export function cellByName(spec: string | CellSpec): Cell {
  if (typeof spec !== "string" && (typeof spec !== "object" || spec === null))
    throw new UsageError("bad-option", `cell: expected a name or { name, options }, got ${describe(spec)}`);
  const { name, options = {} } = typeof spec === "string" ? { name: spec } : spec;
  const known = cells[expectOneOf("cell", name, cellNames)]!;
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new UsageError("bad-option", `cell "${name}": expected options as an object, got ${describe(options)}`);
  const given: Record<string, unknown> = {};
  for (const [option, value] of Object.entries(options)) {
    if (!Object.hasOwn(known.options, option)) {
      const names = Object.keys(known.options);
      throw new UsageError(
        "unknown-option",
        `cell "${name}" has no option ${JSON.stringify(option)}; it has ${names.join(", ") || "none"}`,
      );
    }
    given[option] = optionValue(`cell "${name}": ${option}`, known.options[option]!, value);
  }
  return known.make(given);
}

function optionValue(argument: string, kind: OptionKind, value: unknown): unknown {
  const expected = { flag: "true or false", rate: "a probability from 0 to below 1", positive: "a number above 0" };
  if (kind === "activation") return activationByName(argument, value);
  const fits =
    kind === "flag"
      ? typeof value === "boolean"
      : typeof value === "number" && (kind === "rate" ? value >= 0 && value < 1 : value > 0 && Number.isFinite(value));
  if (!fits) throw new UsageError("bad-option", `${argument}: expected ${expected[kind]}, got ${describe(value)}`);
  return value;
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
  const { name, alpha, beta, ...rest } = spec as Record<string, unknown>;
  const make = activations[expectOneOf(argument, name, Object.keys(activations))]!;
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

/**
 * Whether two cells have the same equations over the same gates, states, weights and masks, and so may take each other's
 * weights. Expressions are hash-consed: equal ones are one object.
 */
export function sameEquations(a: Cell, b: Cell): boolean {
  const sameValues = (x: Readonly<Record<string, Expression>>, y: Readonly<Record<string, Expression>>): boolean =>
    Object.keys(x).length === Object.keys(y).length && Object.entries(x).every(([name, value]) => y[name] === value);
  const rest = ({ gates, states, bias, weights, masks, projections }: Cell): string =>
    JSON.stringify([gates, states, bias, weights, masks, projections]);
  return sameValues(a.next, b.next) && rest(a) === rest(b);
}
