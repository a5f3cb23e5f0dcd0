import { add, div, mul } from "../../../math/expression.ts";
import type { Value } from "../../value.ts";
import type { NodeContext, Operator } from "../node.ts";
import { convolution } from "./convolution.ts";
import { gemmOf, productOf } from "./linear.ts";
import { along, centred, dequantized, fromSteps, throughBytes, zeroPointAlong } from "./quantization.ts";

/**
 * Products of whole numbers less their zero points. Sums are exact up to 2^24; a scale is applied to the sum, as ONNX Runtime does, so
 * that both round the same number.
 */
const times = (node: NodeContext, ...factors: readonly Value[]): Value =>
  factors.reduce((a, b) => node.recorder.pointwise([a, b], mul, "float32"));
const plus = (node: NodeContext, a: Value, b: Value): Value => node.recorder.pointwise([a, b], add, "float32");
const over = (node: NodeContext, a: Value, b: Value): Value => node.recorder.pointwise([a, b], div, "float32");

/** Input `k` less the zero point that is input `zeroPoint`. */
const factor = (node: NodeContext, k: number, zeroPoint: number, axis: number): Value =>
  centred(node, node.input(k), zeroPointAlong(node, node.input(k), zeroPoint, axis));

/** The sum times `a.scale · b.scale / y.scale`, rounded to the type of y's zero point, which is the input after its scale. */
function requantized(node: NodeContext, sum: Value, scales: Value, yScale: number, axis: number): Value {
  const y = node.input(yScale);
  const type = node.has(yScale + 1) ? node.input(yScale + 1).type : node.input(0).type;
  const multiplier = over(node, scales, along(node, sum, y, axis));
  return fromSteps(node, times(node, sum, multiplier), zeroPointAlong(node, sum, yScale + 1, axis), type);
}

const matMulInteger: Operator = (node) =>
  node.recorder.cast(productOf(node, factor(node, 0, 2, -2), factor(node, 1, 3, -1)), "int32");

const qLinearMatMul: Operator = (node) => {
  const sum = productOf(node, factor(node, 0, 2, -2), factor(node, 3, 5, -1));
  const scales = times(node, along(node, sum, node.input(1), -2), along(node, sum, node.input(4), -1));
  return requantized(node, sum, scales, 6, -2);
};

const convInteger: Operator = (node) => {
  const sum = convolution.Conv!(node.withInputs([factor(node, 0, 2, 1), factor(node, 1, 3, 0)]));
  return node.recorder.cast(sum as Value, "int32");
};

/** The bias is of whole numbers in steps of `x.scale · w.scale`. */
const qLinearConv: Operator = (node) => {
  const bias = node.has(8) ? [node.recorder.cast(node.input(8), "float32")] : [];
  const sum = convolution.Conv!(node.withInputs([factor(node, 0, 2, 1), factor(node, 3, 5, 0), ...bias])) as Value;
  const scales = times(node, along(node, sum, node.input(1), 1), along(node, sum, node.input(4), 1));
  return requantized(node, sum, scales, 6, 1);
};

/** The bias is of whole numbers in steps of `α · a.scale · b.scale`; without a scale of y the result has fractions. */
const qGemm: Operator = (node) => {
  const axis = node.number("transB", 0) === 1 ? 0 : 1;
  const alpha = node.number("alpha", 1);
  const bias = node.has(6) ? [node.recorder.cast(node.input(6), "float32")] : [];
  const operands = [factor(node, 0, 2, 0), factor(node, 3, 5, axis), ...bias];
  const sum = gemmOf(node.withInputs(operands), 1, 1);
  const product = times(node, along(node, sum, node.input(1), 1), along(node, sum, node.input(4), 1));
  const scales = node.recorder.pointwise([product], (s) => mul(alpha, s), "float32");
  return node.has(7) ? requantized(node, sum, scales, 7, 1) : times(node, sum, scales);
};

/** A product with weights of 8 bits whose left side ONNX Runtime rounds on the way. */
const dynamicQuantizeMatMul: Operator = (node) => {
  const b = node.input(1);
  const right = dequantized(node, b, along(node, b, node.input(2), -1), zeroPointAlong(node, b, 3, -1));
  const y = productOf(node, throughBytes(node, node.input(0)), right);
  return node.has(4) ? plus(node, y, node.input(4)) : y;
};

const matMulIntegerToFloat: Operator = (node) => {
  const sum = productOf(node, factor(node, 0, 4, -2), factor(node, 1, 5, -1));
  const y = times(node, sum, along(node, sum, node.input(2), -2), along(node, sum, node.input(3), -1));
  return node.has(6) ? plus(node, y, node.input(6)) : y;
};

export const quantizedProducts: Readonly<Record<string, Operator>> = {
  ConvInteger: convInteger,
  MatMulInteger: matMulInteger,
  QLinearConv: qLinearConv,
  QLinearMatMul: qLinearMatMul,
  "com.microsoft.DynamicQuantizeMatMul": dynamicQuantizeMatMul,
  "com.microsoft.MatMulIntegerToFloat": matMulIntegerToFloat,
  "com.microsoft.QGemm": qGemm,
};
