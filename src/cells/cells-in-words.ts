import type { Cell } from "./define.ts";
import { parseCell } from "./parse-cell.ts";

/** What a file says of the cell of a model, as far as it matters here. */
interface Said {
  readonly name?: unknown;
  readonly options?: { readonly text?: unknown } | undefined;
}

/**
 * The cells that the config of a model has in words, by name, to be given to what makes the model: `{ equations: … }` where its cell
 * was made by `parseCell`, else none.
 * @throws EquationError ("bad-equations")
 */
export function cellsInWords(config: unknown): Readonly<Record<string, Cell>> {
  const { name, options } = ((config as { readonly cell?: unknown } | undefined)?.cell ?? {}) as Said;
  return name === "equations" && typeof options?.text === "string" ? { equations: parseCell(options.text) } : {};
}
