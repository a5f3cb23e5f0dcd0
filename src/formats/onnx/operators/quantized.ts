import { prefixed } from "../../../shared/records.ts";
import type { Value } from "../../value.ts";
import type { NodeContext, Operator } from "../node.ts";
import { dataTypeOf } from "../tensor-data.ts";
import { convolution } from "./convolution.ts";
import { elementwise } from "./elementwise.ts";
import { indexing } from "./indexing.ts";
import { along, dequantized, dynamicRange, quantized, zeroPointAlong } from "./quantization.ts";
import { dynamicQuantizeLstm } from "./quantized-lstm.ts";
import { quantizedProducts } from "./quantized-products.ts";
import { reductions } from "./reductions.ts";

function expectNoBlocks(node: NodeContext): void {
  const block = node.number("block_size", 0);
  if (block !== 0)
    throw node.fail(`block_size ${block}: one scale a tensor or one an element of an axis are supported`);
}

const quantizeLinear: Operator = (node) => {
  expectNoBlocks(node);
  const x = node.input(0);
  const axis = node.number("axis", 1);
  const to = node.number("output_dtype", 0);
  const type = node.has(2) ? node.input(2).type : to > 0 ? dataTypeOf(to, "output_dtype") : "uint8";
  return quantized(node, x, along(node, x, node.input(1), axis), zeroPointAlong(node, x, 2, axis), type);
};

const dequantizeLinear: Operator = (node) => {
  expectNoBlocks(node);
  const x = node.input(0);
  const axis = node.number("axis", 1);
  return dequantized(node, x, along(node, x, node.input(1), axis), zeroPointAlong(node, x, 2, axis));
};

const dynamicQuantizeLinear: Operator = (node) => {
  const x = node.input(0);
  const { scale, zeroPoint } = dynamicRange(node, x);
  return [quantized(node, x, scale, zeroPoint, "uint8"), scale, zeroPoint];
};

/** Operand, scale and zero point from input `k` on, as numbers with a fraction. */
const operand = (node: NodeContext, k: number): Value =>
  dequantized(
    node,
    node.input(k),
    along(node, node.input(k), node.input(k + 1), 0),
    zeroPointAlong(node, node.input(k), k + 2, 0),
  );

/** An operator on numbers with a fraction, its `count` operands and its result quantized. */
const between =
  (operator: Operator, count: number): Operator =>
  (node) => {
    if (node.number("channels_last", 0) !== 0) throw node.fail("channels_last");
    const operands = Array.from({ length: count }, (_, k) => operand(node, 3 * k));
    return result(node, operator(node.withInputs(operands)), 3 * count);
  };

function result(node: NodeContext, came: Value | readonly (Value | undefined)[], k: number): Value {
  const y = (Array.isArray(came) ? came[0] : came) as Value;
  const type = node.has(k + 1) ? node.input(k + 1).type : node.input(0).type;
  return quantized(node, y, along(node, y, node.input(k), 0), zeroPointAlong(node, y, k + 1, 0), type);
}

/** Scale and zero point of the result come first here. */
const concat: Operator = (node) => {
  const operands = Array.from({ length: (node.inputs.length - 2) / 3 }, (_, k) => operand(node, 2 + 3 * k));
  return result(node, indexing.Concat!(node.withInputs(operands)), 0);
};

/** Which of ONNX' two kinds of softmax it is, the node says itself. */
const softmax: Operator = (node) =>
  between(reductions.Softmax!, 1)(node.withInputs(node.inputs, node.number("opset", node.opset)));

const microsoft: Readonly<Record<string, Operator>> = {
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLSTM: dynamicQuantizeLstm,
  QLinearAdd: between(elementwise.Add!, 2),
  QLinearAveragePool: between(convolution.AveragePool!, 1),
  QLinearConcat: concat,
  QLinearGlobalAveragePool: between(convolution.GlobalAveragePool!, 1),
  QLinearLeakyRelu: between(elementwise.LeakyRelu!, 1),
  QLinearMul: between(elementwise.Mul!, 2),
  QLinearSigmoid: between(elementwise.Sigmoid!, 1),
  QLinearSoftmax: softmax,
  QuantizeLinear: quantizeLinear,
};

/** What ONNX and ONNX Runtime's quantizers write. */
export const quantizedNodes: Readonly<Record<string, Operator>> = {
  ...quantizedProducts,
  ...prefixed("com.microsoft.", microsoft),
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  QuantizeLinear: quantizeLinear,
};
