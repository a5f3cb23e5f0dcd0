import { cellOfSpec, isInWords } from "./cell-of-spec.ts";
import type { Cell } from "./define.ts";
import type { CellSpec } from "./registry.ts";

/**
 * The cells that the config of a model has in words, by name, to be given to what makes the model: `{ equations: … }` where its cell
 * was made by `parseCell`, else none; and those that were given.
 * @throws EquationError ("bad-equations")
 */
export function cellsInWords(
  config: unknown,
  given: Readonly<Record<string, Cell>> = {},
): Readonly<Record<string, Cell>> {
  const spec = (config as { readonly cell?: CellSpec | null } | undefined)?.cell ?? { name: "" };
  return { ...(isInWords(spec) && { [spec.name]: cellOfSpec(spec) }), ...given };
}
