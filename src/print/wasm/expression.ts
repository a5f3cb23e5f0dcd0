import type { AnyNode, Comparison, Expression, PointwiseOperation } from "../../math/expression.ts";
import { inOrder } from "../../math/expression.ts";
import type { Code } from "./code.ts";
import { f32x4, v128 } from "./instructions.ts";
import { erf, exponential, logarithm, logarithm1p, sigmoid, tanh } from "./transcendental.ts";
import type { VectorOptions } from "./vectors.ts";
import { Vectors } from "./vectors.ts";

type Rule = (v: Vectors, a: Code, b: Code, c: Code) => Code;

/** One line an operation. Comparisons give lane masks, `select` chooses by bits: what is not chosen poisons nothing. */
const rules: { readonly [K in PointwiseOperation | Comparison]: Rule } = {
  add: (_, a, b) => f32x4.add(a, b),
  subtract: (_, a, b) => f32x4.sub(a, b),
  multiply: (_, a, b) => f32x4.mul(a, b),
  divide: (_, a, b) => f32x4.div(a, b),
  negate: (_, a) => f32x4.neg(a),
  minimum: (_, a, b) => f32x4.min(a, b),
  maximum: (_, a, b) => f32x4.max(a, b),
  absolute: (_, a) => f32x4.abs(a),
  squareRoot: (_, a) => f32x4.sqrt(a),
  exponential,
  logarithm,
  logarithm1p,
  sigmoid,
  tanh,
  erf,
  select: (_, condition, yes, no) => v128.bitselect(yes, no, condition),
  less: (_, a, b) => f32x4.lt(a, b),
  lessEqual: (_, a, b) => f32x4.le(a, b),
  equal: (_, a, b) => f32x4.eq(a, b),
};

export interface PrintedExpressions {
  /** Computes all values into locals. */
  readonly code: Code;
  /** Reads the value of one of the roots, or of any node below them, after `code`. */
  value(e: AnyNode): Code;
}

/**
 * Prints pointwise expressions as code on four float32 at once. Every distinct value is computed once; sums and products
 * are never contracted, so a value has the same bits whatever else is printed with it.
 *
 * @param options.roots What is wanted.
 * @param options.leaf Code that yields a node that is available already: every variable, `product`, `transposed` and
 *   `mean`, and whatever else the caller holds; undefined for what is to be computed. Asked once per node.
 */
export function printExpressions(
  options: VectorOptions & {
    readonly roots: readonly AnyNode[];
    readonly leaf: (node: AnyNode) => Code | undefined;
  },
): PrintedExpressions {
  const v = new Vectors(options);
  const given = new Map<AnyNode, Code | undefined>();
  const leaf = (n: AnyNode): Code | undefined => {
    if (!given.has(n)) given.set(n, n.op === "constant" ? v.constant(n.value) : options.leaf(n));
    return given.get(n);
  };
  const values = new Map<AnyNode, Code>();
  for (const n of inOrder(options.roots, (n) => leaf(n) !== undefined)) values.set(n, print(v, n, leaf(n), values));
  return {
    code: v.code,
    value(e) {
      const code = values.get(e);
      if (code === undefined) throw new TypeError(`printExpressions: '${describe(e)}' is not below the roots`);
      return code;
    },
  };
}

function print(v: Vectors, n: AnyNode, available: Code | undefined, values: ReadonlyMap<AnyNode, Code>): Code {
  if (available !== undefined) return n.op === "constant" ? available : v.keep(available);
  switch (n.op) {
    case "constant":
    case "variable":
    case "product":
    case "transposed":
    case "mean":
      throw new TypeError(`printExpressions: no code was given for '${describe(n)}'`);
    default: {
      const [a = [], b = [], c = []] = n.args.map((x) => values.get(x)!);
      return v.keep(rules[n.op](v, a, b, c));
    }
  }
}

const describe = (n: Pick<Expression, "name"> & { readonly op: string }): string =>
  n.name === "" ? n.op : `${n.op} ${n.name}`;
