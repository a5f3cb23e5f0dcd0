import { UsageError } from "../shared/errors.ts";
import { cellText } from "./cell-text.ts";
import type { Cell } from "./define.ts";
import { parseCell } from "./parse-cell.ts";
import { type CellSpec, cellByName, sameEquations } from "./registry.ts";

/** Whether a spec says a cell of one's own, by its equations as text. */
export const isInWords = ({ options }: CellSpec): boolean => typeof options?.text === "string";

/**
 * The cell of a spec: a built-in one by its name, or one of one's own by its equations, `{ name, options: { text } }`.
 * @throws what `cellByName` and `parseCell` throw
 */
export const cellOfSpec = (spec: CellSpec): Cell =>
  isInWords(spec) ? { ...parseCell(spec.options!.text as string), name: spec.name } : cellByName(spec);

/**
 * A cell of one's own as a spec, in its author's words where it was made of such.
 * @throws UsageError "bad-cell" where text cannot say it: a name that is none there, a gate that no equation reads
 */
export function specInWords(cell: Cell): CellSpec {
  const { text = cellText(cell) } = cell.options as { readonly text?: string };
  const spec = { name: cell.name, options: { text } };
  let why = "";
  try {
    if (sameEquations(cellOfSpec(spec), cell)) return spec;
  } catch (cause) {
    why = ` (${(cause as Error).message})`;
  }
  throw new UsageError(
    "bad-cell",
    `cell "${cell.name}": its equations cannot be said in words, as cellText and parseCell have them${why}; give its gates, states and values names that are words there, and read every gate`,
  );
}
