import type { Machine } from "../compute/machine.ts";
import type { OptionNames } from "../shared/options.ts";
import type { LoadedRun } from "./load-run.ts";

/** For `expectOptions`: a loaded run and the machine that it lies on may be given as they are, with all that they hold. */
export const runOptions = {
  config: 1,
  model: 1,
  tokenizer: 1,
  parameters: 1,
  quantized: 1,
  metrics: 1,
  machine: 1,
} as const satisfies OptionNames<LoadedRun & { readonly machine: Machine }>;
