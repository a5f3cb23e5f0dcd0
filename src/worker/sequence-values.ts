import { areProbabilities } from "../explain/effect.ts";
import type { ModelResult } from "../formats/plans.ts";
import { sameShape } from "../shared/shapes.ts";
import type { ReadOutput, ReadValue } from "./protocol.ts";
import type { Traced } from "./sequence-port.ts";

/** Outputs of more numbers stay in the worker. */
const MAXIMUM_OUTPUT = 2 ** 22;

/** Stands behind the name of a layer that reads from the end. */
const BACK = " ←";

/** `LAYER.VALUE`, or `LAYER.VALUE_reverse` of the direction that reads from the end. */
export function placeOf(key: string): { layer: string; name: string } {
  const reverse = key.endsWith("_reverse");
  const plain = reverse ? key.slice(0, -"_reverse".length) : key;
  const sum = plain.lastIndexOf(".pre.");
  const dot = sum < 0 ? plain.lastIndexOf(".") : sum;
  return { layer: `${plain.slice(0, dot)}${reverse ? BACK : ""}`, name: plain.slice(dot + 1) };
}

/** The key of a value, from what `placeOf` makes of it. */
export const keyOf = (layer: string, name: string): string =>
  layer.endsWith(BACK) ? `${layer.slice(0, -BACK.length)}.${name}_reverse` : `${layer}.${name}`;

export const valuesOf = ({ values }: Traced, steps: number, layers: readonly string[]): ReadValue[] =>
  Object.entries(values).flatMap(([key, { shape, data }]) => {
    const { layer, name } = placeOf(key);
    if (shape[0] !== steps) return [];
    return [{ name, layer: layers.indexOf(layer), units: shape[2]!, data: Float32Array.from(data) }];
  });

/** What an output was when the model was opened. */
export interface Probed {
  readonly steps: number;
  readonly shape: readonly number[];
}

/**
 * An output of one sequence: its numbers at every step, or at the end. It follows the steps if another number of them gave it another
 * shape. Where as many were read when the model was opened only its axes tell: numbers at the end may be as many as there are steps.
 */
export function outputOf(
  name: string,
  { shape, data }: ModelResult,
  { steps, probed }: { readonly steps: number; readonly probed: Probed },
): ReadOutput | undefined {
  if (data.length > MAXIMUM_OUTPUT || data.length === 0) return undefined;
  const axes = shape.filter((n) => n !== 1);
  const numbers = Float32Array.from(data);
  const follows = steps === probed.steps ? steps > 1 && shape.length > 2 : !sameShape(shape, probed.shape);
  const rest = axes[0] === steps ? axes.slice(1) : steps === 1 ? axes : undefined;
  if (follows && rest && rest.length <= 1) return { name, everyStep: true, width: data.length / steps, data: numbers };
  return axes.length <= 1 ? { name, everyStep: false, width: data.length, data: numbers } : undefined;
}

/** Whatever a model of tokens gives as logits: it may end in probabilities. Logarithms of them are logits as they are. */
export function logitsOf({ data, width }: ReadOutput): Float32Array {
  return areProbabilities({ shape: [data.length / width, width], data }) ? data.map(Math.log) : data;
}

/** The numbers over the steps; of several a step the number of the step. */
export const labelsOf = (data: ArrayLike<number>, channels: number): string[] =>
  channels === 1
    ? Array.from(data, (v) => String(Number(v.toPrecision(3))))
    : Array.from({ length: data.length / channels }, (_, t) => String(t));
