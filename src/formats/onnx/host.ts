import { rules } from "../../math/evaluate.ts";
import { type Expression, inOrder, variable } from "../../math/expression.ts";
import { broadcastStrides, strides as denseStrides, size } from "../../shared/shapes.ts";
import type { DataType } from "../data-type.ts";
import { roomFor, rounded } from "../value.ts";

/** The few things that are computed while a graph is recorded, on plain arrays. */

/** Calls `visit` with the positions at which each index of `shape` lies in operands with these strides, row-major. */
function walk(
  shape: readonly number[],
  offsets: readonly number[],
  strides: readonly (readonly number[])[],
  visit: (positions: readonly number[]) => void,
): void {
  const count = size(shape);
  const index = shape.map(() => 0);
  const at = [...offsets];
  for (let n = 0; n < count; n++) {
    visit(at);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      for (let k = 0; k < at.length; k++) at[k]! += strides[k]![axis]!;
      if (++index[axis]! < shape[axis]!) break;
      for (let k = 0; k < at.length; k++) at[k]! -= strides[k]![axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
}

/** Elements `offset + strides · index` as a dense array; strides may be 0 or negative. */
export function copyStrided(
  data: ArrayLike<number>,
  shape: readonly number[],
  offset: number,
  strides: readonly number[],
  type: DataType,
): ArrayLike<number> {
  const out = roomFor(shape, type);
  let n = 0;
  walk(shape, [offset], [strides], ([at]) => {
    out[n++] = data[at!]!;
  });
  return out;
}

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
