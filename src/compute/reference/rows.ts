import type { Gather, Scatter, ScatterAdd } from "../plan.ts";
import type { Operands } from "./kernels.ts";

/** `out[r] = table[indices[r]]` */
export function gather({ rows, columns, vocabulary }: Gather): (operands: Operands) => void {
  return ({ indices, table, out }) => {
    for (let r = 0; r < rows; r++) {
      const row = rowOf(indices![r]!, vocabulary);
      for (let c = 0; c < columns; c++) out![r * columns + c] = table![row * columns + c]!;
    }
  };
}

/** `out = 0; out[indices[r]] += source[r]`, r in increasing order. */
export function scatterAdd({ rows, columns, vocabulary, skip, keep }: ScatterAdd): (operands: Operands) => void {
  return ({ indices, source, out }) => {
    if (!keep) out!.fill(0, 0, vocabulary * columns);
    for (let r = 0; r < rows; r++) {
      if (indices![r] === skip) continue;
      const row = rowOf(indices![r]!, vocabulary);
      for (let c = 0; c < columns; c++) out![row * columns + c]! += source![r * columns + c]!;
    }
  };
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
