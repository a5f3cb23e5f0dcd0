import fc from "fast-check";
import { expect } from "vitest";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import type { MatMul } from "../../src/compute/plan.ts";
import type { Laws } from "./conformance.ts";
import { expectNear, numbers, runKernel } from "./harness.ts";

type Shape = Omit<MatMul, "op">;

async function multiply(
  machine: SynchronousMachine,
  shape: Shape,
  a: number[],
  b: number[],
  bias: number[],
): Promise<number[]> {
  const inputs = { a: { data: a }, b: { data: b }, ...(shape.bias && { bias: { data: bias } }) };
  return (await runKernel(machine, { op: "matmul", ...shape }, inputs, { out: shape.batch * shape.m * shape.n })).out!;
}

function expected(
  { batch, m, k, n, transposeA, transposeB, bias }: Shape,
  a: number[],
  b: number[],
  row: number[],
): number[] {
  const out: number[] = [];
  for (let s = 0; s < batch; s++)
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let sum = bias ? row[j]! : 0;
        for (let l = 0; l < k; l++)
          sum +=
            a[s * m * k + (transposeA ? l * m + i : i * k + l)]! * b[s * k * n + (transposeB ? j * k + l : l * n + j)]!;
        out.push(sum);
      }
  return out;
}

async function check(machine: SynchronousMachine, shape: Shape, tolerance: number, seed: number): Promise<void> {
  const { batch, m, k, n } = shape;
  const [a, b, bias] = [numbers(batch * m * k, seed), numbers(batch * k * n, seed + 1), numbers(n, seed + 2)];
  const came = await multiply(machine, shape, a, b, bias);
  const sizes = expected(shape, a.map(Math.abs), b.map(Math.abs), bias.map(Math.abs));
  expectNear(came, expected(shape, a, b, bias), sizes, tolerance);
}

const flags = [false, true];
const ways = flags.flatMap((transposeA) =>
  flags.flatMap((transposeB) => flags.map((bias) => ({ transposeA, transposeB, bias }))),
);

export const matmulLaws: Laws = {
  "both transposes, batches, bias, small shapes": async (machine, { tolerance }) => {
    const extent = fc.integer({ min: 1, max: 20 });
    await fc.assert(
      fc.asyncProperty(
        fc.record({ batch: fc.integer({ min: 1, max: 3 }), m: extent, k: extent, n: extent }),
        fc.constantFrom(...ways),
        fc.nat(1e6),
        (shape, way, seed) => check(machine, { ...shape, ...way }, tolerance, seed),
      ),
      { numRuns: 40 },
    );
  },

  "every way at shapes beside the sizes of tiles": async (machine, { tolerance }) => {
    for (const [m, k, n] of [
      [1, 257, 33],
      [2, 40, 33],
      [33, 1, 17],
      [7, 300, 1],
      [37, 65, 50],
      [64, 64, 64],
    ] as const)
      for (const way of ways) await check(machine, { batch: 1, m, k, n, ...way }, tolerance, m + k + n);
  },

  "a row depends on no other row of its batch, bit for bit": async (machine) => {
    const [k, n] = [67, 45];
    const [a, b, bias] = [numbers(13 * k, 1), numbers(k * n, 2), numbers(n, 3)];
    for (const transposeB of flags) {
      const shape: Shape = { batch: 1, m: 13, k, n, transposeA: false, transposeB, bias: true };
      const all = await multiply(machine, shape, a, b, bias);
      for (const [from, to] of [
        [0, 1],
        [12, 13],
        [3, 9],
      ] as const) {
        const some = await multiply(machine, { ...shape, m: to - from }, a.slice(from * k, to * k), b, bias);
        expect(some).toEqual(all.slice(from * n, to * n));
      }
      const spoiled = a.map((v, i) => (i < k ? Number.NaN : v));
      const out = await multiply(machine, shape, spoiled, b, bias);
      expect(out.slice(0, n).every(Number.isNaN)).toBe(true);
      expect(out.slice(n)).toEqual(all.slice(n));
    }
  },
};
