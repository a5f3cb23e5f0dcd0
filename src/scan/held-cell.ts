import { type Cell, variables } from "../cells/define.ts";
import { add, type Expression, inOrder, mul, rewrite } from "../math/expression.ts";
import { equationsOf, perCell } from "./per-cell.ts";
import { widthOf } from "./widths.ts";

/**
 * Names of values that can be held: gates, what lies between, and states. The units of a projected state are those of the vector that
 * is projected: one that is held at 0 gives nothing to any number of the state.
 */
export const holdable = (cell: Cell): string[] =>
  Object.keys(cell.named).filter((name) => !isProjected(cell, name) || projectedTo(cell, cell.named[name]!));

const isProjected = (cell: Cell, name: string): boolean => widthOf(cell, cell.named[name]!) === "projection";

/** The vector that is projected on the way to a value. */
const projectedTo = (cell: Cell, value: Expression): Expression | undefined =>
  inOrder([value]).find((n) => n.op === "product" && cell.projections.includes(n.name))?.args[0] as
    | Expression
    | undefined;

/** The unit weights of `heldCell` that belong to a value: `keep` times the value, plus `held`, stands in its place. */
export const holds = (name: string) => ({ keep: `keep.${name}`, held: `held.${name}` });

/**
 * The same cell whose values can be held: each named value v, gate or state, becomes keep · v + held, with two weights a unit.
 * With keep = 1 and held = 0 it is the same cell, to the bit. A unit whose state h is held at 0 is one that nobody reads.
 */
export const heldCell = /* @__PURE__ */ perCell((cell): Cell => {
  const names = Object.keys(cell.named);
  let roots = names.map((name) => cell.named[name]!);
  const weights: Record<string, number> = { ...cell.weights };
  // In the order of computation: what a value is made of has been replaced when its turn comes.
  for (const name of holdable(cell)) {
    const { keep, held } = holds(name);
    weights[keep] = 1;
    weights[held] = 0;
    const root = roots[names.indexOf(name)]!;
    const value = isProjected(cell, name) ? projectedTo(cell, root)! : root;
    const instead = add(mul(variables.weight(keep), value), variables.weight(held));
    roots = rewrite(roots, (node) => (node === value ? instead : undefined));
  }
  return { ...cell, weights, ...equationsOf(cell, roots) };
});
