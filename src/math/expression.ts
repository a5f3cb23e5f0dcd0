/**
 * The expression language: arithmetic on one unit, recorded symbolically.
 *
 * Equal expressions are the same object (hash-consing), so that a printer names each value once and a test of equality
 * is `===`. Three operations are not pointwise, they mix the units of one example: `product` (a named matrix times a
 * vector), `transposed` (its adjoint) and `mean` (over all units of all arguments). Everything else acts unit by unit.
 */

import { describe, UsageError } from "../shared/errors.ts";

/** Operations that map numbers to a number, unit by unit. */
export type PointwiseOperation =
  | "add"
  | "subtract"
  | "multiply"
  | "divide"
  | "negate"
  | "minimum"
  | "maximum"
  | "absolute"
  | "squareRoot"
  | "exponential"
  | "logarithm"
  | "logarithm1p"
  | "sigmoid"
  | "tanh"
  | "erf"
  | "select";
/** Comparisons; their result is the first argument of `select` and nothing else. */
export type Comparison = "less" | "lessEqual" | "equal";
/** Operations that mix units. */
export type MixingOperation = "product" | "transposed" | "mean";
export type Leaf = "variable" | "constant";
export type Operation = PointwiseOperation | Comparison | MixingOperation | Leaf;

interface Node<Op extends Operation> {
  readonly op: Op;
  readonly args: readonly AnyNode[];
  /** Of a variable: its name. Of `product` and `transposed`: the name of the matrix. Otherwise "". */
  readonly name: string;
  /** Of a constant: its value. Otherwise 0. */
  readonly value: number;
  /** Unique; which number it is depends on what was written before, so nothing may be decided by it. */
  readonly id: number;
}
/** A recorded number: the result of `add`, `mul`, … and of a cell's `step`. */
export type Expression = Node<PointwiseOperation | MixingOperation | Leaf>;
/** A comparison: the first argument of `select`. */
export type Condition = Node<Comparison>;
export type AnyNode = Expression | Condition;
/** An argument of the functions below: an expression or a plain number. */
export type Term = Expression | number;

const known = new Map<string, AnyNode>();

function node(op: Operation, args: readonly AnyNode[], name = "", value = 0): AnyNode {
  const key = `${op} ${name} ${Object.is(value, -0) ? "-0" : value} ${args.map((a) => a.id).join(" ")}`;
  const old = known.get(key);
  if (old) return old;
  const made = Object.freeze({
    op,
    args: Object.freeze(args),
    name,
    value,
    id: known.size,
  }) as AnyNode;
  known.set(key, made);
  return made;
}
const make = node as (op: Expression["op"], args: readonly AnyNode[], name?: string, value?: number) => Expression;
const isNode = (x: unknown): x is AnyNode =>
  typeof x === "object" && x !== null && "op" in x && typeof x.op === "string";
const isComparison = ({ op }: AnyNode): boolean => op === "less" || op === "lessEqual" || op === "equal";
/** Whether a value of any kind is a recorded number. A comparison is none. */
export const isExpression = (x: unknown): x is Expression => isNode(x) && !isComparison(x);

/** @throws UsageError "not-an-expression" for what is neither an expression nor a number */
export function term(x: Term): Expression {
  if (typeof x === "number") return constant(x);
  if (isExpression(x)) return x;
  const got = `expected an expression or a number, got ${describe(x)}`;
  throw new UsageError(
    "not-an-expression",
    `${got}; what tensors are computed from is pointwise({ x }, f(variable("x")))`,
  );
}
const is = (x: Expression, value: number): boolean => x.op === "constant" && x.value === value;
const both = (x: Expression, y: Expression): boolean => x.op === "constant" && y.op === "constant";

/** Makes an expression of a number. */
export const constant = (value: number): Expression => make("constant", [], "", value);
/** Makes an expression of a named value, given when the expression is evaluated or printed. */
export const variable = (name: string): Expression => make("variable", [], name);

/** `a + b` */
export function add(a: Term, b: Term): Expression {
  const [x, y] = [term(a), term(b)];
  if (both(x, y)) return constant(x.value + y.value);
  return is(x, 0) ? y : is(y, 0) ? x : make("add", [x, y]);
}
/** `a − b` */
export function sub(a: Term, b: Term): Expression {
  const [x, y] = [term(a), term(b)];
  if (both(x, y)) return constant(x.value - y.value);
  return is(y, 0) ? x : is(x, 0) ? neg(y) : make("subtract", [x, y]);
}
/** `a · b`, unit by unit (the Hadamard product ⊙). */
export function mul(a: Term, b: Term): Expression {
  const [x, y] = [term(a), term(b)];
  if (both(x, y)) return constant(x.value * y.value);
  if (is(x, 0) || is(y, 0)) return constant(0);
  if (is(x, 1)) return y;
  if (is(y, 1)) return x;
  if (is(x, -1)) return neg(y);
  return is(y, -1) ? neg(x) : make("multiply", [x, y]);
}
/** `a / b` */
export function div(a: Term, b: Term): Expression {
  const [x, y] = [term(a), term(b)];
  if (both(x, y)) return constant(x.value / y.value);
  return is(y, 1) ? x : is(x, 0) ? x : make("divide", [x, y]);
}
/** `−a` */
export function neg(a: Term): Expression {
  const x = term(a);
  if (x.op === "constant") return constant(-x.value);
  return x.op === "negate" ? (x.args[0] as Expression) : make("negate", [x]);
}
const binary =
  (op: "minimum" | "maximum") =>
  (a: Term, b: Term): Expression =>
    make(op, [term(a), term(b)]);
const unary =
  (op: Exclude<PointwiseOperation, "select">) =>
  (a: Term): Expression =>
    make(op, [term(a)]);

/** The smaller of two numbers; NaN if either is NaN. At equality each gets half of the gradient, as in PyTorch. */
export const min = /* @__PURE__ */ binary("minimum");
/** The larger of two numbers; NaN if either is NaN. At equality each gets half of the gradient, as in PyTorch. */
export const max = /* @__PURE__ */ binary("maximum");
/** `|a|`, derivative 0 at 0. */
export const abs = /* @__PURE__ */ unary("absolute");
/** `√a` */
export const sqrt = /* @__PURE__ */ unary("squareRoot");
/** `eᵃ` */
export const exp = /* @__PURE__ */ unary("exponential");
/** Natural logarithm. */
export const log = /* @__PURE__ */ unary("logarithm");
/** `log(1 + a)`, exact near 0. */
export const log1p = /* @__PURE__ */ unary("logarithm1p");
/** `σ(a) = 1 / (1 + e⁻ᵃ)` */
export const sigmoid = /* @__PURE__ */ unary("sigmoid");
/** Hyperbolic tangent. */
export const tanh = /* @__PURE__ */ unary("tanh");
/** `2/√π ∫₀ᵃ e^(−t²) dt` */
export const erf = /* @__PURE__ */ unary("erf");
/** `a²` */
export const square = (a: Term): Expression => mul(a, a);

const compare =
  (op: Comparison) =>
  (a: Term, b: Term): Condition =>
    node(op, [term(a), term(b)]) as Condition;
/** `a < b`; false where either is NaN. */
export const less = /* @__PURE__ */ compare("less");
/** `a ≤ b`; false where either is NaN. */
export const lessEqual = /* @__PURE__ */ compare("lessEqual");
/** `a = b` */
export const equal = /* @__PURE__ */ compare("equal");
/**
 * `yes` where the condition holds, otherwise `no`. The value that is not selected may be NaN and gets the gradient 0. As with PyTorch's
 * `where`, 0 times an infinite derivative is NaN: bound the argument of such a value (see `elu`).
 */
export function select(condition: Condition, yes: Term, no: Term): Expression {
  if (!isNode(condition) || !isComparison(condition))
    throw new UsageError(
      "not-an-expression",
      `select: expected a comparison, such as less(a, b), got ${describe(condition)}`,
    );
  const [a, b] = [term(yes), term(no)];
  return a === b ? a : make("select", [condition, a, b]);
}

/** The matrix called `matrix` times the vector `operand` (one vector an example, over units), plus its bias if it has one. */
export const product = (matrix: string, operand: Expression): Expression => make("product", [operand], matrix);
/** The transpose of the matrix called `matrix` times `operand`: what `product` becomes backward. No bias. */
export const transposed = (matrix: string, operand: Expression): Expression =>
  is(operand, 0) ? operand : make("transposed", [operand], matrix);
/** The mean over all units of all arguments: the same number for every unit of an example. */
export function mean(...parts: readonly Term[]): Expression {
  if (parts.length === 0) throw new UsageError("not-an-expression", "mean: expected one value or more, got none");
  return make("mean", parts.map(term));
}

/**
 * Every node below `roots`, arguments before what uses them, in an order that depends on the expressions alone (not on what was
 * written before them): sums of adjoints are taken in it. `stop` ends the descent: its node is listed, its arguments are not.
 */
export function inOrder(roots: Iterable<AnyNode>, stop: (n: AnyNode) => boolean = () => false): AnyNode[] {
  const seen = new Set<AnyNode>();
  const order: AnyNode[] = [];
  const visit = (n: AnyNode): void => {
    if (seen.has(n)) return;
    seen.add(n);
    if (!stop(n)) n.args.forEach(visit);
    order.push(n);
  };
  for (const root of roots) visit(root);
  return order;
}

/** `root` with nodes replaced as `replace` says (undefined keeps a node, its arguments then being rewritten). */
export function rewrite(roots: readonly Expression[], replace: (n: AnyNode) => Expression | undefined): Expression[] {
  const done = new Map<AnyNode, AnyNode>();
  const visit = (n: AnyNode): AnyNode => {
    let r = done.get(n);
    if (!r) {
      r = replace(n);
      if (!r) {
        const args = n.args.map(visit);
        r = args.every((a, k) => a === n.args[k]) ? n : rebuild(n, args);
      }
      done.set(n, r);
    }
    return r;
  };
  return roots.map((root) => visit(root) as Expression);
}

/** The same operation on other arguments, simplified as at first writing. */
function rebuild(n: AnyNode, args: readonly AnyNode[]): AnyNode {
  const [a, b, c] = args as [Expression, Expression, Expression];
  switch (n.op) {
    case "add":
      return add(a, b);
    case "subtract":
      return sub(a, b);
    case "multiply":
      return mul(a, b);
    case "divide":
      return div(a, b);
    case "negate":
      return neg(a);
    case "select":
      return select(args[0] as Condition, b, c);
    case "transposed":
      return transposed(n.name, a);
    default:
      return node(n.op, args, n.name, n.value);
  }
}
