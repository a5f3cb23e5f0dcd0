import type { MatMul } from "../plan.ts";
import type { Operands } from "./kernels.ts";

/** `out = a · b + bias`: every element is one running sum over k. */
export function matmul({ batch, m, k, n, transposeA, transposeB, bias }: MatMul): (operands: Operands) => void {
  const [rowA, columnA] = transposeA ? [1, m] : [k, 1];
  const [rowB, columnB] = transposeB ? [1, k] : [n, 1];
  return ({ a, b, out, bias: added }) => {
    for (let s = 0; s < batch; s++)
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let l = 0; l < k; l++)
            sum += a![s * m * k + i * rowA + l * columnA]! * b![s * k * n + l * rowB + j * columnB]!;
          out![s * m * n + i * n + j] = bias ? sum + added![j]! : sum;
        }
  };
}
