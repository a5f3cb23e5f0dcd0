import { abs, sub } from "../math/expression.ts";
import { expectOptions } from "../shared/options.ts";
import type { Tensor } from "../tensor/graph.ts";
import { elementwise } from "./elementwise.ts";
import type { LossOptions } from "./reduction.ts";

/**
 * Computes `|x − y|` (L1), which outliers affect less than the squared error. Its derivative at 0 is 0.
 * @param prediction Any shape.
 * @param target The same shape.
 * @returns Shape [], or with reduction "none" that of the prediction.
 */
export const meanAbsoluteError = (prediction: Tensor, target: Tensor, options: LossOptions = {}): Tensor => {
  expectOptions("meanAbsoluteError", options, { reduction: 1, mask: 1 });
  return elementwise("meanAbsoluteError", prediction, target, options, (x, y) => abs(sub(x, y)));
};
