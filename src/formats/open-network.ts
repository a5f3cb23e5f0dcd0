import { expectOptions } from "../shared/options.ts";
import type { CanonicalModel } from "./canonical.ts";
import { networkRunnable } from "./network-runnable.ts";
import { Program, type ProgramOptions } from "./program.ts";

/**
 * Opens a canonical model on a machine. For files use `open`.
 * @example
 * ```ts
 * const { model } = await readKeras("weights.h5", { config });
 * const program = openNetwork(model, { machine });
 * const { dense } = await program.run({ input: { shape: [1, 12, 24], data } });
 * ```
 * @throws what `Network` throws
 */
export const openNetwork = (model: CanonicalModel, options: ProgramOptions): Program => {
  expectOptions("openNetwork", options, { machine: "required", plans: 1 });
  return new Program(networkRunnable(model), options);
};
