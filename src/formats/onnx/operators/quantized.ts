import {
  add,
  div,
  type Expression,
  equal,
  max,
  min,
  mul,
  neg,
  select,
  sub,
  type Term,
} from "../../../math/expression.ts";
import type { DataType } from "../../data-type.ts";
import { hostValue, isHost, type Value } from "../../value.ts";
import type { NodeContext, Operator } from "../node.ts";
import { round } from "../rounding.ts";
import { dataTypeOf } from "../tensor-data.ts";
import { productOf } from "./linear.ts";
import { recurrentNodes } from "./recurrent.ts";

type Equation = (...x: Term[]) => Expression;

const ranges: Readonly<Partial<Record<DataType, readonly [low: number, high: number]>>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
};

/** One number for each element of an axis, or one for all, so that it goes with `x` element by element. */
function along(node: NodeContext, x: Value, values: Value, axis: number): Value {
  if (values.shape.length !== 1 || values.shape[0] === 1) return node.recorder.reshape(values, []);
  const at = node.axis(axis, x.shape.length);
  return node.recorder.reshape(
    values,
    x.shape.map((_, k) => (k === at ? values.shape[0]! : 1)),
  );
}

const zero: Value = hostValue("float32", [], [0], { constant: false });

function rangeOf(node: NodeContext, type: DataType): readonly [number, number] {
  const range = ranges[type];
  if (!range) throw node.fail(`numbers of type ${type}`);
  return range;
}

/** `clamp(round(x / scale) + zero point)` */
function quantized(node: NodeContext, x: Value, scale: Value, zeroPoint: Value, type: DataType): Value {
  const { recorder } = node;
  const [low, high] = rangeOf(node, type);
  const steps = round(recorder, recorder.pointwise([x, scale], { equation: div as Equation }, "float32"));
  const clamped: Equation = (a, b) => min(max(add(a!, b!), low), high);
  return recorder.cast(recorder.pointwise([steps, zeroPoint], { equation: clamped }, "float32"), type);
}

function dequantized(node: NodeContext, x: Value, scale: Value, zeroPoint: Value): Value {
  return node.recorder.pointwise([x, zeroPoint, scale], { equation: (a, z, s) => mul(sub(a!, z!), s!) }, "float32");
}

const quantizeLinear: Operator = (node) => {
  const x = node.input(0);
  const axis = node.int("axis", 1);
  const to = node.int("output_dtype", 0);
  const type = node.has(2) ? node.input(2).type : to > 0 ? dataTypeOf(to, "output_dtype") : "uint8";
  const zeroPoint = node.has(2) ? along(node, x, node.input(2), axis) : zero;
  return quantized(node, x, along(node, x, node.input(1), axis), zeroPoint, type);
};

const dequantizeLinear: Operator = (node) => {
  const x = node.input(0);
  const axis = node.int("axis", 1);
  return dequantized(
    node,
    x,
    along(node, x, node.input(1), axis),
    node.has(2) ? along(node, x, node.input(2), axis) : zero,
  );
};

/** Scale and zero point from the largest and smallest number, 0 among them. */
const dynamicQuantizeLinear: Operator = (node) => {
  const { recorder } = node;
  const x = node.input(0);
  const axes = [...x.shape.keys()];
  const largest = (equation: (a: Term) => Expression): Value =>
    recorder.reshape(recorder.reduce(x, equation, axes, "maximum"), []);
  const [high, low] = [largest((a) => add(a, 0)), largest((a) => neg(a))];
  const range: Equation = (a, b) => add(max(a!, 0), max(b!, 0));
  const scale = recorder.pointwise(
    [high, low],
    { equation: (a, b) => select(equal(range(a!, b!), 0), 1, div(range(a!, b!), 255)) },
    "float32",
  );
  const start = recorder.pointwise([low, scale], { equation: (a, s) => div(max(a!, 0), s!) }, "float32");
  const zeroPoint = recorder.cast(
    recorder.pointwise([round(recorder, start)], { equation: (a) => min(max(a!, 0), 255) }, "float32"),
    "uint8",
  );
  return [quantized(node, x, scale, zeroPoint, "uint8"), scale, zeroPoint];
};

/** Whole numbers less their zero point, as numbers that are multiplied exactly up to sums of 2^24. */
function centred(node: NodeContext, k: number, zeroPoint: number, axis: number): Value {
  const x = node.input(k);
  const z = node.has(zeroPoint) ? along(node, x, node.input(zeroPoint), axis) : zero;
  return node.recorder.pointwise([x, z], { equation: sub as Equation }, "float32");
}

const matMulInteger: Operator = (node) =>
  node.recorder.cast(productOf(node, centred(node, 0, 2, -2), centred(node, 1, 3, -1)), "int32");

/** Product of quantized matrices: (a − z)·s each, the result quantized again. */
const qLinearMatMul: Operator = (node) => {
  const [a, b] = [node.input(0), node.input(3)];
  const left = dequantized(node, a, along(node, a, node.input(1), -2), along(node, a, node.input(2), -2));
  const right = dequantized(node, b, along(node, b, node.input(4), -1), along(node, b, node.input(5), -1));
  const y = productOf(node, left, right);
  const z = node.input(7);
  return quantized(node, y, along(node, y, node.input(6), -2), along(node, y, z, -2), z.type);
};

/**
 * ONNX Runtime's LSTM with 8-bit weights. There the inputs and states are quantized at every step as well, which is an approximation
 * of what is computed here: the weights as they are, everything else exact.
 */
const dynamicQuantizeLstm: Operator = (node) => {
  const { recorder } = node;
  const weights = (k: number, scale: number, zeroPoint: number): Value => {
    const w = node.input(k);
    const perColumn = (v: Value): Value =>
      recorder.reshape(v, v.shape.length === 2 ? [v.shape[0]!, 1, v.shape[1]!] : [v.shape[0]!, 1, 1]);
    const made = dequantized(node, w, perColumn(node.input(scale)), perColumn(node.input(zeroPoint)));
    const value = recorder.transpose(made, [0, 2, 1]);
    return isHost(value) ? { ...value, name: `${node.node.name}.${k}` } : value;
  };
  const inputs = [...node.inputs.slice(0, 8)];
  inputs[1] = weights(1, 8, 9);
  inputs[2] = weights(2, 10, 11);
  return recurrentNodes.LSTM!(node.withInputs(inputs));
};

export const quantizedNodes: Readonly<Record<string, Operator>> = {
  "com.microsoft.DynamicQuantizeLSTM": dynamicQuantizeLstm,
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  MatMulInteger: matMulInteger,
  QLinearMatMul: qLinearMatMul,
  QuantizeLinear: quantizeLinear,
};
