import { size } from "../../shared/shapes.ts";
import type { Case } from "./cases.ts";

/** A tensor that a case starts from. */
export interface Start {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** Uniform numbers in [−0.5, 0.5), the same in every run and every language. */
function generator(): () => number {
  let state = 7;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
}

/** Inputs of a case besides its parameters; a stream's input are the two rows of its embedding. */
function inputsOf(c: Case): Record<string, readonly number[]> {
  switch (c.kind) {
    case "regress":
      return { input: [c.T, c.B, c.D], target: [c.T, c.B, c.D] };
    case "sequence":
      return { input: [c.T, c.B, c.H] };
    case "gemm":
      return { a: [c.m, c.k], b: [c.k, c.n] };
    default:
      return {};
  }
}

/**
 * The numbers that every system begins with, so that results can be compared before anything is timed: parameters (by the names and
 * shapes given), inputs, and for text the tokens, whose targets are the tokens that follow, the last of them 0.
 */
export function numbersOf(c: Case, parameters: Readonly<Record<string, readonly number[]>>): Record<string, Start> {
  const random = generator();
  const width = c.kind === "gemm" ? c.k : c.H;
  const drawn = Object.entries({ ...parameters, ...inputsOf(c) }).map(([name, shape]) => {
    const scale = ["embedding.weight", "input", "target"].includes(name) ? 2 : 2 / Math.sqrt(width);
    return [name, { shape, data: Float32Array.from({ length: size(shape) }, () => random() * scale) }] as const;
  });
  const numbers: Record<string, Start> = Object.fromEntries(drawn);
  if (c.kind !== "train") return numbers;
  const shape = [c.T, c.B];
  // 0 begins and ends every sequence and is nowhere else: brain.js knows sequences only in that form.
  const tokens = Int32Array.from({ length: c.T * c.B }, (_, k) =>
    k < c.B ? 0 : 1 + Math.floor((random() + 0.5) * (c.V - 1)),
  );
  const targets = new Int32Array(c.T * c.B);
  targets.set(tokens.subarray(c.B));
  return { ...numbers, tokens: { shape, data: tokens }, targets: { shape, data: targets } };
}
