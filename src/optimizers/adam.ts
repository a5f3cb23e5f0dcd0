import { add, div, type Expression, max, mul, sqrt, square, sub } from "../math/expression.ts";
import type { Complete } from "../shared/options.ts";
import { defineOptimizer, type Optimizer, type RestOptions, resting } from "./define.ts";
import { expectNonNegative, expectOptimizerOptions, expectUnit } from "./options.ts";
import { fade, penalized } from "./terms.ts";

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

/**
 * Creates an Adam optimizer. Weight decay is an L2 penalty. With `amsgrad` the largest mean square so far is used (Reddi, Kale & Kumar
 * 2018, arXiv:1904.09237).
 * @see Kingma & Ba (2015), arXiv:1412.6980
 */
export const adam = (options: AdamOptions & { readonly amsgrad?: boolean | undefined } = {}): Optimizer => {
  expectOptimizerOptions("adam", options, { betas: 1, epsilon: 1, weightDecay: 1, lazy: 1, amsgrad: 1 });
  return resting(family("adam", adamOptions("adam", options), options.amsgrad ?? false, false), options);
};

/**
 * Creates an AdamW optimizer: Adam with decoupled weight decay, which shrinks the parameters by rate · λ at each step. Default
 * weightDecay 0.01.
 * @see Loshchilov & Hutter (2019), arXiv:1711.05101
 */
export const adamW = (options: AdamOptions & { readonly amsgrad?: boolean | undefined } = {}): Optimizer => {
  expectOptimizerOptions("adamW", options, { betas: 1, epsilon: 1, weightDecay: 1, lazy: 1, amsgrad: 1 });
  return resting(family("adamW", adamOptions("adamW", options, 0.01), options.amsgrad ?? false, true), options);
};

function family(
  name: string,
  options: Complete<Omit<AdamOptions, "lazy">>,
  amsgrad: boolean,
  decoupled: boolean,
): Optimizer {
  const { betas, epsilon, weightDecay } = options;
  return defineOptimizer<string, "size" | "correction" | "shrink">({
    name,
    moments: { m: 0, v: 0, ...(amsgrad && { largest: 0 }) },
    scalars: (step, rate) => ({
      size: rate / (1 - betas[0] ** step),
      correction: Math.sqrt(1 - betas[1] ** step),
      shrink: decoupled ? 1 - rate * weightDecay : 1,
    }),
    update(values, { size, correction, shrink }) {
      const old = values as Readonly<Record<"p" | "g" | "m" | "v" | "largest", Expression>>;
      const g = decoupled ? old.g : penalized(old, weightDecay);
      const m = fade(betas[0], old.m, g);
      const v = fade(betas[1], old.v, square(g));
      const largest = amsgrad ? max(old.largest, v) : undefined;
      const step = mul(size, div(m, add(div(sqrt(largest ?? v), correction), epsilon)));
      return { p: sub(decoupled ? mul(old.p, shrink) : old.p, step), m, v, ...(largest && { largest }) };
    },
  });
}
