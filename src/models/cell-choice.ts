import { cellText } from "../cells/cell-text.ts";
import type { Cell } from "../cells/define.ts";
import { type CellChoice, type CellSpec, cellByName, cellNames, sameEquations } from "../cells/registry.ts";
import { describe, UsageError } from "../shared/errors.ts";

/** How a config names a cell. `custom`: one of the caller's own, of which `options.text` are the equations. */
export type CellConfig = CellSpec & { readonly custom?: true | undefined };

/** The cell, and how a config names it so that the same one is made of it again. */
export function chooseCell(choice: CellChoice): { cell: Cell; spec: CellConfig } {
  if (typeof choice !== "object" || choice === null || !("next" in choice)) {
    const cell = cellByName(choice);
    return { cell, spec: typeof choice === "string" ? { name: choice } : choice };
  }
  if (cellNames.includes(choice.name) && sameEquations(cellByName(choice.name), choice))
    return { cell: choice, spec: { name: choice.name } };
  // Its equations go into the file as text, so that the cell can be read from it again.
  const { text } = choice.options;
  const options = { text: typeof text === "string" ? text : cellText(choice) };
  return { cell: choice, spec: { name: choice.name, options, custom: true } };
}

/**
 * What a config, which may come from a file, says of the cell.
 *
 * @param cells cells of the caller's own by name
 * @throws UsageError "bad-config", "unknown-cell"
 */
export function cellOfConfig(cell: unknown, cells: Readonly<Record<string, Cell>>): CellChoice {
  const spec = cell as (CellSpec & { custom?: unknown }) | undefined;
  if (typeof spec !== "object" || spec === null || typeof spec.name !== "string")
    throw new UsageError("bad-config", `model.cell: expected an object with a name, got ${describe(cell)}`);
  const own = Object.hasOwn(cells, spec.name) ? cells[spec.name] : undefined;
  if (spec.custom === true && !own)
    throw new UsageError(
      "unknown-cell",
      `the model was made with a cell of your own, "${spec.name}": give it again, as cells: { ${JSON.stringify(spec.name)}: … }`,
    );
  const { name, options } = spec;
  return own ?? (options === undefined ? name : { name, options });
}
