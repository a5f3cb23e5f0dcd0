import { cellOfSpec } from "../../cells/cell-of-spec.ts";
import type { Cell } from "../../cells/define.ts";
import type { RecurrentSpec } from "../canonical.ts";

/** The cell of a recurrent layer. Errors as `cellOfSpec`. */
export function cellOf({ cell, biases }: Pick<RecurrentSpec, "cell" | "biases">): Cell {
  const made = cellOfSpec(cell);
  return biases === 0 ? { ...made, bias: "none" } : made;
}
