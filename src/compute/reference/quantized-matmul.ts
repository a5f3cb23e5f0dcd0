import type { QuantizedMatMul } from "../plan.ts";
import type { Operands } from "./kernels.ts";

/** A product with the numbers that the weights stand for; `a` is not rounded. */
export function quantizedMatmul({ m, k, n, bias }: QuantizedMatMul): (operands: Operands) => void {
  const words = Math.ceil(k / 4);
  return ({ a, weight, scale, bias: added, out }) => {
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++) {
          const byte = (weight![j * words + (l >> 2)]! >> (8 * (l & 3))) & 255;
          sum += a![i * k + l]! * (byte < 128 ? byte : byte - 256);
        }
        out![i * n + j] = sum * scale![j]! + (bias ? added![j]! : 0);
      }
  };
}
