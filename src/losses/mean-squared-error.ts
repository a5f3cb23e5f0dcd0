import { square, sub } from "../math/expression.ts";
import { expectOptions } from "../shared/options.ts";
import type { Tensor } from "../tensor/graph.ts";
import { elementwise } from "./elementwise.ts";
import type { LossOptions } from "./reduction.ts";

/**
 * Computes `(x − y)²`.
 * @param prediction Any shape.
 * @param target The same shape.
 * @returns Shape [], or with reduction "none" that of the prediction.
 */
export const meanSquaredError = (prediction: Tensor, target: Tensor, options: LossOptions = {}): Tensor => {
  expectOptions("meanSquaredError", options, { reduction: 1, mask: 1 });
  return elementwise("meanSquaredError", prediction, target, options, (x, y) => square(sub(x, y)));
};
