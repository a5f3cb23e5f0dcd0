import { cellNames } from "../cells/registry.ts";
import type { RecurrentPreset } from "../layers/initialize.ts";
import { choice, integer, number, path } from "./fields.ts";

// Names alone: options are read where no layer is loaded.
const PRESETS = ["pytorch", "keras"] as const satisfies readonly RecurrentPreset[];

/** What every recurrent model is made of, whatever it is trained for. */
export const recurrentFields = {
  cell: choice(cellNames, { about: "recurrent cell", unit: "name", default: "lstm" }),
  cellFile: path({
    about: "file with the equations of a cell of your own, as parseCell reads them, in place of --cell",
    unit: "file",
  }),
  hiddenSize: integer({ about: "units per recurrent layer", unit: "units", min: 1, default: 128 }),
  numLayers: integer({ about: "recurrent layers", unit: "count", flag: "layers", min: 1, max: 1000, default: 1 }),
  initialize: choice(PRESETS, {
    about: "initialization of the recurrent weights: as in PyTorch, or as in Keras (forget gates open)",
    ...{ unit: "rule", default: "pytorch" },
  }),
  dropout: number({
    about: "dropout rate for values; default of the next three",
    ...{ unit: "share", min: 0, below: 1, default: 0 },
  }),
} as const;
