import type { LinearCrossEntropy } from "../plan.ts";
import type { Operands } from "./kernels.ts";

/** Row after row: its logits, their softmax, its loss, what it adds to the gradients. */
export function linearCrossEntropy(kernel: LinearCrossEntropy): (operands: Operands) => void {
  const { rows, columns, classes, labelSmoothing: epsilon, ignoreIndex, mean, gradients } = kernel;
  const wants = (name: "x" | "weight" | "bias"): boolean => gradients.includes(name);
  return (operands) => {
    const { x, weight, bias, target, classWeight, mask, seed, loss } = operands;
    const [dx, dWeight, dBias] = [operands["d.x"], operands["d.weight"], operands["d.bias"]];
    for (const out of [dx, dWeight, dBias]) out?.fill(0);
    const weightOf = (v: number): number => (kernel.weighted ? classWeight![v]! : 1);
    const counts = (r: number): boolean => target![r] !== ignoreIndex && !(kernel.masked && !(mask![r]! > 0));
    let total = 0;
    for (let r = 0; r < rows; r++) {
      if (!counts(r)) continue;
      if (!(target![r]! >= 0 && target![r]! < classes))
        throw new RangeError(`target ${target![r]} of ${classes} classes: targets must be checked before a run`);
      total += weightOf(target![r]!);
    }
    const scale = mean ? 1 / total : 1;
    const z = new Float64Array(classes);
    const y = new Float64Array(classes);
    let sum = 0;
    for (let r = 0; r < rows; r++) {
      if (!counts(r)) continue;
      let [largest, s, mass] = [Number.NEGATIVE_INFINITY, 0, 0];
      for (let v = 0; v < classes; v++) {
        let logit = kernel.bias ? bias![v]! : 0;
        for (let k = 0; k < columns; k++) logit += x![r * columns + k]! * weight![v * columns + k]!;
        z[v] = logit;
        largest = Math.max(largest, logit);
        y[v] = ((v === target![r] ? 1 - epsilon : 0) + epsilon / classes) * weightOf(v);
        mass += y[v]!;
      }
      for (let v = 0; v < classes; v++) s += Math.exp(z[v]! - largest);
      for (let v = 0; v < classes; v++) if (y[v] !== 0) sum += y[v]! * (largest - z[v]! + Math.log(s));
      if (gradients.length === 0) continue;
      for (let v = 0; v < classes; v++) {
        const d = seed![0]! * scale * ((mass * Math.exp(z[v]! - largest)) / s - y[v]!);
        if (wants("bias")) dBias![v]! += d;
        for (let k = 0; k < columns; k++) {
          if (wants("x")) dx![r * columns + k]! += d * weight![v * columns + k]!;
          if (wants("weight")) dWeight![v * columns + k]! += d * x![r * columns + k]!;
        }
      }
    }
    loss![0] = mean ? sum / total : sum;
  };
}
