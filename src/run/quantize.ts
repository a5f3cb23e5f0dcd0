import type { LanguageModel } from "../models/language-model.ts";
import { expectOptions } from "../shared/options.ts";
import { productParameters } from "../tensor/parameter.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import { dequantize, type QuantizedTensor, type QuantizedWeights, quantizeMatrix } from "../tensor/quantized.ts";
import { namesOfRun } from "./run-options.ts";

/**
 * Rounds the matrices of a model to 8 bits, each row with a scale of its own: input and recurrent matrices of any cell, projections and
 * the head. No data is needed to calibrate with. Biases, unit weights and embedding tables keep their numbers (a table that is tied to
 * the head is rounded with it).
 *
 * The parameters are rounded in place, so that whatever computes with them computes with what the 8 bits stand for; the result, given
 * to `openSession` or `openStreams`, makes products use the 8 bits themselves.
 *
 * @example
 * ```ts
 * const quantized = await quantize({ model, parameters });
 * const session = await openSession({ model, parameters, machine, quantized });
 * ```
 */
export async function quantize(options: {
  readonly model: Pick<LanguageModel, "parts">;
  readonly parameters: ParameterStore;
}): Promise<QuantizedWeights> {
  expectOptions("quantize", options, { ...namesOfRun, model: "required", parameters: "required" });
  const { model, parameters } = options;
  const wanted = productParameters(model);
  const quantized = new Map<string, QuantizedTensor>();
  for (const [name, parameter] of parameters.layout.names) {
    if (!wanted.has(parameter)) continue;
    const tensor = quantizeMatrix({ shape: parameter.shape, data: await parameters.read(name) });
    parameters.write(name, dequantize(tensor));
    quantized.set(name, tensor);
  }
  return quantized;
}
