import type { Code } from "../../print/wasm/code.ts";
import { forRange } from "../../print/wasm/control.ts";
import { i32 } from "../../print/wasm/instructions.ts";
import { matmulWorkspace, packedBytes, printMatmul, printPackedB } from "../../print/wasm/matmul.ts";
import { offset } from "../../print/wasm/product.ts";
import { share, solo } from "../../print/wasm/team.ts";
import type { MatMul } from "../plan.ts";
import type { LaunchPrinter } from "./launch.ts";

/** `batch` products one after the other; threads take whole ones, or share the only one. Layers have no other; graphs of ONNX may. */
export const printMatMulLaunch: LaunchPrinter<MatMul> = (context) => {
  const { m: builder, f, kernel, address } = context;
  const { batch, m, k, n } = kernel;
  if (batch * m * n === 0) return [];
  const { team } = context;
  const s = f.local("i32");
  const matrix = (operand: string, elements: number): Code =>
    offset(i32.const(address(operand)), s.get, i32.const(elements * 4));
  // Packed apart from the product, so that weights which the plan does not change are packed once.
  const bytes = batch === 1 ? packedBytes(kernel) : undefined;
  const b = i32.const(address("b"));
  const packed =
    bytes === undefined
      ? undefined
      : context.derived(["b"], bytes, (to, team) => printPackedB(builder, { ...kernel, b, to: i32.const(to), team }));
  const inner = batch === 1 ? team : solo;
  const scratch = matmulWorkspace(kernel, inner, packed !== undefined).bytes;
  const shares = batch === 1 ? 1 : team.threads;
  const workspace = i32.const(context.workspace(scratch * shares));
  const product = printMatmul(builder, {
    ...kernel,
    a: matrix("a", m * k),
    b: matrix("b", k * n),
    out: matrix("out", m * n),
    bias: kernel.bias ? i32.const(address("bias")) : undefined,
    fused: context.fused,
    zeros: context.zeros,
    workspace: shares === 1 ? workspace : i32.add(workspace, i32.mul(team.thread, i32.const(scratch))),
    packedB: packed,
    team: inner,
  });
  const { from, to } = share(batch === 1 ? solo : team, batch);
  return forRange(s, from, to, 1, product);
};
