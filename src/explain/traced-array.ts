import type { Numbers } from "../compute/machine.ts";
import { expectOptions } from "../shared/options.ts";

/** Names of the axes of every traced array. */
export type TraceAxis = "time" | "batch" | "unit";

/** A named value of one layer and direction at every step. */
export interface TracedArray {
  /** "f", "c", "h", "pre.i", … */
  readonly name: string;
  /** From 0. */
  readonly layer: number;
  /** Whether it belongs to the reverse direction. Row t is what was computed at step t. */
  readonly reverse: boolean;
  readonly axes: readonly TraceAxis[];
  /** [T, B, H|P] */
  readonly shape: readonly [steps: number, batch: number, units: number];
  /** Row-major: the machine's own numbers, float32 or float64. */
  readonly data: Numbers;
}

/** What most measures read: an array of a trace, or anything of its shape. */
export interface Traced {
  readonly shape: TracedArray["shape"];
  readonly data: Float64Array | Float32Array | Int32Array;
}

const AXES: readonly TraceAxis[] = ["time", "batch", "unit"];

/** Returns the key of an array in a trace: `f_l0`, `f_l0_reverse`. */
export const traceKey = ({ name, layer, reverse }: Pick<TracedArray, "name" | "layer" | "reverse">): string =>
  `${name}_l${layer}${reverse ? "_reverse" : ""}`;

/** An array from what a layer calls it (`f_l0_reverse`). */
export function tracedArray(key: string, shape: readonly number[], data: Numbers): TracedArray {
  const [, name, layer, reverse] = /^(.*)_l(\d+)(_reverse)?$/.exec(key)!;
  return {
    ...{ name: name!, layer: Number(layer), reverse: reverse !== undefined, axes: AXES },
    ...{ shape: shape as [number, number, number], data },
  };
}

/** The steps of an array, then those of another one of as many examples and units. */
export function joined<A extends Traced>(first: A, then: Traced): A {
  const length = first.data.length + then.data.length;
  const data = first.data instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
  data.set(first.data);
  data.set(then.data, first.data.length);
  const [steps, batch, units] = first.shape;
  return { ...first, shape: [steps + then.shape[0], batch, units], data };
}

/** Which example of a batch is looked at. */
export interface ExampleOptions {
  /** Index of the example in the batch. Default 0. */
  readonly example?: number | undefined;
}

/** Returns the values of one unit of one example over time. */
export function seriesOf({ shape, data }: Traced, unit: number, options: ExampleOptions = {}): Float64Array {
  expectOptions("seriesOf", options, { example: 1 });
  const { example = 0 } = options;
  const [steps, batch, units] = shape;
  return Float64Array.from({ length: steps }, (_, t) => data[(t * batch + example) * units + unit]!);
}
