import { rules } from "../../math/evaluate.ts";
import { type Expression, inOrder, variable } from "../../math/expression.ts";
import { broadcastStrides, strides as denseStrides } from "../../shared/shapes.ts";
import type { DataType } from "../data-type.ts";
import { walk } from "../strided-copy.ts";
import { roomFor, rounded } from "../value.ts";

/** The few things that are computed while a graph is recorded, on plain arrays. */

interface HostOperand {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** A function of numbers over broadcast arrays. */
export function mapHost(
  inputs: readonly HostOperand[],
  shape: readonly number[],
  f: (...x: number[]) => number,
  type: DataType,
): ArrayLike<number> {
  const out = roomFor(shape, type);
  const strides = inputs.map((x) => broadcastStrides(x.shape, shape));
  const x = inputs.map(() => 0);
  let n = 0;
  walk(shape, x, strides, (at) => {
    for (let k = 0; k < x.length; k++) x[k] = inputs[k]!.data[at[k]!]!;
    out[n++] = rounded(type, f(...x));
  });
  return out;
}

/** An equation as a function of numbers, in float64. */
export function functionOf(f: (...x: Expression[]) => Expression, count: number): (...x: number[]) => number {
  const variables = Array.from({ length: count }, (_, k) => variable(`x${k}`));
  const root = f(...variables);
  const nodes = inOrder([root]);
  const place = new Map(nodes.map((node, k) => [node.id, k]));
  const values = new Float64Array(nodes.length);
  const steps = nodes.map((node, k) => {
    const [a = 0, b = 0, c = 0] = node.args.map((arg) => place.get(arg.id)!);
    if (node.op === "constant") return () => (values[k] = node.value);
    if (node.op === "variable") {
      const at = Number(node.name.slice(1));
      return (x: readonly number[]) => (values[k] = x[at]!);
    }
    const rule = rules[node.op as keyof typeof rules];
    return () => (values[k] = rule(values[a]!, values[b]!, values[c]!));
  });
  return (...x) => {
    for (const step of steps) step(x);
    return values[place.get(root.id)!]!;
  };
}

/** Sums or maxima over some axes, which keep the size 1. */
export function reduceHost(
  { shape, data }: HostOperand,
  axes: readonly number[],
  combine: "sum" | "max",
  type: DataType,
): { shape: readonly number[]; data: ArrayLike<number> } {
  const kept = shape.map((n, axis) => (axes.includes(axis) ? 1 : n));
  const sums = new Float64Array(roomFor(kept, type).length).fill(combine === "sum" ? 0 : -Infinity);
  walk(shape, [0, 0], [denseStrides(shape), broadcastStrides(kept, shape)], ([from, to]) => {
    const [sum, x] = [sums[to!]!, data[from!]!];
    sums[to!] = combine === "sum" ? sum + x : Math.max(sum, x);
  });
  const out = roomFor(kept, type);
  out.set(sums);
  return { shape: kept, data: out };
}
