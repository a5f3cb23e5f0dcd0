import { type Expression, equal, exp, log, mul, select, sub, variable } from "../math/expression.ts";
import { expectOneOf } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Tensor } from "../tensor/graph.ts";
import { pointwise } from "../tensor/operations.ts";
import { elementwise } from "./elementwise.ts";
import type { LossOptions, Reduction } from "./reduction.ts";

/** Options of `klDivergence`. */
export interface KlDivergenceOptions extends Omit<LossOptions, "reduction"> {
  /** "batchmean": the sum over all elements divided by the size of the first axis. Default "mean", over all elements. */
  readonly reduction?: Reduction | "batchmean" | undefined;
  /** Whether the target also holds log probabilities. Default false. */
  readonly logTarget?: boolean | undefined;
}

/**
 * Computes the Kullback–Leibler divergence `y (log y − x)` of predicted log probabilities x; 0 where y is 0.
 * @param logProbabilities Any shape.
 * @param target The same shape.
 * @returns Shape [], or with reduction "none" that of the prediction.
 * @see Kullback & Leibler, "On information and sufficiency" (1951)
 */
export function klDivergence(logProbabilities: Tensor, target: Tensor, options: KlDivergenceOptions = {}): Tensor {
  expectOptions("klDivergence", options, { reduction: 1, logTarget: 1, mask: 1 });
  const { reduction = "mean", logTarget = false } = options;
  expectOneOf("reduction", reduction, ["mean", "sum", "none", "batchmean"]);
  const ofProbability = (x: Expression, y: Expression): Expression => {
    const none = equal(y, 0);
    // The logarithm of 0, in the target or in the prediction, stays out of both passes.
    return mul(y, sub(log(select(none, 1, y)), select(none, 0, x)));
  };
  const ofLogarithm = (x: Expression, y: Expression): Expression => mul(exp(y), sub(y, x));
  const batchMean = reduction === "batchmean";
  const loss = elementwise(
    "klDivergence",
    logProbabilities,
    target,
    { mask: options.mask, reduction: batchMean ? "sum" : reduction },
    logTarget ? ofLogarithm : ofProbability,
  );
  return batchMean ? pointwise({ loss }, mul(variable("loss"), 1 / logProbabilities.shape[0]!)) : loss;
}
