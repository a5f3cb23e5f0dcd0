import { expectOptions } from "../shared/options.ts";
import type { ExampleOptions, Traced } from "./traced-array.ts";

/**
 * Computes the Euclidean norm over the units at each step, for one example. For ∂L/∂h it is the gradient flow ‖∂L/∂h_t‖.
 * @returns [T]
 */
export function normsOverTime({ shape, data }: Traced, options: ExampleOptions = {}): Float64Array {
  expectOptions("normsOverTime", options, { example: 1 });
  const { example = 0 } = options;
  const [steps, batch, units] = shape;
  return Float64Array.from({ length: steps }, (_, t) => {
    let sum = 0;
    const from = (t * batch + example) * units;
    for (let k = from; k < from + units; k++) sum += data[k]! ** 2;
    return Math.sqrt(sum);
  });
}
