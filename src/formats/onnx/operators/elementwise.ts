import {
  abs,
  add,
  type Condition,
  div,
  type Expression,
  equal,
  erf,
  exp,
  less,
  lessEqual,
  log,
  max,
  min,
  mul,
  neg,
  select,
  sigmoid,
  sqrt,
  sub,
} from "../../../math/expression.ts";
import { gelu, geluTanh, hardSilu } from "../../../math/functions.ts";
import { type DataType, isFloat } from "../../data-type.ts";
import { isHost, type Value } from "../../value.ts";
import { activationOperators } from "../activations.ts";
import type { Operator } from "../node.ts";
import { ceil, floor, round } from "../rounding.ts";
import { dataTypeOf } from "../tensor-data.ts";

type OfOne = (x: Expression) => Expression;
type OfTwo = (a: Expression, b: Expression) => Expression;

/** Of the first input's type unless said otherwise. */
const one =
  (equation: OfOne, type?: DataType): Operator =>
  (node) =>
    node.recorder.pointwise([node.input(0)], equation, type ?? node.input(0).type);
const two =
  (equation: OfTwo, type?: DataType): Operator =>
  (node) =>
    node.recorder.pointwise([node.input(0), node.input(1)], equation, type ?? node.input(0).type);
const compare = (equation: OfTwo): Operator => two(equation, "bool");
const fold =
  (combine: OfTwo): Operator =>
  (node) =>
    node.inputs.map((_, k) => node.input(k)).reduce((a, b) => node.recorder.pointwise([a, b], combine, a.type));

/** A quotient; of whole numbers rounded toward zero. */
const divide: Operator = (node) => {
  const { type } = node.input(0);
  const whole = isFloat(type) ? undefined : (a: number, b: number) => Math.trunc(a / b);
  return node.recorder.pointwise([node.input(0), node.input(1)], div, type, whole);
};

const power: Operator = (node) => {
  const [x, exponent, { recorder }] = [node.input(0), node.input(1), node];
  const known = isHost(exponent) && exponent.data.length === 1 ? exponent.data[0] : undefined;
  const onNumbers = (a: number, b: number): number => a ** b;
  return known === undefined
    ? recorder.known([x, exponent], onNumbers, x.type)
    : recorder.pointwise([x, exponent], (a) => powerOf(a, known), x.type, onNumbers);
};

function powerOf(x: Expression, n: number): Expression {
  if (n === 0.5) return sqrt(x);
  if (n < 0) return div(1, powerOf(x, -n));
  if (!Number.isInteger(n)) return exp(mul(n, log(x)));
  // By squares, whatever n is: a logarithm knows no numbers below 0.
  let result: Expression | undefined;
  for (let [rest, square] = [n, x]; rest > 0; rest = Math.floor(rest / 2), square = mul(square, square))
    if (rest % 2 === 1) result = result ? mul(result, square) : square;
  return result ?? add(mul(x, 0), 1);
}

/** Bounds are attributes up to operator set 10 and inputs since. */
const clip: Operator = (node) => {
  const [x, { recorder }] = [node.input(0), node];
  const bounds = ["min", "max"].map((name, k) => {
    const given = node.opset < 11 ? node.node.attributes.get(name) : node.inputs[k + 1];
    return typeof given === "number"
      ? ({ type: x.type, shape: [], data: [given], constant: true } as const)
      : (given as Value | undefined);
  });
  const [low, high] = bounds;
  const above = low ? recorder.pointwise([x, low], max, x.type) : x;
  return high ? recorder.pointwise([above, high], min, x.type) : above;
};

const cast: Operator = (node) =>
  node.recorder.cast(
    node.input(0),
    dataTypeOf(node.number("to", 0), `node ${JSON.stringify(node.node.name)}: the type cast to`),
  );

const where: Operator = (node) =>
  node.recorder.pointwise(
    [node.input(0), node.input(1), node.input(2)],
    (c, yes, no) => select(equal(c, 0), no, yes),
    node.input(1).type,
  );

const truth = (condition: Condition): Expression => select(condition, 1, 0);
export const elementwise: Readonly<Record<string, Operator>> = {
  ...Object.fromEntries(activationOperators.map(([op, of]): [string, Operator] => [op, (node) => one(of(node))(node)])),
  Abs: one(abs),
  Add: two(add),
  And: compare(mul),
  Cast: cast,
  Ceil: (node) => ceil(node.recorder, node.input(0)),
  Clip: clip,
  Div: divide,
  Dropout: (node) => node.input(0),
  Equal: compare((a, b) => truth(equal(a, b))),
  Erf: one(erf),
  Exp: one(exp),
  Floor: (node) => floor(node.recorder, node.input(0)),
  Gelu: (node) => one(node.string("approximate", "none") === "tanh" ? geluTanh : gelu)(node),
  Greater: compare((a, b) => truth(less(b, a))),
  GreaterOrEqual: compare((a, b) => truth(lessEqual(b, a))),
  HardSwish: one(hardSilu),
  Identity: (node) => node.input(0),
  Less: compare((a, b) => truth(less(a, b))),
  LessOrEqual: compare((a, b) => truth(lessEqual(a, b))),
  Log: one(log),
  Max: fold(max),
  Mean: (node) =>
    node.recorder.pointwise([fold(add)(node) as Value], (sum) => div(sum, node.inputs.length), node.input(0).type),
  Min: fold(min),
  // With `fmod` the sign is that of the dividend, as in C; otherwise that of the divisor.
  Mod: (node) =>
    node.recorder.known(
      [node.input(0), node.input(1)],
      node.number("fmod", 0) === 1 ? (a, b) => a % b : (a, b) => ((a % b) + b) % b,
      node.input(0).type,
    ),
  Mul: two(mul),
  Neg: one(neg),
  Not: one((x) => sub(1, x), "bool"),
  Or: compare(max),
  Pow: power,
  PRelu: two((x, slope) => select(less(x, 0), mul(slope, x), x)),
  Reciprocal: one((x) => div(1, x)),
  Round: (node) => round(node.recorder, node.input(0)),
  Sign: one((x) => select(less(0, x), 1, select(less(x, 0), -1, 0))),
  Sqrt: one(sqrt),
  Sub: two(sub),
  Sum: fold(add),
  Swish: (node) => one((x) => mul(x, sigmoid(mul(node.number("alpha", 1), x))))(node),
  Where: where,
};
