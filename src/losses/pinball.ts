import { max, mul, sub } from "../math/expression.ts";
import { describe, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Tensor } from "../tensor/graph.ts";
import { elementwise } from "./elementwise.ts";
import type { LossOptions } from "./reduction.ts";

/**
 * Computes the quantile (pinball) loss `max(q d, (q − 1) d)` of errors `d = y − x`, whose expectation is smallest where x is the
 * q-quantile of y. At d = 0 the slope is halfway.
 * @param prediction Any shape.
 * @param target The same shape.
 * @param options.level q, above 0 and below 1: the probability that the target is not larger than the prediction.
 * @returns Shape [], or with reduction "none" that of the prediction.
 * @see Koenker & Bassett, "Regression quantiles" (1978)
 * @throws UsageError "out-of-range"
 */
export function pinball(prediction: Tensor, target: Tensor, options: LossOptions & { readonly level: number }): Tensor {
  expectOptions("pinball", options, { reduction: 1, mask: 1, level: "required" });
  const { level } = options;
  if (!(level > 0 && level < 1))
    throw new UsageError("out-of-range", `pinball: expected a level above 0 and below 1, got ${describe(level)}`);
  return elementwise("pinball", prediction, target, options, (x, y) => {
    const d = sub(y, x);
    return max(mul(level, d), mul(level - 1, d));
  });
}
