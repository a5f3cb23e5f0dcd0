import { size } from "../../shared/shapes.ts";
import type { Reduce } from "../plan.ts";
import { blockLength, compileEquations } from "./equations.ts";
import type { Operands } from "./kernels.ts";
import { positions } from "./positions.ts";

/** Writes down all values that come to one result, then combines them: sums by halves, whose rounding error grows with the logarithm of the length only. */
export function reduce(kernel: Reduce): (operands: Operands) => void {
  const { shape, over, combine } = kernel;
  const axes = shape.map((_, axis) => axis);
  const order = [...axes.filter((axis) => !over[axis]), ...axes.filter((axis) => over[axis])];
  const ordered = order.map((axis) => shape[axis]!);
  const inputs = Object.entries(kernel.inputs).map(
    ([name, strides]) => [name, order.map((axis) => strides[axis]!)] as const,
  );
  const equations = compileEquations(
    [kernel.value],
    inputs.map(([name]) => name),
  );
  const length = size(shape.filter((_, axis) => over[axis]));
  const results = size(shape.filter((_, axis) => !over[axis]));
  const at = new Float64Array(blockLength);
  return (operands) => {
    const values = new Float64Array(length);
    for (let r = 0; r < results; r++) {
      for (let start = 0; start < length; start += blockLength) {
        const count = Math.min(blockLength, length - start);
        for (const [name, strides] of inputs) {
          const [from, to] = [operands[name]!, equations.inputs[name]!];
          positions(ordered, strides, r * length + start, count, at);
          for (let i = 0; i < count; i++) to[i] = from[at[i]!]!;
        }
        equations.evaluate(count);
        values.set(equations.results[0]!.subarray(0, count), start);
      }
      operands.out![r] = combine === "sum" ? sum(values, 0, length) : maximum(values);
    }
  };
}

function sum(values: Float64Array, start: number, end: number): number {
  if (end - start > 8) {
    const middle = (start + end) >>> 1;
    return sum(values, start, middle) + sum(values, middle, end);
  }
  let result = 0;
  for (let i = start; i < end; i++) result += values[i]!;
  return result;
}

/** −∞ over nothing; a NaN wins. */
function maximum(values: Float64Array): number {
  let result = Number.NEGATIVE_INFINITY;
  for (const value of values) result = Math.max(result, value);
  return result;
}
