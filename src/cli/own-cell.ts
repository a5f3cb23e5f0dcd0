import { platform } from "#platform";
import { cellsInWords } from "../cells/cells-in-words.ts";
import type { Cell } from "../cells/define.ts";
import { parseCell } from "../cells/parse-cell.ts";
import { readConfig } from "../checkpoint/run-folder.ts";
import { within } from "../shared/errors.ts";
import type { TrainingOptions } from "./recorded-training.ts";

/** A cell in place of that of a name, where there is one. */
export interface OwnCell {
  readonly cell?: Cell;
}

/**
 * The cell of the file of equations that a training is given, if it is. A training that goes on has the equations of its run, whatever became
 * of the file.
 */
export async function ownCell(
  { cellFile }: { readonly cellFile?: string | undefined },
  { folder, existing }: Pick<TrainingOptions, "folder" | "existing">,
): Promise<OwnCell> {
  if (cellFile === undefined) return {};
  if (existing === "resume") {
    const { equations } = cellsInWords((await readConfig(folder)).model);
    if (equations) return { cell: equations };
  }
  const text = new TextDecoder().decode(await platform.readFile(cellFile));
  return { cell: within(cellFile, () => parseCell(text)) };
}
