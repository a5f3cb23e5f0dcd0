import { onOff, path } from "../schema/fields.ts";
import { machineField } from "../schema/training.ts";

/** Options that several commands have, always with the same words: spread into their fields. */
export const common = {
  run: path({ about: "folder of a run, as `train` made it", ...{ unit: "run", positional: true, required: true } }),
  machine: machineField,
  json: onOff({ about: "print only JSON lines on standard output" }),
  output: path({ about: "folder for the run", unit: "run", short: "o", otherwise: "runs/DATE-NAME" }),
  force: onOff({ about: "overwrite an existing run" }),
  quiet: onOff({ about: "show no progress", short: "q" }),
} as const;
