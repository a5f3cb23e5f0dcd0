import type { Cell } from "./define.ts";
import { parseCell } from "./parse-cell.ts";

/** What a file says of the cell of a model, as far as it matters here. */
interface Said {
  readonly name?: unknown;
  readonly options?: { readonly text?: unknown } | undefined;
}

/**
 * The cells that the config of a model has in words, by name, to be given to what makes the model: `{ equations: … }` where its cell
 * was made by `parseCell`, else none; and those that were given.
 * @throws EquationError ("bad-equations")
 */
export function cellsInWords(
  config: unknown,
  given: Readonly<Record<string, Cell>> = {},
): Readonly<Record<string, Cell>> {
  const { name, options } = ((config as { readonly cell?: unknown } | undefined)?.cell ?? {}) as Said;
  const words = name === "equations" && typeof options?.text === "string" ? options.text : undefined;
  return { ...(words !== undefined && { equations: parseCell(words) }), ...given };
}
