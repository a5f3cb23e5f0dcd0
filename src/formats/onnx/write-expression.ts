import {
  type AnyNode,
  add,
  div,
  type Expression,
  equal,
  inOrder,
  log,
  select,
  sub,
  type Term,
  variable,
} from "../../math/expression.ts";
import type { GraphWriter } from "./graph-writer.ts";

type Pointwise = Exclude<AnyNode["op"], "variable" | "constant" | "product" | "transposed" | "mean" | "logarithm1p">;

/** The operator that computes each operation. */
const operators: { readonly [K in Pointwise]: string } = {
  absolute: "Abs",
  add: "Add",
  divide: "Div",
  equal: "Equal",
  erf: "Erf",
  exponential: "Exp",
  less: "Less",
  lessEqual: "LessOrEqual",
  logarithm: "Log",
  maximum: "Max",
  minimum: "Min",
  multiply: "Mul",
  negate: "Neg",
  select: "Where",
  sigmoid: "Sigmoid",
  squareRoot: "Sqrt",
  subtract: "Sub",
  tanh: "Tanh",
};

/**
 * ONNX has no log1p. Where `1 + x` was rounded, what that lost is put back by the first term of the series (the next one is below 2⁻⁴⁸ in float32);
 * where it was not, −1 and ∞ among them, there is nothing to put back.
 */
function log1pOfLog(x: Term): Expression {
  const sum = add(x, 1);
  const kept = sub(sum, 1);
  return select(equal(kept, x), log(sum), add(log(sum), div(sub(x, kept), sum)));
}

/** What equations do not know themselves. */
export interface Printed {
  readonly graph: GraphWriter;
  /** Values of the graph by the nodes that they are: variables before printing, everything else behind it. */
  readonly names: Map<AnyNode, string>;
  /** A new name for the value of a node. */
  readonly name: (node: AnyNode) => string;
  /** Prints an operation that mixes units. */
  readonly mixing?: (node: AnyNode) => string;
}

/** Prints equations as nodes of a graph, each value once, and names the values in `names`. */
export function writeNodes(roots: Iterable<AnyNode>, printed: Printed): void {
  const { graph, names, name, mixing } = printed;
  for (const node of inOrder(roots, (n) => names.has(n))) if (!names.has(node)) names.set(node, write(node));

  function write(node: AnyNode): string {
    if (node.op === "constant") return graph.float(name(node), { shape: [], data: [node.value] });
    if (node.op === "product" || node.op === "transposed" || node.op === "mean" || node.op === "variable") {
      if (!mixing) throw new TypeError(`"${node.op}" ${node.name} is no function of one number`);
      return mixing(node);
    }
    const args = node.args.map((arg) => names.get(arg)!);
    const own = name(node);
    if (node.op === "logarithm1p") return writeExpression(graph, log1pOfLog, args[0]!, own);
    graph.node(operators[node.op], args, [own]);
    return own;
  }
}

/** Prints an equation of one variable as nodes over the value `x` and returns the name of the result. */
export function writeExpression(
  graph: GraphWriter,
  equation: (x: Expression) => Expression,
  x: string,
  prefix: string,
): string {
  const [argument, names] = [variable("x"), new Map<AnyNode, string>()];
  const root = equation(argument);
  names.set(argument, x);
  writeNodes([root], { graph, names, name: () => `${prefix}.${names.size}` });
  return names.get(root)!;
}
