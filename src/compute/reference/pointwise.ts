import { size } from "../../shared/shapes.ts";
import type { Pointwise } from "../plan.ts";
import { blockLength, compileEquations } from "./equations.ts";
import type { Operands } from "./kernels.ts";
import { positions } from "./positions.ts";

/** Block by block: all inputs of a block are read before its outputs are written, so outputs may lie in place. */
export function pointwise(kernel: Pointwise): (operands: Operands) => void {
  const { shape } = kernel;
  const inputs = Object.entries(kernel.inputs);
  const outputs = Object.entries(kernel.outputs);
  const equations = compileEquations(
    outputs.map(([, o]) => o.value),
    inputs.map(([name]) => name),
  );
  const at = new Float64Array(blockLength);
  return (operands) => {
    const total = size(shape);
    for (let start = 0; start < total; start += blockLength) {
      const count = Math.min(blockLength, total - start);
      for (const [name, strides] of inputs) {
        const [from, to] = [operands[name]!, equations.inputs[name]!];
        positions(shape, strides, start, count, at);
        for (let i = 0; i < count; i++) to[i] = from[at[i]!]!;
      }
      equations.evaluate(count);
      outputs.forEach(([name, { strides }], k) => {
        const [from, to] = [equations.results[k]!, operands[name]!];
        positions(shape, strides, start, count, at);
        for (let i = 0; i < count; i++) to[at[i]!] = from[i]!;
      });
    }
  };
}
