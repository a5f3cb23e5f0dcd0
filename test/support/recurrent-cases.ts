import fc from "fast-check";
import { expect } from "vitest";
import { Recurrent, type RecurrentOptions } from "../../src/layers/recurrent.ts";
import { size } from "../../src/shared/shapes.ts";
import { namedParameters } from "../../src/tensor/parameter.ts";
import { difference } from "./difference.ts";
import type { Named, Numbers, RecurrentCase, RecurrentResult } from "./recurrent.ts";
import type { LawCell } from "./recurrent-cells.ts";

export interface Sizes {
  readonly steps: number;
  readonly batch: number;
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers?: number;
  readonly bidirectional?: boolean;
  readonly reverse?: boolean;
}
export type FullCase = RecurrentCase & {
  readonly initial: Named;
  readonly parameters: Named;
  readonly up: { readonly output: Numbers; readonly final: Named };
};

/** Numbers in ±scale, the same for the same seed, exact in float32. */
export function values(length: number, seed: number, scale = 1): Float64Array {
  let s = Math.imul(seed + 1, 0x9e3779b1);
  return Float64Array.from({ length }, () => {
    s = (s + 0x6d2b79f5) | 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.fround((((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1) * scale);
  });
}

/** A layer of `cell` with input, states, weights and upstream gradients of a seed. */
export function randomCase(cell: LawCell, sizes: Sizes, seed: number): FullCase {
  const { steps, batch, ...rest } = sizes;
  const options: RecurrentOptions = {
    ...rest,
    ...{ cell: cell.make(), projectionSize: cell.projectionSize },
    inputSize: Math.max(rest.inputSize, cell.minSize),
    hiddenSize: Math.max(rest.hiddenSize, cell.minSize),
  };
  const layer = new Recurrent(options);
  const initial: Record<string, Numbers> = {};
  const final: Record<string, Numbers> = {};
  Object.entries(layer.stateShapes(batch)).forEach(([name, shape], k) => {
    initial[name] = values(size(shape), seed + 11 + k);
    final[name] = values(size(shape), seed + 21 + k);
  });
  const parameters: Record<string, Numbers> = {};
  let k = 0;
  for (const [name, { shape }] of namedParameters(layer)) {
    // Products of about the size of their operands, whatever their length. Gains and peepholes are small, so that a long
    // sequence forgets: with gains around 1 layer normalization makes the recurrence chaotic, and a change in the last
    // place of a float32 weight comes out 50 times as large after 65 steps.
    const small = /weight_(p|gain)/.test(name);
    const scale = shape.length === 2 ? Math.min(1, 1.5 / Math.sqrt(shape[1]!)) : small ? 0.3 : 0.6;
    const shift = /gain/.test(name) ? 0.5 : 0;
    parameters[name] = values(size(shape), seed + 31 + k++, scale).map((v) => Math.fround(v + shift));
  }
  const width = layer.outputSize * (options.bidirectional ? 2 : 1);
  return {
    ...{ options, steps, batch, parameters, initial },
    input: values(steps * batch * options.inputSize, seed),
    up: { output: values(steps * batch * width, seed + 7), final },
  };
}

/** Sizes for laws: small, with odd ones among them. */
export const smallSizes = fc.record({
  steps: fc.integer({ min: 2, max: 6 }),
  batch: fc.integer({ min: 1, max: 5 }),
  inputSize: fc.integer({ min: 1, max: 5 }),
  hiddenSize: fc.integer({ min: 1, max: 7 }),
  numLayers: fc.integer({ min: 1, max: 2 }),
});

/** Whether two results are the same bits under the same names (−0 and 0 differ). */
export function expectSameBits(came: Named, expected: Named, what = ""): void {
  expect(Object.keys(came).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, value] of Object.entries(expected)) {
    const other = came[name]!;
    expect(other.length, `${what} ${name}`).toBe(value.length);
    for (let i = 0; i < value.length; i++)
      if (!Object.is(other[i], value[i])) expect(other[i], `${what} ${name}[${i}]`).toBe(value[i]);
  }
}

export function expectNear(came: Named, expected: Named, tolerance: number, what = ""): void {
  expect(Object.keys(came).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, value] of Object.entries(expected))
    expect(difference(came[name]!, value), `${what} ${name}`).toBeLessThanOrEqual(tolerance);
}

/** Gradients of parameters, and those of input and initial states. */
export function splitGradients({ gradients }: RecurrentResult): { parameters: Named; rest: Named } {
  const isRest = (name: string): boolean => name === "input" || name.startsWith("initial.");
  const pick = (rest: boolean): Named =>
    Object.fromEntries(Object.entries(gradients).filter(([name]) => isRest(name) === rest));
  return { parameters: pick(false), rest: pick(true) };
}

/** Element by element sum of records of arrays. */
export function sum(parts: readonly Named[]): Record<string, Float64Array> {
  const total: Record<string, Float64Array> = {};
  for (const part of parts)
    for (const [name, v] of Object.entries(part)) {
      total[name] ??= new Float64Array(v.length);
      for (let i = 0; i < v.length; i++) total[name][i]! += v[i]!;
    }
  return total;
}

/** Rows `[from, to)` of the first axis of [rows, …]. */
export const rowsOf = (data: Numbers, rows: number, from: number, to: number): Float64Array =>
  Float64Array.from(data).subarray((data.length / rows) * from, (data.length / rows) * to);

/** Example `b` of [N, B, …], as [N, 1, …]. */
export function example(data: Numbers, N: number, B: number, b: number): Float64Array {
  const row = data.length / (N * B);
  return Float64Array.from({ length: N * row }, (_, k) => data[(Math.floor(k / row) * B + b) * row + (k % row)]!);
}

export const mapNamed = (record: Named, value: (v: Numbers) => Numbers): Record<string, Numbers> =>
  Object.fromEntries(Object.entries(record).map(([name, v]) => [name, value(v)]));

export const concatenated = (...parts: readonly Numbers[]): Float64Array =>
  Float64Array.from(parts.flatMap((p) => Array.from(p)));
