import { type Cell, variables } from "../cells/define.ts";
import { type Expression, inOrder } from "../math/expression.ts";
import { perCell } from "./per-cell.ts";
import { nodesOf } from "./widths.ts";

/** For each gate that is a sum `W x + U v + b`: that sum. */
export const gateSums = (cell: Cell): (readonly [gate: string, sum: Expression])[] =>
  inOrder(Object.values(cell.named))
    .filter((n): n is Expression => n.op === "add" && n.args[1]?.op === "product")
    .filter((n) => n.args[0] === variables.input(n.args[1]!.name))
    .map((n) => [n.args[1]!.name, n]);

/**
 * The same cell with what its matrices give as named values too, before those it has: `pre.GATE` is `W x + U v + b`; where
 * a cell mixes the two parts itself they are `pre.GATE.x` and `pre.GATE.h`. The equations are the same objects.
 */
export const withGateSums = /* @__PURE__ */ perCell((cell): Cell => {
  const sums = new Map(gateSums(cell));
  const nodes = nodesOf(cell);
  const before: Record<string, Expression> = {};
  for (const { name } of cell.gates) {
    const sum = sums.get(name);
    const product = nodes.find((n): n is Expression => n.op === "product" && n.name === name);
    if (sum) before[`pre.${name}`] = sum;
    else if (!product) before[`pre.${name}`] = variables.input(name);
    else Object.assign(before, { [`pre.${name}.x`]: variables.input(name), [`pre.${name}.h`]: product });
  }
  return { ...cell, named: { ...before, ...cell.named } };
});
