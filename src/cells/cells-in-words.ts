import { cellOfSpec, isInWords } from "./cell-of-spec.ts";
import { EquationError } from "./cell-tokens.ts";
import type { Cell } from "./define.ts";
import type { CellSpec } from "./registry.ts";

/**
 * The cells that the config of a model has in words, by name, to be given to what makes the model: that of its cell, if it is one of one's
 * own; and those that were given. A cell of code that words cannot say is none: it has to be given.
 * @throws EquationError ("bad-equations") for words of the author's own
 */
export function cellsInWords(
  config: unknown,
  given: Readonly<Record<string, Cell>> = {},
): Readonly<Record<string, Cell>> {
  const spec = (config as { readonly cell?: CellSpec | null } | undefined)?.cell ?? { name: "" };
  if (!isInWords(spec) || Object.hasOwn(given, spec.name)) return given;
  try {
    return { ...given, [spec.name]: cellOfSpec(spec) };
  } catch (error) {
    if (spec.name === "equations" || !(error instanceof EquationError)) throw error;
    return given;
  }
}
