import { expect, test } from "vitest";
import { dropout } from "../../src/layers/dropout.ts";
import { philox4x32 } from "../../src/shared/philox.ts";
import { uniform } from "../../src/shared/random.ts";
import { add, mul } from "../../src/tensor/arithmetic.ts";
import { reshape, slice } from "../../src/tensor/operations.ts";
import { evaluate, onMachines } from "./on-machines.ts";

const [T, B, U] = [4, 3, 6];
const ones = (...shape: number[]) => ({ shape, data: new Float64Array(shape.reduce((a, b) => a * b)).fill(1) });
const key = { seed: 9, update: 5, firstExample: 20 };

onMachines("dropout", (machine) => {
  test("an element is a function of its coordinates; the rest is scaled; the gradient is the mask", async () => {
    const rate = 0.4;
    const { output, gradients } = await evaluate({
      machine: machine(),
      inputs: { x: ones(T, B, U) },
      build: ({ x }) => dropout({ rate }).forward(x!),
      scalars: (graph) => graph.randomScalars(key),
    });
    for (let t = 0; t < T; t++)
      for (let b = 0; b < B; b++)
        for (let u = 0; u < U; u++) {
          const words = philox4x32([Math.floor(u / 4), t, key.firstExample + b, key.update], [key.seed, 0]);
          const expected = uniform(words[u % 4]!) < rate ? 0 : Math.fround(1 / (1 - rate));
          expect(output[(t * B + b) * U + u]).toBeCloseTo(expected, 6);
        }
    expect(Array.from(gradients.x!)).toEqual(Array.from(output));
  });

  test("per sequence one mask serves all steps; a single step [B, units] draws that of step 0", async () => {
    const run = (per: "step" | "sequence", ...shape: number[]) =>
      evaluate({
        machine: machine(),
        inputs: { x: ones(...shape) },
        build: ({ x }) => dropout({ rate: 0.5, per }).forward(x!),
        scalars: (graph) => graph.randomScalars(key),
      });
    const steps = (data: ArrayLike<number>) =>
      Array.from({ length: T }, (_, t) => Array.from(data).slice(t * B * U, (t + 1) * B * U));
    const sequence = steps((await run("sequence", T, B, U)).output);
    const fresh = steps((await run("step", T, B, U)).output);
    for (const step of sequence) expect(step).toEqual(sequence[0]);
    expect(new Set(fresh.map(String)).size).toBe(T);
    expect(Array.from((await run("step", B, U)).output)).toEqual(fresh[0]);
    expect(sequence[0]).toEqual(fresh[0]);
  });

  test("all bits of a seed count, also those beyond 2^32", async () => {
    const mask = async (seed: number) => {
      const { output } = await evaluate({
        machine: machine(),
        inputs: { x: ones(T, B, U) },
        build: ({ x }) => add(dropout({ rate: 0.5 }).forward(x!), mul(dropout({ rate: 0.5 }).forward(x!), x!)),
        scalars: (graph) => graph.randomScalars({ ...key, seed }),
      });
      return String(output);
    };
    const seeds = [0, 1, 2, 3, 2 ** 20, 2 ** 21 - 1].map((above) => key.seed + above * 2 ** 32);
    expect(new Set(await Promise.all(seeds.map(mask))).size).toBe(seeds.length);
    for (const seed of [-1, 0.5, 2 ** 53]) await expect(mask(seed)).rejects.toThrow(/seed: expected/);
  });

  test("an example has the same mask in any batch, two layers have different ones", async () => {
    const both = await evaluate({
      machine: machine(),
      inputs: { x: ones(T, B, 40) },
      build: ({ x }) => slice(dropout({ rate: 0.5 }).forward(x!), 1, 2, 3),
      scalars: (graph) => graph.randomScalars(key),
    });
    const alone = await evaluate({
      machine: machine(),
      inputs: { x: ones(T, 1, 40) },
      build: ({ x }) => dropout({ rate: 0.5 }).forward(x!),
      scalars: (graph) => graph.randomScalars({ ...key, firstExample: 22 }),
    });
    expect(Array.from(both.output)).toEqual(Array.from(alone.output));
    const second = await evaluate({
      machine: machine(),
      inputs: { x: ones(T, 1, 40) },
      build: ({ x }) => {
        dropout({ rate: 0.5 }).forward(x!);
        return dropout({ rate: 0.5 }).forward(x!);
      },
      scalars: (graph) => graph.randomScalars({ ...key, firstExample: 22 }),
    });
    expect(Array.from(second.output)).not.toEqual(Array.from(alone.output));
  });

  test("rates 0 and 1; nothing is dropped outside training", async () => {
    const run = async (rate: number, training = true) =>
      (
        await evaluate({
          machine: machine(),
          inputs: { x: ones(1, 2, 3) },
          build: ({ x }) => reshape(dropout({ rate }).forward(x!), [6]),
          training,
          scalars: (graph) => graph.randomScalars(key),
        })
      ).output;
    expect(Array.from(await run(1))).toEqual([0, 0, 0, 0, 0, 0]);
    expect(Array.from(await run(0))).toEqual([1, 1, 1, 1, 1, 1]);
    expect(Array.from(await run(0.9, false))).toEqual([1, 1, 1, 1, 1, 1]);
  });

  test("what does not fit is refused in words", async () => {
    expect(() => dropout({ rate: 1.5 })).toThrow("expected a rate in [0, 1], got 1.5");
    expect(() => dropout({ rate: 0.5, per: "squence" as "sequence" })).toThrow('did you mean "sequence"?');
    await expect(
      evaluate({ machine: machine(), inputs: { x: ones(4) }, build: ({ x }) => dropout({ rate: 0.5 }).forward(x!) }),
    ).rejects.toThrow("expected input [T, B, units] or [B, units], got [4]");
  });
});
