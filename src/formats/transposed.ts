import { size } from "../shared/shapes.ts";
import type { NamedTensor } from "../tensor/parameter-store.ts";

/** [m, n] to [n, m]. */
export function transposed({ shape, data }: NamedTensor): NamedTensor {
  const [m, n] = shape as [number, number];
  const out = new Float32Array(size(shape));
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) out[j * m + i] = data[i * n + j]!;
  return { shape: [n, m], data: out };
}
