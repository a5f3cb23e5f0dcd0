import { type Gather, type Scatter, type ScatterAdd, TOUCHED_BLOCK } from "../plan.ts";
import type { Operands } from "./kernels.ts";

/** `out[r] = table[indices[r]]` */
export function gather({ tables = 1, rows, columns, vocabulary }: Gather): (operands: Operands) => void {
  return ({ indices, table, out }) => {
    for (let r = 0; r < tables * rows; r++) {
      const row = Math.floor(r / rows) * vocabulary + rowOf(indices![r]!, vocabulary);
      for (let c = 0; c < columns; c++) out![r * columns + c] = table![row * columns + c]!;
    }
  };
}

/** `out = 0; out[indices[r]] += source[r]`, r in increasing order. */
export function scatterAdd(kernel: ScatterAdd): (operands: Operands) => void {
  const { tables = 1, rows, columns, vocabulary, skip, keep } = kernel;
  return ({ indices, source, out, touched }) => {
    if (!keep) out!.fill(0);
    if (!keep) touched?.fill(0);
    for (let r = 0; r < tables * rows; r++) {
      if (indices![r] === skip) continue;
      const row = Math.floor(r / rows) * vocabulary + rowOf(indices![r]!, vocabulary);
      for (let c = 0; c < columns; c++) out![row * columns + c]! += source![r * columns + c]!;
      if (touched) touchBlocks(touched, kernel, row * columns);
    }
    if (touched && touched.length > 0) touched[0] = touched[touched.length - 1] = 1;
  };
}

/** Notes the blocks that a row lies in which begins at this element of `out`. */
function touchBlocks(words: Float64Array, { columns, touched }: ScatterAdd, start: number): void {
  const block = (element: number): number => Math.floor((touched!.lead + element) / TOUCHED_BLOCK);
  words.fill(1, block(start), block(start + columns - 1) + 1);
}

/** `out[indices[r]] = source[r]`, r in increasing order. */
export function scatter({ rows, columns, vocabulary }: Scatter): (operands: Operands) => void {
  return ({ indices, source, out }) => {
    for (let r = 0; r < rows; r++) {
      const row = rowOf(indices![r]!, vocabulary);
      for (let c = 0; c < columns; c++) out![row * columns + c] = source![r * columns + c]!;
    }
  };
}

/** The host checks indices before they come here; a wrong one is a bug in this package. */
function rowOf(index: number, vocabulary: number): number {
  if (index < 0 || index >= vocabulary)
    throw new RangeError(`row ${index} of a table with ${vocabulary} rows: indices must be checked before a run`);
  return index;
}
