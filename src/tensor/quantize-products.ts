import { type HasParameters, productParameters } from "./parameter.ts";
import type { ParameterStore } from "./parameter-store.ts";
import { type QuantizedTensor, quantizeMatrix } from "./quantized.ts";

/** Rounds the matrices of all products of a model to 8 bits, and has its parameters hold them. @throws UsageError "already-quantized" */
export async function quantizeProducts(model: HasParameters, parameters: ParameterStore): Promise<void> {
  const wanted = productParameters(model);
  const quantized = new Map<string, QuantizedTensor>();
  for (const [name, parameter] of parameters.layout.names)
    if (wanted.has(parameter))
      quantized.set(name, quantizeMatrix({ shape: parameter.shape, data: await parameters.read(name) }));
  parameters.quantize(quantized);
}
