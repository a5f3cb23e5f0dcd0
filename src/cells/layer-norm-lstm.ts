import { add, div, type Expression, mean, mul, sigmoid, sqrt, square, sub, tanh } from "../math/expression.ts";
import { type Cell, defineCell, type Parts, split } from "./define.ts";
import { expectCellOptions } from "./options.ts";

const names = ["i", "f", "g", "o"] as const;
const each = <V>(prefix: string, value: V): Record<string, V> =>
  Object.fromEntries(names.map((g) => [`${prefix}_${g}`, value]));

/** Vectors brought to mean 0 and variance 1 over all units of all of them together. */
function normalize(parts: readonly Expression[], epsilon: number): Expression[] {
  const middle = mean(...parts);
  const variance = mean(...parts.map((p) => square(sub(p, middle))));
  return parts.map((p) => div(sub(p, middle), sqrt(add(variance, epsilon))));
}

/** Gains start at 1, biases at 0 but for the forget gate's. */
const initial: Readonly<Record<string, number>> = {
  ...each("gain_x", 1),
  ...each("gain_h", 1),
  ...each("bias", 0),
  ...{ bias_f: 1, gain_c: 1, bias_c: 0 },
};

/**
 * Creates an LSTM with layer normalization: `LN(W x) + LN(U h) + b` over all four gates at once, and `h = o ⊙ tanh(LN(c))`, each LN
 * with a gain, the last one also with a bias. States h and c [B, H]; gates in packed order i, f, g, o.
 * @see Ba et al. (2016), arXiv:1607.06450, equations 20–22.
 */
export function layerNormLstm(
  options: {
    /** Added to each variance, above 0. Default 1e-5. */
    readonly epsilon?: number | undefined;
  } = {},
): Cell<"h" | "c"> {
  expectCellOptions("layerNormLstm", options, { epsilon: 1 });
  const { epsilon = 1e-5 } = options;
  return defineCell({
    name: "layer-norm-lstm",
    gates: { i: split(), f: split(), g: split(), o: split() },
    state: ["h", "c"],
    bias: "none",
    weights: initial,
    step(gates: Readonly<Record<string, Parts>>, previous, { weights }) {
      const x = normalize(
        names.map((n) => gates[n]!.x),
        epsilon,
      );
      const h = normalize(
        names.map((n) => gates[n]!.h),
        epsilon,
      );
      const sum = (k: number): Expression => {
        const n = names[k]!;
        return add(
          add(mul(weights[`gain_x_${n}`]!, x[k]!), mul(weights[`gain_h_${n}`]!, h[k]!)),
          weights[`bias_${n}`]!,
        );
      };
      const [i, f, g, o] = [sigmoid(sum(0)), sigmoid(sum(1)), tanh(sum(2)), sigmoid(sum(3))];
      const c = add(mul(f, previous.c), mul(i, g));
      const [level] = normalize([c], epsilon);
      return { i, f, g, o, c, h: mul(o, tanh(add(mul(weights.gain_c!, level!), weights.bias_c!))) };
    },
  });
}
