import { add, div, type Expression, max, mul, sqrt, square, sub } from "../math/expression.ts";
import { type Complete, expectOptions } from "../shared/options.ts";
import { defineOptimizer, type Optimizer, type RestOptions, resting } from "./define.ts";
import { expectNonNegative, expectUnit } from "./options.ts";

/** Options of `adam` and its relatives. */
export interface AdamOptions extends RestOptions {
  /** Decay of the running means of g and of g². Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number] | undefined;
  /** Added to the root. Default 1e-8 (Keras: 1e-7). */
  readonly epsilon?: number | undefined;
  /** λ. Default 0 (adamW: 0.01). */
  readonly weightDecay?: number | undefined;
}

/** Checks the options that the whole family shares and fills in what is missing. */
export function adamOptions(name: string, options: AdamOptions, decay = 0): Complete<Omit<AdamOptions, "lazy">> {
  const { betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = decay } = options;
  expectUnit(`${name}: betas[0]`, betas[0]);
  expectUnit(`${name}: betas[1]`, betas[1]);
  expectNonNegative(`${name}: epsilon`, epsilon);
  expectNonNegative(`${name}: weightDecay`, weightDecay);
  return { betas, epsilon, weightDecay };
}

/** `β mean + (1 − β) x`: a mean that forgets. */
export const fade = (beta: number, mean: Expression, x: Expression): Expression =>
  add(mul(beta, mean), mul(1 - beta, x));

/**
 * Creates an Adam optimizer. Weight decay is an L2 penalty. With `amsgrad` the largest mean square so far is used (Reddi, Kale & Kumar
 * 2018, arXiv:1904.09237).
 * @see Kingma & Ba (2015), arXiv:1412.6980
 */
export const adam = (options: AdamOptions & { readonly amsgrad?: boolean | undefined } = {}): Optimizer => {
  expectOptions("adam", options, { betas: 1, epsilon: 1, weightDecay: 1, lazy: 1, amsgrad: 1 });
  return resting(family("adam", adamOptions("adam", options), options.amsgrad ?? false, false), options);
};

/**
 * Creates an AdamW optimizer: Adam with decoupled weight decay, which shrinks the parameters by rate · λ at each step. Default
 * weightDecay 0.01.
 * @see Loshchilov & Hutter (2019), arXiv:1711.05101
 */
export const adamW = (options: AdamOptions & { readonly amsgrad?: boolean | undefined } = {}): Optimizer => {
  expectOptions("adamW", options, { betas: 1, epsilon: 1, weightDecay: 1, lazy: 1, amsgrad: 1 });
  return resting(family("adamW", adamOptions("adamW", options, 0.01), options.amsgrad ?? false, true), options);
};

function family(
  name: string,
  options: Complete<Omit<AdamOptions, "lazy">>,
  amsgrad: boolean,
  decoupled: boolean,
): Optimizer {
  const { betas, epsilon, weightDecay } = options;
  const scalars = (step: number, rate: number) => ({
    size: rate / (1 - betas[0] ** step),
    correction: Math.sqrt(1 - betas[1] ** step),
    shrink: decoupled ? 1 - rate * weightDecay : 1,
  });
  type Values = Readonly<Record<"p" | "g" | "m" | "v", Expression>>;
  type Scalars = Readonly<Record<"size" | "correction" | "shrink", Expression>>;
  const means = ({ p, g, m, v }: Values): { m: Expression; v: Expression } => {
    const d = decoupled ? g : add(g, mul(weightDecay, p));
    return { m: fade(betas[0], m, d), v: fade(betas[1], v, square(d)) };
  };
  const step = (p: Expression, m: Expression, v: Expression, { size, correction, shrink }: Scalars): Expression =>
    sub(decoupled ? mul(p, shrink) : p, mul(size, div(m, add(div(sqrt(v), correction), epsilon))));
  if (!amsgrad)
    return defineOptimizer({
      name,
      moments: { m: 0, v: 0 },
      scalars,
      update(values, s) {
        const { m, v } = means(values);
        return { p: step(values.p, m, v, s), m, v };
      },
    });
  return defineOptimizer({
    name,
    moments: { m: 0, v: 0, largest: 0 },
    scalars,
    update(values, s) {
      const { m, v } = means(values);
      const largest = max(values.largest, v);
      return { p: step(values.p, m, largest, s), m, v, largest };
    },
  });
}
