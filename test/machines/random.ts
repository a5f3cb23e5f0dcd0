import fc from "fast-check";
import { expect } from "vitest";
import type { RandomFill } from "../../src/compute/plan.ts";
import { philox4x32 } from "../../src/shared/philox.ts";
import type { Laws } from "./conformance.ts";
import { rounding, runKernel } from "./harness.ts";

const uniformAt = (key: readonly number[], r: number, s: number, u: number): number => {
  const [seed, purpose, update, first] = key as [number, number, number, number];
  const words = philox4x32([Math.floor(u / 4), s, first + r, update], [seed, purpose]);
  return (words[u % 4]! >>> 8) * 2 ** -24;
};
const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

export const randomLaws: Laws = {
  "draws are a function of key and coordinates, bit for bit, at any strides": async (machine) => {
    const round = rounding(machine);
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 19 })),
        fc.tuple(word, fc.nat(9), word, fc.nat(1000)),
        fc.boolean(),
        fc.constantFrom<RandomFill["draw"]>(
          { kind: "uniform" },
          { kind: "keep", rate: 0.3, scale: 1 / 0.7 },
          { kind: "keep", rate: 0, scale: 1 },
          { kind: "keep", rate: 1, scale: 1 },
        ),
        async (shape, key, timeMajor, draw) => {
          const [examples, steps, units] = shape;
          const strides = timeMajor ? [units, examples * units, 1] : [steps * units, units, 1];
          const { out } = await runKernel(
            machine,
            { op: "random", shape, strides, draw },
            { key: { data: key, type: "int" } },
            { out: examples * steps * units },
          );
          const expected = new Array<number>(out!.length);
          for (let r = 0; r < examples; r++)
            for (let s = 0; s < steps; s++)
              for (let u = 0; u < units; u++) {
                const x = uniformAt(key, r, s, u);
                const value = draw.kind === "uniform" ? x : x < draw.rate ? 0 : round(draw.scale);
                expected[r * strides[0]! + s * strides[1]! + u * strides[2]!] = value;
              }
          expect(out).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  },

  "a rate between two draws separates them, also where float32 would round it to one of them": async (machine) => {
    const key = [7, 1, 2, 3];
    const units = 40;
    const kernel = { op: "random", shape: [1, 1, units], strides: [units, units, 1] } as const;
    for (let u = 0; u < units; u++) {
      const x = uniformAt(key, 0, 0, u);
      const dropped = async (rate: number): Promise<boolean> => {
        const { out } = await runKernel(
          machine,
          { ...kernel, draw: { kind: "keep", rate, scale: 2 } },
          { key: { data: key, type: "int" } },
          { out: units },
        );
        return out![u] === 0;
      };
      expect(await dropped(x + 2 ** -40)).toBe(true);
      expect(await dropped(x)).toBe(false);
    }
  },

  "an example's numbers do not depend on its place in the batch": async (machine) => {
    const draw = async (examples: number, first: number): Promise<number[]> => {
      const kernel = { op: "random", shape: [examples, 2, 5], strides: [10, 5, 1], draw: { kind: "uniform" } } as const;
      return (
        await runKernel(machine, kernel, { key: { data: [1, 2, 3, first], type: "int" } }, { out: examples * 10 })
      ).out!;
    };
    expect(await draw(2, 3)).toEqual((await draw(5, 0)).slice(30));
  },
};
