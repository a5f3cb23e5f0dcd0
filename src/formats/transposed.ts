import { strides } from "../shared/shapes.ts";
import type { NamedTensor } from "../tensor/parameter-store.ts";
import { copyStrided } from "./strided-copy.ts";

/** Axes from the last to the first: [m, n] to [n, m], [kernel, in, out] to [out, in, kernel]. */
export function transposed(tensor: NamedTensor): NamedTensor {
  const shape = tensor.shape.toReversed();
  // Read once: numbers that lie in a file are read anew each time.
  const { data } = tensor;
  const layout = { shape, strides: strides(tensor.shape).toReversed(), offset: 0 };
  return { shape, data: copyStrided(data, layout, new Float32Array(data.length)) };
}
