import {
  abs,
  add,
  div,
  type Expression,
  equal,
  exp,
  log,
  mul,
  neg,
  select,
  sqrt,
  sub,
} from "../../../math/expression.ts";
import { size } from "../../../shared/shapes.ts";
import type { Value } from "../../value.ts";
import type { NodeContext, Operator } from "../node.ts";

type Equation = (x: Expression) => Expression;
const same: Equation = (x) => x;

interface Reduction {
  readonly of?: Equation;
  readonly combine?: "sum" | "max";
  /** From the sum (or maximum) and the number of elements to the result. */
  readonly finish?: (sum: Expression, count: number) => Expression;
}

const reduction =
  ({ of = same, combine = "sum", finish }: Reduction): Operator =>
  (node) => {
    const x = node.input(0);
    const rank = x.shape.length;
    const given = node.axes(1, rank);
    if (!given?.length && node.number("noop_with_empty_axes", 0) === 1) return x;
    const axes = given?.length ? given : [...x.shape.keys()];
    const reduced = node.recorder.reduce(x, of, axes, combine);
    const count = axes.reduce((n, axis) => n * x.shape[axis]!, 1);
    const value = finish ? node.recorder.pointwise([reduced], (s) => finish(s, count), x.type) : reduced;
    return keptAxes(node, value, axes);
  };

/** What was reduced, with its axes of size 1 or without them, as the node wants it. */
const keptAxes = (node: NodeContext, reduced: Value, axes: readonly number[]): Value =>
  node.number("keepdims", 1) === 1
    ? reduced
    : node.recorder.reshape(
        reduced,
        reduced.shape.filter((_, axis) => !axes.includes(axis)),
      );

/** Softmax over one axis; before operator set 13 over all axes from `axis` on. */
function softmax(node: NodeContext, logarithm: boolean): Value {
  const [x, { recorder }] = [node.input(0), node];
  const rank = x.shape.length;
  const old = node.opset < 13;
  const axis = node.axis(node.number("axis", old ? 1 : -1), rank);
  const axes = old ? [...x.shape.keys()].slice(axis) : [axis];
  const largest = recorder.reduce(x, same, axes, "max");
  const shifted = recorder.pointwise([x, largest], sub, x.type);
  const sum = recorder.reduce(shifted, exp, axes, "sum");
  return recorder.pointwise([shifted, sum], (a, s) => (logarithm ? sub(a, log(s)) : div(exp(a), s)), x.type);
}

/** The first (or last) place of the largest (or smallest) element. */
const place =
  (sign: 1 | -1): Operator =>
  (node) => {
    const [x, { recorder }] = [node.input(0), node];
    const axis = node.axis(node.number("axis", 0), x.shape.length);
    const n = x.shape[axis]!;
    const last = node.number("select_last_index", 0) === 1;
    const signed: Equation = sign === 1 ? same : neg;
    const best = recorder.reduce(x, signed, [axis], "max");
    const numbers: Value = {
      ...{ type: "float32", shape: x.shape.map((_, k) => (k === axis ? n : 1)), constant: false },
      data: Float32Array.from({ length: n }, (_, k) => k),
    };
    const marked = recorder.pointwise(
      [x, best, numbers],
      (a, b, k) => select(equal(signed(a), b), last ? k : sub(n - 1, k), -1),
      "float32",
    );
    const found = recorder.reduce(marked, same, [axis], "max");
    const index = recorder.pointwise([found], (k) => (last ? k : sub(n - 1, k)), "int64");
    return keptAxes(node, index, [axis]);
  };

/** Normalised over all axes from `axis` on: `(x − mean) / √(variance + ε) · scale + bias`. */
const layerNormalization: Operator = (node) => {
  const [x, { recorder }] = [node.input(0), node];
  const axis = node.axis(node.number("axis", -1), x.shape.length);
  const axes = [...x.shape.keys()].slice(axis);
  const count = size(x.shape.slice(axis));
  const mean = recorder.pointwise([recorder.reduce(x, same, axes, "sum")], (s) => div(s, count), x.type);
  const centred = recorder.pointwise([x, mean], sub, x.type);
  const squares = recorder.reduce(centred, (a) => mul(a, a), axes, "sum");
  const epsilon = node.number("epsilon", 1e-5);
  const inverse = recorder.pointwise([squares], (s) => div(1, sqrt(add(div(s, count), epsilon))), x.type);
  const normal = recorder.pointwise([centred, inverse], mul, x.type);
  const scaled = recorder.pointwise([normal, node.input(1)], mul, x.type);
  const y = node.has(2) ? recorder.pointwise([scaled, node.input(2)], add, x.type) : scaled;
  return [y, mean, inverse];
};

export const reductions: Readonly<Record<string, Operator>> = {
  ArgMax: place(1),
  ArgMin: place(-1),
  LayerNormalization: layerNormalization,
  LogSoftmax: (node) => softmax(node, true),
  ReduceL1: reduction({ of: abs }),
  ReduceL2: reduction({ of: (x) => mul(x, x), finish: (s) => sqrt(s) }),
  ReduceMax: reduction({ combine: "max" }),
  ReduceMean: reduction({ finish: (s, n) => div(s, n) }),
  ReduceMin: reduction({ of: neg, combine: "max", finish: (s) => neg(s) }),
  ReduceSum: reduction({}),
  ReduceSumSquare: reduction({ of: (x) => mul(x, x) }),
  Softmax: (node) => softmax(node, false),
};
