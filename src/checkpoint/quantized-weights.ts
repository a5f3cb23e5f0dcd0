import { FailureError } from "../shared/errors.ts";
import type { NamedTensor } from "../tensor/parameter-store.ts";
import { dequantize, type QuantizedTensor, type QuantizedWeights } from "../tensor/quantized.ts";
import { type SafeTensor, safeTensor } from "./safe-tensor.ts";

/** The scales of the quantized matrix NAME lie beside it as `NAME.scale`. */
const SCALE = ".scale";

/** Puts quantized matrices [N, K] in the place of the numbers they stand for: NAME as I8, `NAME.scale` [N] as F32. */
export function putQuantized(tensors: Map<string, SafeTensor>, quantized: QuantizedWeights | undefined): void {
  for (const [name, { shape, values, scales }] of quantized ?? []) {
    tensors.set(name, safeTensor("I8", shape, values));
    tensors.set(`${name}${SCALE}`, safeTensor("F32", [scales.length], scales));
  }
}

/**
 * Finds quantized matrices among the tensors of a file, and puts the numbers that they stand for into `weights` in their place.
 * @throws FailureError "bad-run" for a matrix of 8 bits without scales that fit.
 */
export function takeQuantized(
  tensors: ReadonlyMap<string, SafeTensor>,
  weights: Map<string, NamedTensor>,
): QuantizedWeights | undefined {
  const quantized = new Map<string, QuantizedTensor>();
  for (const [name, { dtype, shape }] of tensors) {
    if (dtype !== "I8") continue;
    const scales = weights.get(`${name}${SCALE}`);
    if (shape.length !== 2 || scales?.shape.length !== 1 || scales.shape[0] !== shape[0])
      throw new FailureError(
        "bad-run",
        `tensor "${name}" has numbers of 8 bits: expected a matrix, and "${name}${SCALE}" with a scale for each of its rows`,
      );
    const tensor = {
      shape,
      values: Int8Array.from(weights.get(name)!.data),
      scales: Float32Array.from(scales.data),
    };
    quantized.set(name, tensor);
    weights.set(name, { shape, data: dequantize(tensor) });
    weights.delete(`${name}${SCALE}`);
  }
  return quantized.size > 0 ? quantized : undefined;
}
