import type { Code } from "../../print/wasm/code.ts";
import type { Kernel } from "../plan.ts";
import type { LaunchContext, LaunchPrinter } from "./launch.ts";
import { printMatMulLaunch } from "./matmul.ts";
import { printPointwise } from "./pointwise.ts";
import { printReduce } from "./reduce.ts";
import { printGather, printScatter } from "./rows.ts";
import { printScan } from "./scan.ts";

type PrinterOf<K extends Kernel["op"]> = LaunchPrinter<Extract<Kernel, { op: K }>>;

/**
 * How each kernel of plan.ts is printed. What only training launches is loaded with the first plan that does, so that a
 * page that runs a model does not download it.
 */
const printers: { readonly [K in Kernel["op"]]: () => PrinterOf<K> | Promise<PrinterOf<K>> } = {
  pointwise: () => printPointwise,
  reduce: () => printReduce,
  matmul: () => printMatMulLaunch,
  gather: () => printGather,
  scatter: () => printScatter,
  scatterAdd: async () => (await import("./scatter-add.ts")).printScatterAdd,
  random: async () => (await import("./random.ts")).printRandom,
  scan: () => printScan,
  linearCrossEntropy: async () => (await import("./linear-cross-entropy.ts")).printLinearCrossEntropy,
  quantizedMatmul: async () => (await import("./quantized-matmul.ts")).printQuantizedMatMul,
  scanBackward: async () => (await import("./scan-backward.ts")).printScanBackward,
};

/** Makes ready what these kernels are printed with. @returns the code of one launch of any of them. */
export async function loadPrinters(kernels: readonly Kernel[]): Promise<LaunchPrinter<Kernel>> {
  const ops = [...new Set(kernels.map(({ op }) => op))];
  const loaded = await Promise.all(ops.map(async (op) => [op, await printers[op]()] as const));
  const ready = Object.fromEntries(loaded) as Record<string, LaunchPrinter<Kernel>>;
  return (context: LaunchContext<Kernel>): Code => ready[context.kernel.op]!(context);
}
