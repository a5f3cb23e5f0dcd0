import { add, div, type Expression, equal, max, min, mul, neg, select, sub } from "../../../math/expression.ts";
import type { DataType } from "../../data-type.ts";
import type { Value } from "../../value.ts";
import type { NodeContext } from "../node.ts";
import { round } from "../rounding.ts";

const ranges: Readonly<Partial<Record<DataType, readonly [low: number, high: number]>>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
};

const zero: Value = { type: "float32", shape: [], data: [0], constant: true };

function rangeOf(node: NodeContext, type: DataType): readonly [number, number] {
  const range = ranges[type];
  if (!range) throw node.fail(`numbers of type ${type}`);
  return range;
}

/** One number for each element of an axis, or one for all, so that it goes with `x` element by element. */
export function along(node: NodeContext, x: Value, values: Value, axis: number): Value {
  if (values.shape.length !== 1 || values.shape[0] === 1) return node.recorder.reshape(values, []);
  const at = node.axis(axis, x.shape.length);
  if (values.shape[0] !== x.shape[at])
    throw node.fail(`${values.shape[0]} scales or zero points for an axis of ${x.shape[at]}`);
  return node.recorder.reshape(
    values,
    x.shape.map((_, k) => (k === at ? values.shape[0]! : 1)),
  );
}

/** The zero point that is input `k`, 0 where it is left out. */
export const zeroPointAlong = (node: NodeContext, x: Value, k: number, axis: number): Value =>
  node.has(k) ? along(node, x, node.input(k), axis) : zero;

/** `clamp(round(x / scale) + zero point)`, halves rounded to even numbers. */
export function quantized(node: NodeContext, x: Value, scale: Value, zeroPoint: Value, type: DataType): Value {
  const { recorder } = node;
  const steps = recorder.pointwise([x, scale], div, "float32");
  return fromSteps(node, steps, zeroPoint, type);
}

/** The same of a number that counts steps of the scale already. */
export function fromSteps(node: NodeContext, steps: Value, zeroPoint: Value, type: DataType): Value {
  const { recorder } = node;
  const [low, high] = rangeOf(node, type);
  const clamped = recorder.pointwise(
    [round(recorder, steps), zeroPoint],
    (a, b) => min(max(add(a, b), low), high),
    "float32",
  );
  return recorder.cast(clamped, type);
}

/** `(x − zero point) · scale` */
export function dequantized(node: NodeContext, x: Value, scale: Value, zeroPoint: Value): Value {
  return node.recorder.pointwise([x, zeroPoint, scale], (a, z, s) => mul(sub(a, z), s), "float32");
}

/** Whole numbers less their zero point, as numbers that are multiplied exactly up to sums of 2^24. */
export function centred(node: NodeContext, x: Value, zeroPoint: Value): Value {
  return node.recorder.pointwise([x, zeroPoint], sub, "float32");
}

/** Scale and zero point of 8 bits without a sign from the largest and smallest number, 0 among them. */
export function dynamicRange(node: NodeContext, x: Value): { readonly scale: Value; readonly zeroPoint: Value } {
  const { recorder } = node;
  const axes = [...x.shape.keys()];
  const largest = (equation: (a: Expression) => Expression): Value =>
    recorder.reshape(recorder.reduce(x, equation, axes, "max"), []);
  const [high, low] = [largest((a) => a), largest((a) => neg(a))];
  const range = (a: Expression, b: Expression): Expression => add(max(a, 0), max(b, 0));
  const scale = recorder.pointwise(
    [high, low],
    (a, b) => select(equal(range(a, b), 0), 1, div(range(a, b), 255)),
    "float32",
  );
  const start = recorder.pointwise([low, scale], (a, s) => div(max(a, 0), s), "float32");
  return { scale, zeroPoint: recorder.cast(round(recorder, start), "uint8") };
}

/** What numbers are after they were 8 bits, scale and zero point taken from all of them. */
export function throughBytes(node: NodeContext, x: Value): Value {
  const { scale, zeroPoint } = dynamicRange(node, x);
  return dequantized(node, quantized(node, x, scale, zeroPoint, "uint8"), scale, zeroPoint);
}
