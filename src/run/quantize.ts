import { expectOptions } from "../shared/options.ts";
import type { HasParameters } from "../tensor/parameter.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import { quantizeProducts } from "../tensor/quantize-products.ts";
import { namesOfRun } from "./run-options.ts";

/**
 * Rounds the matrices of a model to 8 bits, with one scale per row: input and recurrent matrices, projections and heads. No calibration
 * data are needed. Biases, unit weights and embedding tables keep their numbers (a table that is tied to the head is rounded with it).
 * From then on products read the 8 bits, everything else uses the numbers that they stand for, and saved runs contain 8 bits. A session
 * that is open goes on with those numbers. Such parameters cannot be trained, nor further where they were being trained.
 * @param options A loaded run, a `Classifier`, a `Tagger` or a `Forecaster`, or `{ model, parameters }` of any model.
 * @example
 * ```ts
 * await quantize(classifier);
 * await quantize({ model, parameters });
 * const session = await openSession({ model, parameters, machine });
 * ```
 * @throws UsageError "already-quantized"; when they are trained after all "quantized"
 */
export async function quantize(options: {
  readonly model: HasParameters;
  readonly parameters: ParameterStore;
}): Promise<void> {
  expectOptions("quantize", options, { ...namesOfRun, model: "required", parameters: "required" });
  await quantizeProducts(options.model, options.parameters);
}
