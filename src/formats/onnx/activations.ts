import { sigmoid, tanh } from "../../math/expression.ts";
import {
  type Activation,
  affine,
  elu,
  hardSigmoid,
  leakyRelu,
  relu,
  scaledTanh,
  softplus,
  softsign,
  thresholdedRelu,
} from "../../math/functions.ts";
import type { GatedCell } from "../gate-order.ts";

/** What the recurrent operators apply when a node names nothing. */
export const defaultActivations: Readonly<Record<GatedCell, readonly string[]>> = {
  rnn: ["Tanh"],
  gru: ["Sigmoid", "Tanh"],
  lstm: ["Sigmoid", "Tanh", "Tanh"],
};

interface ActivationRow {
  /** Defaults of the constants that it takes, of which α and β are read in turn from the node's lists. */
  readonly alpha?: number;
  readonly beta?: number;
  readonly make: (alpha: number, beta: number) => Activation;
}

/** ONNX' activations of recurrent nodes. */
const table: ReadonlyMap<string, ActivationRow> = new Map(
  Object.entries({
    Affine: { alpha: 1, beta: 0, make: affine },
    Elu: { alpha: 1, make: (a) => elu(a) },
    HardSigmoid: { alpha: 0.2, beta: 0.5, make: hardSigmoid },
    LeakyRelu: { alpha: 0.01, make: (a) => leakyRelu(a) },
    Relu: { make: () => relu },
    ScaledTanh: { alpha: 1, beta: 1, make: scaledTanh },
    Sigmoid: { make: () => sigmoid },
    Softplus: { make: () => softplus },
    Softsign: { make: () => softsign },
    Tanh: { make: () => tanh },
    ThresholdedRelu: { alpha: 1, make: (a) => thresholdedRelu(a) },
  } satisfies Record<string, ActivationRow>),
);
/** Names are compared without case, as ONNX Runtime does. */
const byName = new Map([...table].map(([name, row]) => [name.toLowerCase(), row]));

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
    const alpha = row.alpha === undefined ? 0 : (a.shift() ?? row.alpha);
    const beta = row.beta === undefined ? 0 : (b.shift() ?? row.beta);
    return row.make(alpha, beta);
  });
  if (a.length + b.length > 0) throw fail("more activation_alpha or activation_beta than its activations take");
  return made;
}
