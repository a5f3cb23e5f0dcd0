import { isInWords } from "../cells/cell-of-spec.ts";
import type { CellConfig } from "../models/cell-choice.ts";

/** What an error adds where a format has no form of a cell. */
export const ONNX_HAS_IT = "; ONNX has any cell and activation: write a file that ends in .onnx";

/** A cell that a format does not have, in words that follow "no". */
export const unknownCell = (spec: CellConfig): string =>
  spec.custom || isInWords(spec) ? "cell of your own" : `cell ${JSON.stringify(spec.name)}`;
