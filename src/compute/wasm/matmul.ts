import type { Code } from "../../print/wasm/code.ts";
import { forRange } from "../../print/wasm/control.ts";
import { i32 } from "../../print/wasm/instructions.ts";
import { matmulWorkspace, packedBytes, printMatmul, printPackedB } from "../../print/wasm/matmul.ts";
import { offset } from "../../print/wasm/product.ts";
import type { MatMul } from "../plan.ts";
import type { LaunchPrinter } from "./launch.ts";

/** `batch` products one after the other. */
export const printMatMulLaunch: LaunchPrinter<MatMul> = (context) => {
  const { m: builder, f, kernel, address } = context;
  const { batch, m, k, n } = kernel;
  if (batch * m * n === 0) return [];
  const s = f.local("i32");
  const matrix = (operand: string, elements: number): Code =>
    offset(i32.const(address(operand)), s.get, i32.const(elements * 4));
  // Packed apart from the product, so that weights which the plan does not change are packed once.
  const bytes = batch === 1 ? packedBytes(kernel) : undefined;
  const packed =
    bytes === undefined
      ? undefined
      : context.derived(["b"], bytes, (to) => printPackedB(builder, { ...kernel, b: i32.const(address("b")), to }));
  const product = printMatmul(builder, {
    ...kernel,
    a: matrix("a", m * k),
    b: matrix("b", k * n),
    out: matrix("out", m * n),
    bias: kernel.bias ? i32.const(address("bias")) : undefined,
    fused: context.fused,
    zeros: context.zeros,
    workspace: context.workspace(matmulWorkspace(kernel, packed !== undefined).bytes),
    packedB: packed?.at,
  });
  return [packed?.code ?? [], forRange(s, i32.const(0), i32.const(batch), 1, product)];
};
