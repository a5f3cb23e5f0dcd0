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

/** Prints an equation of one variable as nodes over the value `x` and returns the name of the result. */
export function writeExpression(
  graph: GraphWriter,
  equation: (x: Term) => Expression,
  x: string,
  prefix: string,
): string {
  const root = equation(variable("x"));
  const names = new Map<AnyNode, string>();
  inOrder([root]).forEach((node, k) => {
    const name = `${prefix}.${k}`;
    const args = node.args.map((arg) => names.get(arg)!);
    if (node.op === "variable") names.set(node, x);
    else if (node.op === "constant") names.set(node, graph.float(name, { shape: [], data: [node.value] }));
    else if (node.op === "logarithm1p") names.set(node, writeExpression(graph, log1pOfLog, args[0]!, name));
    else if (node.op === "product" || node.op === "transposed" || node.op === "mean")
      throw new TypeError(`"${node.op}" mixes units and is no function of one number`);
    else {
      graph.node(operators[node.op], args, [name]);
      names.set(node, name);
    }
  });
  return names.get(root)!;
}
