import { expectOptions } from "../shared/options.ts";
import type { HasParameters } from "../tensor/parameter.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import { quantizeProducts } from "../tensor/quantize-products.ts";
import { namesOfRun } from "./run-options.ts";

/**
 * Rounds the matrices of a model of any task to 8 bits, each row with a scale of its own: input and recurrent matrices of any cell,
 * projections and heads. No data is needed to calibrate with. Biases, unit weights and embedding tables keep their numbers (a table that
 * is tied to the head is rounded with it).
 *
 * From then on it is a property of the parameters: products read the 8 bits, whatever else computes with the parameters computes with the
 * numbers that these stand for, and what is saved has 8 bits.
 *
 * @example
 * ```ts
 * await quantize({ model, parameters });
 * const session = await openSession({ model, parameters, machine });
 * ```
 * @throws UsageError "already-quantized"
 */
export async function quantize(options: {
  readonly model: HasParameters;
  readonly parameters: ParameterStore;
}): Promise<void> {
  expectOptions("quantize", options, { ...namesOfRun, model: "required", parameters: "required" });
  await quantizeProducts(options.model, options.parameters);
}
