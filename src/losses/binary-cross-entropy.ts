import { add, mul, neg, sub, type Term, variable } from "../math/expression.ts";
import { softplus } from "../math/functions.ts";
import { expectOptions } from "../shared/options.ts";
import type { Tensor } from "../tensor/graph.ts";
import { elementwise } from "./elementwise.ts";
import type { LossOptions } from "./reduction.ts";

/**
 * Computes `−w y log σ(x) − (1 − y) log(1 − σ(x))` from logits, without overflow.
 * @param logits Any shape.
 * @param target The same shape; each the probability of "yes", in [0, 1].
 * @param options.positiveWeight w, broadcast against the logits: how much more a "yes" counts than a "no". Default 1.
 * @returns Shape [], or with reduction "none" that of the logits.
 */
export function binaryCrossEntropy(
  logits: Tensor,
  target: Tensor,
  options: LossOptions & { readonly positiveWeight?: Tensor | undefined } = {},
): Tensor {
  expectOptions("binaryCrossEntropy", options, { reduction: 1, mask: 1, positiveWeight: 1 });
  const { positiveWeight } = options;
  const weight: Term = positiveWeight ? variable("positive weight") : 1;
  return elementwise(
    "binaryCrossEntropy",
    logits,
    target,
    options,
    (x, y) => add(mul(mul(weight, y), softplus(neg(x))), mul(sub(1, y), softplus(x))),
    positiveWeight && { [variable("positive weight").name]: positiveWeight },
  );
}
