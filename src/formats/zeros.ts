import { FailureError } from "../shared/errors.ts";
import { formatShape, size } from "../shared/shapes.ts";
import type { ModelArray } from "./plans.ts";

/** More than any machine takes. */
const MAXIMUM_ELEMENTS = 2 ** 30;

/**
 * Zeros for an input, whose shape may come from a file: what no machine holds is refused before it is allocated.
 * @throws FailureError "too-large-input"
 */
export function zerosFor(input: string, shape: readonly number[]): ModelArray {
  const count = size(shape);
  if (!(count <= MAXIMUM_ELEMENTS))
    throw new FailureError(
      "too-large-input",
      `input "${input}": the model says that its shape is ${formatShape(shape)}, more than ${MAXIMUM_ELEMENTS} numbers`,
    );
  return { shape, data: new Float32Array(count) };
}
