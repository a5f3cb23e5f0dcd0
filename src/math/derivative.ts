import {
  type AnyNode,
  add,
  constant,
  div,
  type Expression,
  equal,
  exp,
  inOrder,
  less,
  mean,
  mul,
  neg,
  type PointwiseOperation,
  select,
  square,
  sub,
  transposed,
} from "./expression.ts";

type Pullback = (g: Expression, y: Expression, args: readonly Expression[]) => readonly (Expression | undefined)[];

/** One line an operation: the adjoint of each argument, given the adjoint `g` of the value `y`. */
const pullbacks: { [K in PointwiseOperation]: Pullback } = {
  add: (g) => [g, g],
  subtract: (g) => [g, neg(g)],
  multiply: (g, _, [a, b]) => [mul(g, b!), mul(g, a!)],
  divide: (g, y, [, b]) => [div(g, b!), neg(div(mul(g, y), b!))],
  negate: (g) => [neg(g)],
  minimum: (g, _, [a, b]) => [share(g, a!, b!), share(g, b!, a!)],
  maximum: (g, _, [a, b]) => [share(g, b!, a!), share(g, a!, b!)],
  absolute: (g, _, [a]) => [select(less(a!, 0), neg(g), select(less(0, a!), g, 0))],
  squareRoot: (g, y) => [div(mul(g, 0.5), y)],
  exponential: (g, y) => [mul(g, y)],
  logarithm: (g, _, [a]) => [div(g, a!)],
  logarithm1p: (g, _, [a]) => [div(g, add(1, a!))],
  sigmoid: (g, y) => [mul(g, mul(y, sub(1, y)))],
  tanh: (g, y) => [mul(g, sub(1, square(y)))],
  erf: (g, _, [a]) => [mul(g, mul(2 / Math.sqrt(Math.PI), exp(neg(square(a!)))))],
  select: (g, y) => {
    const condition = y.args[0] as Parameters<typeof select>[0];
    return [undefined, select(condition, g, 0), select(condition, 0, g)];
  },
};
/** All of `g` where `a < b`, half where they are equal. */
const share = (g: Expression, a: Expression, b: Expression): Expression =>
  select(less(a, b), g, select(equal(a, b), mul(0.5, g), 0));

/** What is sent to the operand of a product whose value has the adjoint `g`. */
export type ProductAdjoint = (node: Expression, g: Expression) => Expression;

/**
 * Gradients of `Σ seed · output` with respect to `inputs`, by reverse mode over the expressions.
 *
 * @param seeds Pairs of an output and its adjoint.
 * @param inputs Nodes whose adjoints are wanted; those that no output depends on get the constant 0.
 * @param productAdjoint What a product sends to its operand; by default the transposed matrix times its adjoint.
 */
export function gradient(
  seeds: Iterable<readonly [output: Expression, adjoint: Expression]>,
  inputs: readonly Expression[],
  productAdjoint: ProductAdjoint = (node, g) => transposed(node.name, g),
): Expression[] {
  const adjoints = new Map<AnyNode, Expression>();
  const push = (n: AnyNode, g: Expression): void => void adjoints.set(n, add(adjoints.get(n) ?? 0, g));
  const roots: Expression[] = [];
  for (const [output, adjoint] of seeds) {
    push(output, adjoint);
    roots.push(output);
  }
  const wanted = new Set<AnyNode>(inputs);
  const relevant = new Set<AnyNode>();
  const order = inOrder(roots);
  for (const n of order) if (wanted.has(n) || n.args.some((a) => relevant.has(a))) relevant.add(n);
  for (const n of order.reverse()) {
    const g = adjoints.get(n);
    if (!g || !relevant.has(n)) continue;
    const y = n as Expression;
    for (const [k, part] of pull(y, g, productAdjoint).entries())
      if (part && relevant.has(n.args[k]!)) push(n.args[k]!, part);
  }
  return inputs.map((x) => adjoints.get(x) ?? constant(0));
}

function pull(y: Expression, g: Expression, productAdjoint: ProductAdjoint): readonly (Expression | undefined)[] {
  const args = y.args as readonly Expression[];
  if (y.op === "product") return [productAdjoint(y, g)];
  if (y.op === "mean") return args.map(() => div(mean(g), args.length));
  if (y.op === "variable" || y.op === "constant") return [];
  if (y.op === "transposed") throw new TypeError("gradient: second derivatives through a matrix are not taken");
  return pullbacks[y.op](g, y, args);
}
