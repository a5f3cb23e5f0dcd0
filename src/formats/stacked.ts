import type { Numbers } from "../compute/machine.ts";
import { size } from "../shared/shapes.ts";
import type { ModelArray } from "./plans.ts";

/** Where arrays of one shape lie that are one behind the other on an axis of an array: from `of`, each with its own numbers from `own`. */
interface Places {
  /** Of all of them. */
  readonly shape: readonly number[];
  readonly axis: number;
  readonly of?: number;
  readonly own?: number;
}

/** Copies the numbers of part `p` into the whole. */
export function putPart(whole: Numbers, part: Float32Array | Numbers, p: number, places: Places): void {
  eachBlock(places, p, (from, to, length) => whole.set(part.subarray(to, to + length), from));
}

/** Copies the numbers of part `p` out of the whole. */
export function takePart(whole: Numbers, part: Numbers, p: number, places: Places): void {
  eachBlock(places, p, (from, to, length) => part.set(whole.subarray(from, from + length), to));
}

function eachBlock(
  { shape, axis, of = 0, own = 0 }: Places,
  p: number,
  copy: (of: number, own: number, length: number) => void,
): void {
  const inner = size(shape.slice(axis + 1));
  const outer = size(shape.slice(0, axis));
  for (let k = 0; k < outer; k++) copy(of + (k * shape[axis]! + p) * inner, own + k * inner, inner);
}

/** Arrays of one shape, of size 1 on an axis, one behind the other on it. */
export function stacked(parts: readonly ModelArray[], axis: number): ModelArray {
  const shape = parts[0]!.shape.with(axis, parts.length);
  const data = new Float64Array(size(shape));
  for (const [p, part] of parts.entries())
    putPart(data, part.data instanceof Float32Array ? part.data : Float64Array.from(part.data), p, { shape, axis });
  return { shape, data };
}

/** Part `p` of a stacked array. */
export function partOf<A extends ModelArray & { readonly data: Numbers }>(whole: A, axis: number, p: number): A {
  const { shape, data } = whole;
  const length = data.length / shape[axis]!;
  const part = data instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
  takePart(data, part, p, { shape, axis });
  return { ...whole, shape: shape.with(axis, 1), data: part };
}
