import type { Code } from "../../print/wasm/code.ts";
import type { Kernel } from "../plan.ts";
import type { LaunchContext, LaunchPrinter } from "./launch.ts";
import { printMatMulLaunch } from "./matmul.ts";
import { printPointwise } from "./pointwise.ts";
import { printRandom } from "./random.ts";
import { printReduce } from "./reduce.ts";
import { printGather, printScatterAdd } from "./rows.ts";
import { printScan } from "./scan.ts";
import { printScanBackward } from "./scan-backward.ts";

/** How each kernel of plan.ts is printed. */
const printers: { readonly [K in Kernel["op"]]: LaunchPrinter<Extract<Kernel, { op: K }>> } = {
  pointwise: printPointwise,
  reduce: printReduce,
  matmul: printMatMulLaunch,
  gather: printGather,
  scatterAdd: printScatterAdd,
  random: printRandom,
  scan: printScan,
  scanBackward: printScanBackward,
};

/** The code of one launch. */
export function printLaunch(context: LaunchContext<Kernel>): Code {
  return (printers[context.kernel.op] as LaunchPrinter<Kernel>)(context);
}
