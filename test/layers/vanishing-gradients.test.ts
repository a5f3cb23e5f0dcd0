import { describe, expect, it } from "vitest";
import { gru } from "../../src/cells/gru.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { rnn } from "../../src/cells/rnn.ts";
import { openMachine } from "../../src/compute/open.ts";
import { recurrent } from "../../src/layers/recurrent.ts";
import { slice } from "../../src/tensor/operations.ts";
import { distinct } from "../tensor/gradients.ts";
import { evaluate } from "./on-machines.ts";

const [T, B, D, H] = [300, 2, 4, 16];

describe.each([
  ["lstm", lstm()],
  ["gru", gru()],
  ["rnn", rnn()],
] as const)("the gradient of what the last of many steps gives, %s", (_, cell) => {
  /** Of the input at each step. */
  const gradientOf = async (adjoint: number): Promise<number[]> => {
    const machine = await openMachine("wasm");
    const model = recurrent({ cell, inputSize: D, hiddenSize: H });
    const { gradients } = await evaluate({
      ...{ machine, model },
      inputs: { x: { shape: [T, B, D], data: Float64Array.from(distinct(T * B * D, 1)) } },
      build: ({ x }) => slice(model.forward(x!).output, 0, T - 1, T),
      seed: { shape: [1, B, H], data: new Float64Array(B * H).fill(adjoint) },
    });
    machine.close();
    return Array.from(gradients.x!);
  };

  it("ends in zeros, not in denormal numbers, which cost some processors a hundred cycles each", async () => {
    const sizes = (await gradientOf(1)).map(Math.abs);
    expect(sizes.at(-1)).toBeGreaterThan(0);
    expect(sizes.slice(0, 100).every((value) => value === 0)).toBe(true);
    expect(sizes.filter((value) => value > 0 && value < 2 ** -126).length).toBeLessThan(10);
  });

  it("is no number where it began as none", async () => {
    expect((await gradientOf(Number.NaN)).every(Number.isNaN)).toBe(true);
  });
});
