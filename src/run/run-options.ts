import type { Machine } from "../compute/machine.ts";
import type { OptionsTable } from "../schema/check.ts";
import type { LoadedRun } from "./load-run.ts";

/** For `checkOptions`: a loaded run and the machine that it lies on may be given as they are, with all that they hold. */
export const runOptions: OptionsTable<LoadedRun & { readonly machine: Machine }> = {
  ...{ config: "value", model: "value", tokenizer: "value", parameters: "value" },
  ...{ quantized: "value", metrics: "value", machine: "value" },
};
