import { type Cell, type MaskSpec, partsOfVariable } from "../cells/define.ts";
import { constant, type Expression, rewrite } from "../math/expression.ts";

/** What a mask is where nothing is drawn: what it is on average. */
export const maskAtInference = ({ kind, rate }: MaskSpec): number => (kind === "dropout" ? 1 : rate);

const known = new WeakMap<Cell, Cell>();

/** The same cell where nobody trains: its masks are numbers in its equations, and recurrent dropout is gone from them. */
export function inferenceCell(cell: Cell): Cell {
  if (Object.keys(cell.masks).length === 0) return cell;
  const old = known.get(cell);
  if (old) return old;
  const names = Object.keys(cell.named);
  const values = rewrite(Object.values(cell.named), (node) => {
    if (node.op !== "variable") return undefined;
    const { kind, name } = partsOfVariable(node.name);
    return kind === "mask" ? constant(maskAtInference(cell.masks[name]!)) : undefined;
  });
  const named: Record<string, Expression> = Object.fromEntries(names.map((name, k) => [name, values[k]!]));
  const next = Object.fromEntries(cell.states.map(({ name }) => [name, named[name]!]));
  const full: Cell = { ...cell, masks: {}, named, next };
  known.set(cell, full);
  return full;
}
