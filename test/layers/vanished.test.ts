import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gru } from "../../src/cells/gru.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { rnn } from "../../src/cells/rnn.ts";
import type { Machine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { recurrent } from "../../src/layers/recurrent.ts";
import { linearCrossEntropy } from "../../src/losses/linear-cross-entropy.ts";
import { slice } from "../../src/tensor/operations.ts";
import { distinct } from "../tensor/gradients.ts";
import { evaluate } from "./on-machines.ts";

// Denormal numbers cost some processors a hundred cycles each.

let machine: Machine;
beforeAll(async () => {
  machine = await openMachine("wasm");
});
afterAll(() => machine.close());

const [T, B, D, H] = [300, 2, 4, 16];
const x = { shape: [T, B, D], data: Float64Array.from(distinct(T * B * D, 1)) };
const isNothingOrNotSmall = (value: number): boolean => value === 0 || Math.abs(value) >= 2 ** -100;

describe.each([
  ["lstm", lstm()],
  ["gru", gru()],
  ["rnn", rnn()],
] as const)("the gradient of what the last of many steps gives, %s", (_, cell) => {
  /** Of the input at each step. */
  const gradientOf = async (adjoint: number): Promise<number[]> => {
    const model = recurrent({ cell, inputSize: D, hiddenSize: H });
    const { gradients } = await evaluate({
      ...{ machine, model, inputs: { x } },
      build: ({ x }) => slice(model.forward(x!).output, 0, T - 1, T),
      seed: { shape: [1, B, H], data: new Float64Array(B * H).fill(adjoint) },
    });
    return Array.from(gradients.x!);
  };

  it("ends in zeros", async () => {
    const sizes = (await gradientOf(1)).map(Math.abs);
    expect(sizes.at(-1)).toBeGreaterThan(0);
    expect(sizes.slice(0, 100).every((value) => value === 0)).toBe(true);
    expect(sizes.filter((value) => value > 0 && value < 2 ** -126).length).toBeLessThan(10);
  });

  it("is no number where it began as none", async () => {
    expect((await gradientOf(Number.NaN)).every(Number.isNaN)).toBe(true);
  });
});

describe("an LSTM whose input gates", () => {
  /** Output and gradients where all input gates are σ(bias). */
  const withGates = (bias: number) => {
    const model = recurrent({ cell: lstm(), inputSize: D, hiddenSize: H });
    const biases = Float64Array.from({ length: 4 * H }, (_, k) => (k < H ? bias : 0));
    return evaluate({
      ...{ machine, model, inputs: { x }, parameters: { bias_ih_l0: { shape: [4 * H], data: biases } } },
      build: ({ x }) => model.forward(x!).output,
    });
  };

  it("are nearly closed keeps states of any normal size", async () => {
    const { output, gradients } = await withGates(-60);
    expect(Math.max(...Array.from(output, Math.abs))).toBeGreaterThan(1e-28);
    expect(Math.max(...Array.from(gradients.weight_ih_l0!, Math.abs))).toBeGreaterThan(1e-28);
  });

  it("are closed is at 0, states and gradients", async () => {
    const { output, gradients } = await withGates(-80);
    expect(new Set(Array.from(output, Math.abs))).toEqual(new Set([0]));
    for (const name of ["x", "weight_ih_l0", "weight_hh_l0"])
      expect(new Set(Array.from(gradients[name]!, Math.abs)), name).toEqual(new Set([0]));
  });
});

it("the gradient of logits far below the largest is 0", async () => {
  const V = 120;
  const bias = { shape: [V], data: Float64Array.from({ length: V }, (_, v) => -v) };
  const { gradients } = await evaluate({
    machine,
    inputs: {
      ...{ x: { shape: [1, 1], data: Float64Array.of(0) }, weight: { shape: [V, 1], data: new Float64Array(V) }, bias },
      target: { shape: [1], data: Int32Array.of(0) },
    },
    build: ({ x, weight, bias, target }) => linearCrossEntropy(x!, { weight: weight!, bias }, target!),
  });
  const ofBias = Array.from(gradients.bias!);
  expect(ofBias.every(isNothingOrNotSmall)).toBe(true);
  expect(ofBias.map((value) => value !== 0)).toEqual(ofBias.map((_, v) => v < 69));
});
