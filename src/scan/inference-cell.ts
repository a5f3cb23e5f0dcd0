import { type Cell, type MaskSpec, partsOfVariable } from "../cells/define.ts";
import { constant, rewrite } from "../math/expression.ts";
import { equationsOf, perCell } from "./per-cell.ts";

/** What a mask is where nothing is drawn: what it is on average. */
export const maskAtInference = ({ kind, rate }: MaskSpec): number => (kind === "dropout" ? 1 : rate);

/** The same cell where nobody trains: its masks are numbers in its equations, and recurrent dropout is gone from them. */
export const inferenceCell = /* @__PURE__ */ perCell((cell): Cell => {
  if (Object.keys(cell.masks).length === 0) return cell;
  const values = rewrite(Object.values(cell.named), (node) => {
    if (node.op !== "variable") return undefined;
    const { kind, name } = partsOfVariable(node.name);
    return kind === "mask" ? constant(maskAtInference(cell.masks[name]!)) : undefined;
  });
  return { ...cell, masks: {}, ...equationsOf(cell, values) };
});
