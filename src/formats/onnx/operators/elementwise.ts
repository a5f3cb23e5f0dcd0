import {
  abs,
  add,
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
  type Term,
} from "../../../math/expression.ts";
import { gelu, geluTanh, hardSilu } from "../../../math/functions.ts";
import { type DataType, isFloat } from "../../data-type.ts";
import { isHost, type Value } from "../../value.ts";
import { activationOperators } from "../activations.ts";
import type { NodeContext, Operator } from "../node.ts";
import type { ElementFunction } from "../recorder.ts";
import { ceil, floor, round } from "../rounding.ts";
import { dataTypeOf } from "../tensor-data.ts";

type Equation = (...x: Term[]) => Expression;
const expression = (x: Term): Expression => x as Expression;

/** Over all inputs, broadcast; of the first one's type unless said otherwise. */
const elements =
  (f: ElementFunction, type?: DataType): Operator =>
  (node) => {
    const inputs = node.inputs.map((_, k) => node.input(k));
    return node.recorder.pointwise(inputs, f, type ?? node.input(0).type);
  };
const one = (equation: (x: Expression) => Expression): Operator =>
  elements({ equation: (x) => equation(expression(x!)) });
const two = (equation: (a: Term, b: Term) => Expression, host?: (a: number, b: number) => number): Operator =>
  elements({ equation: equation as Equation, ...(host && { host: host as (...x: number[]) => number }) });
const compare = (equation: (a: Term, b: Term) => Expression): Operator =>
  elements({ equation: equation as Equation }, "bool");
const fold =
  (combine: (a: Term, b: Term) => Expression): Operator =>
  (node) =>
    node.inputs
      .map((_, k) => node.input(k))
      .reduce((a, b) => node.recorder.pointwise([a, b], { equation: combine as Equation }, a.type));

/** A quotient; of whole numbers rounded toward zero. */
const divide: Operator = (node) => {
  const { type } = node.input(0);
  const whole = !isFloat(type);
  return node.recorder.pointwise(
    [node.input(0), node.input(1)],
    { equation: div as Equation, ...(whole && { host: (a: number, b: number) => Math.trunc(a / b) }) },
    type,
  );
};

const power: Operator = (node) => {
  const exponent = node.input(1);
  const known = isHost(exponent) && exponent.data.length === 1 ? exponent.data[0] : undefined;
  const equation = known === undefined ? undefined : (x: Term) => powerOf(expression(x), known);
  return node.recorder.pointwise(
    [node.input(0), exponent],
    { ...(equation && { equation: equation as Equation }), host: (a, b) => a! ** b! },
    node.input(0).type,
  );
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
  const above = low ? recorder.pointwise([x, low], { equation: max as Equation }, x.type) : x;
  return high ? recorder.pointwise([above, high], { equation: min as Equation }, x.type) : above;
};

const cast: Operator = (node) =>
  node.recorder.cast(
    node.input(0),
    dataTypeOf(node.int("to", 0), `node ${JSON.stringify(node.node.name)}: the type cast to`),
  );

const where: Operator = (node) =>
  node.recorder.pointwise(
    [node.input(0), node.input(1), node.input(2)],
    { equation: (c, yes, no) => select(equal(c!, 0), no!, yes!) },
    node.input(1).type,
  );

const truth = (condition: Expression | ReturnType<typeof less>): Expression =>
  select(condition as ReturnType<typeof less>, 1, 0);
const identity: Operator = (node: NodeContext) => node.input(0);

export const elementwise: Readonly<Record<string, Operator>> = {
  ...Object.fromEntries(activationOperators.map(([op, of]): [string, Operator] => [op, (node) => one(of(node))(node)])),
  Abs: one(abs),
  Add: two(add),
  And: compare((a, b) => mul(a, b)),
  Cast: cast,
  Ceil: (node) => ceil(node.recorder, node.input(0)),
  Clip: clip,
  Div: divide,
  Dropout: (node) => [node.input(0)],
  Equal: compare((a, b) => truth(equal(a, b))),
  Erf: one(erf),
  Exp: one(exp),
  Floor: (node) => floor(node.recorder, node.input(0)),
  Gelu: (node) => one(node.string("approximate", "none") === "tanh" ? geluTanh : gelu)(node),
  Greater: compare((a, b) => truth(less(b, a))),
  GreaterOrEqual: compare((a, b) => truth(lessEqual(b, a))),
  HardSwish: one(hardSilu),
  Identity: identity,
  Less: compare((a, b) => truth(less(a, b))),
  LessOrEqual: compare((a, b) => truth(lessEqual(a, b))),
  Log: one(log),
  Max: fold(max),
  Mean: (node) =>
    node.recorder.pointwise(
      [fold(add)(node) as Value],
      { equation: (sum) => div(sum!, node.inputs.length) },
      node.input(0).type,
    ),
  Min: fold(min),
  // With `fmod` the sign is that of the dividend, as in C; otherwise that of the divisor.
  Mod: (node) =>
    elements({ host: node.int("fmod", 0) === 1 ? (a, b) => a! % b! : (a, b) => ((a! % b!) + b!) % b! })(node),
  Mul: two(mul),
  Neg: one(neg),
  Not: elements({ equation: (x) => sub(1, x!) }, "bool"),
  Or: compare((a, b) => max(a, b)),
  Pow: power,
  PRelu: two((x, slope) => select(less(x, 0), mul(slope, x), x)),
  Reciprocal: one((x) => div(1, x)),
  Round: (node) => round(node.recorder, node.input(0)),
  Sign: one((x) => select(less(0, x), 1, select(less(x, 0), -1, 0))),
  Sqrt: one(sqrt),
  Sub: two(sub),
  Sum: fold(add),
  Swish: (node) => one((x) => mul(x, sigmoid(mul(node.float("alpha", 1), x))))(node),
  Where: where,
};
