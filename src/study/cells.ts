import type { Cell } from "../cells/define.ts";
import { cellByName } from "../cells/registry.ts";
import { greffCells } from "./greff.ts";

/** The cells that the study compares. */
export const STUDY_CELLS = ["rnn", "lstm", "gru", "min-gru", "min-lstm"] as const;

/** The LSTM with peepholes and its eight variants. */
export const VARIANTS: readonly string[] = Object.keys(greffCells);

/** A cell of the study by its name. */
export const studyCell = (name: string): Cell => greffCells[name]?.() ?? cellByName(name);
