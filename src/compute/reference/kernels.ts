import type { Kernel } from "../plan.ts";
import { linearCrossEntropy } from "./linear-cross-entropy.ts";
import { matmul } from "./matmul.ts";
import { pointwise } from "./pointwise.ts";
import { quantizedMatmul } from "./quantized-matmul.ts";
import { random } from "./random.ts";
import { reduce } from "./reduce.ts";
import { gather, scatter, scatterAdd } from "./rows.ts";
import { scan, scanBackward } from "./scan.ts";

/** Memory of a kernel's operands by name, exactly as long as the kernel reaches. */
export type Operands = Readonly<Record<string, Float64Array>>;

/** How each kernel is made ready and run: one entry for each of plan.ts. */
const kernels: { [K in Kernel["op"]]: (kernel: Extract<Kernel, { op: K }>) => (operands: Operands) => void } = {
  pointwise,
  reduce,
  matmul,
  gather,
  scatterAdd,
  scatter,
  random,
  linearCrossEntropy,
  quantizedMatmul,
  scan: (kernel) => (operands) => scan(kernel, operands),
  scanBackward: (kernel) => (operands) => scanBackward(kernel, operands),
};

/** A function that runs a kernel, with all that does not depend on numbers done beforehand. */
export function compileKernel(kernel: Kernel): (operands: Operands) => void {
  return (kernels[kernel.op] as (kernel: Kernel) => (operands: Operands) => void)(kernel);
}
