import { activationByName, type NamedActivation, withConstants } from "../../math/activations.ts";
import type { Activation } from "../../math/functions.ts";
import type { GatedCell } from "../gate-order.ts";
import type { NodeContext } from "./node.ts";

/** What the recurrent operators apply when a node names nothing. */
export const defaultActivations: Readonly<Record<GatedCell, readonly string[]>> = {
  rnn: ["Tanh"],
  gru: ["Sigmoid", "Tanh"],
  lstm: ["Sigmoid", "Tanh", "Tanh"],
};

const usual = (name: string): NamedActivation => withConstants({ name });

/** ONNX' activations: what each is here, with the constants that it has where a node gives none. */
const table: ReadonlyMap<string, NamedActivation> = new Map(
  Object.entries({
    Affine: usual("affine"),
    Elu: usual("elu"),
    HardSigmoid: { name: "hardSigmoid", alpha: 0.2, beta: 0.5 },
    LeakyRelu: usual("leakyRelu"),
    Relu: usual("relu"),
    ScaledTanh: usual("scaledTanh"),
    Sigmoid: usual("sigmoid"),
    Softplus: usual("softplus"),
    Softsign: usual("softsign"),
    Tanh: usual("tanh"),
    ThresholdedRelu: usual("thresholdedRelu"),
  }),
);
/** Names are compared without case, as ONNX Runtime does. */
const byName = new Map([...table].map(([name, row]) => [name.toLowerCase(), row]));
const named = new Map([...table].map(([name, row]) => [row.name, name]));

/** An activation in ONNX' words; undefined if it has none. α and β are written always, so that no reader's default decides. */
export function onnxActivation(spec: NamedActivation): NamedActivation | undefined {
  const one = withConstants(spec.name === "identity" ? { name: "affine" } : spec);
  const name = named.get(one.name);
  return name === undefined ? undefined : { ...one, name };
}

/** @param given says what a node gives for a constant that has this value where it gives none */
const functionOf = (row: NamedActivation, given: (constant: "alpha" | "beta", usual: number) => number): Activation =>
  activationByName("activation", {
    name: row.name,
    ...(row.alpha !== undefined && { alpha: given("alpha", row.alpha) }),
    ...(row.beta !== undefined && { beta: given("beta", row.beta) }),
  });

/** Activations as operators of their own: each from a node, which has the constants as attributes. */
export const activationOperators: readonly (readonly [op: string, of: (node: NodeContext) => Activation])[] = [
  ...table,
].map(([op, row]) => [op, (node) => functionOf(row, (constant, usual) => node.number(constant, usual))]);

/** The activations of a node, all directions one after the other. α and β are used up in the order of those that take them. */
export function activationsOf(
  names: readonly string[],
  alphas: readonly number[],
  betas: readonly number[],
  fail: (reason: string) => Error,
): Activation[] {
  const [a, b] = [[...alphas], [...betas]];
  const made = names.map((name) => {
    const row = byName.get(name.toLowerCase());
    if (!row) throw fail(`activation ${JSON.stringify(name)}; known are ${[...table.keys()].join(", ")}`);
    return functionOf(row, (constant, usual) => (constant === "alpha" ? a : b).shift() ?? usual);
  });
  if (a.length + b.length > 0) throw fail("more activation_alpha or activation_beta than its activations take");
  return made;
}
