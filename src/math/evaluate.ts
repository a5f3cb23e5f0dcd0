import type { AnyNode, Comparison, PointwiseOperation } from "./expression.ts";
import { inOrder } from "./expression.ts";

type Rule = (a: number, b: number, c: number) => number;

/** One line an operation: its value in float64. Comparisons give 1 or 0. */
export const rules: { [K in PointwiseOperation | Comparison]: Rule } = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  negate: (a) => -a,
  minimum: (a, b) => Math.min(a, b),
  maximum: (a, b) => Math.max(a, b),
  absolute: (a) => Math.abs(a),
  squareRoot: (a) => Math.sqrt(a),
  exponential: (a) => Math.exp(a),
  logarithm: (a) => Math.log(a),
  logarithm1p: (a) => Math.log1p(a),
  sigmoid: (a) => (a >= 0 ? 1 / (1 + Math.exp(-a)) : Math.exp(a) / (1 + Math.exp(a))),
  tanh: (a) => Math.tanh(a),
  erf: (a) => erf(a),
  select: (condition, yes, no) => (condition !== 0 ? yes : no),
  less: (a, b) => (a < b ? 1 : 0),
  lessEqual: (a, b) => (a <= b ? 1 : 0),
  equal: (a, b) => (a === b ? 1 : 0),
};

/**
 * Values of pointwise expressions, given those of their variables.
 *
 * @param roots What to evaluate; `product`, `transposed` and `mean` are not pointwise and must be given as variables.
 * @param value The number a variable stands for.
 */
export function evaluate(roots: readonly AnyNode[], value: (name: string) => number): number[] {
  const values = new Map<AnyNode, number>();
  for (const n of inOrder(roots)) {
    const [a, b, c] = n.args.map((x) => values.get(x)!);
    if (n.op === "variable") values.set(n, value(n.name));
    else if (n.op === "constant") values.set(n, n.value);
    else if (n.op === "product" || n.op === "transposed" || n.op === "mean")
      throw new TypeError(`evaluate: '${n.op}' mixes units and has no value for one unit alone`);
    else values.set(n, rules[n.op](a!, b!, c!));
  }
  return roots.map((r) => values.get(r)!);
}

/**
 * The error function to about 1e-16: the Taylor series below 2.5, a continued fraction for erfc above.
 *
 * @see Abramowitz & Stegun (1964), 7.1.6 and 7.1.14.
 */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (a >= 6) return Math.sign(x);
  const square = a * a;
  let result: number;
  if (a < 2.5) {
    let [part, sum] = [a, a];
    for (let n = 1; part > sum * 1e-17; n++) {
      part *= (2 * square) / (2 * n + 1);
      sum += part;
    }
    result = (2 / Math.sqrt(Math.PI)) * Math.exp(-square) * sum;
  } else {
    let fraction = 0;
    for (let n = 60; n >= 1; n--) fraction = n / 2 / (a + fraction);
    result = 1 - Math.exp(-square) / Math.sqrt(Math.PI) / (a + fraction);
  }
  return Math.sign(x) * result;
}
