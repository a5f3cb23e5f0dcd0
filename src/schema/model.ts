import { cellNames } from "../cells/registry.ts";
import { choice, integer, number } from "./fields.ts";

/** What every recurrent model is made of, whatever it is trained for. */
export const recurrentFields = {
  cell: choice(cellNames, { about: "recurrent cell", unit: "name", default: "lstm" }),
  hiddenSize: integer({ about: "units of each recurrent layer", unit: "units", min: 1, default: 128 }),
  numLayers: integer({ about: "recurrent layers", unit: "count", flag: "layers", min: 1, max: 1000, default: 1 }),
  dropout: number({
    about: "share of the values between layers that is dropped in training",
    ...{ unit: "share", min: 0, below: 1, default: 0 },
  }),
} as const;
