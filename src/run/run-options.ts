import type { OptionNames } from "../shared/options.ts";
import type { LoadedRun } from "./load-run.ts";

/** For `expectOptions`: a loaded run may be given as it is, with all that it holds, also where nothing of it is needed. */
export const namesOfRun = {
  config: 1,
  model: 1,
  tokenizer: 1,
  parameters: 1,
  metrics: 1,
  machine: 1,
  close: 1,
} as const satisfies OptionNames<Partial<LoadedRun>>;

/** Where the model runs. */
export const runOptions = { ...namesOfRun, model: "required", parameters: "required", machine: "required" } as const;
