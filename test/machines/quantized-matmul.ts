import fc from "fast-check";
import { expect } from "vitest";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { type QuantizedMatMul, quantizationSteps } from "../../src/compute/plan.ts";
import type { Laws } from "./conformance.ts";
import { numbers, runKernel } from "./harness.ts";

type Shape = Omit<QuantizedMatMul, "op">;

/** Weights from −127 to 127, and the words that hold them. */
function weightsOf(n: number, k: number, seed: number): { values: number[][]; words: number[] } {
  const values = Array.from({ length: n }, (_, j) =>
    numbers(k, seed + j).map((v) => Math.max(-127, Math.min(127, Math.round(v * 65)))),
  );
  const words = values.flatMap((row) => {
    const bytes = new Int8Array(Math.ceil(k / 4) * 4);
    bytes.set(row);
    return Array.from(new Int32Array(bytes.buffer));
  });
  return { values, words };
}

async function run(machine: SynchronousMachine, shape: Shape, a: number[], words: number[], seed: number) {
  const [scale, bias] = [
    numbers(shape.n, seed + 101).map((v) => Math.fround((v + 2.5) / 100)),
    numbers(shape.n, seed + 102),
  ];
  const inputs = {
    ...{ a: { data: a }, weight: { data: words, type: "int" as const }, scale: { data: scale } },
    ...(shape.bias && { bias: { data: bias } }),
  };
  const { out } = await runKernel(machine, { op: "quantizedMatmul", ...shape }, inputs, { out: shape.m * shape.n });
  return { out: out!, scale, bias };
}

async function check(machine: SynchronousMachine, shape: Shape, seed: number): Promise<void> {
  const { m, k, n } = shape;
  const { values, words } = weightsOf(n, k, seed);
  const a = numbers(m * k, seed + 1);
  const { out, scale, bias } = await run(machine, shape, a, words, seed);
  const float64 = machine.limits.float === "float64";
  for (let i = 0; i < m; i++) {
    const row = a.slice(i * k, (i + 1) * k);
    const step = row.reduce((most, v) => Math.max(most, Math.abs(v)), 0) / quantizationSteps(k);
    for (let j = 0; j < n; j++) {
      const terms = row.map((v, l) => v * values[j]![l]!);
      const right = terms.reduce((x, y) => x + y, 0) * scale[j]! + (shape.bias ? bias[j]! : 0);
      const weights = values[j]!.reduce((x, y) => x + Math.abs(y), 0);
      const size = terms.reduce((x, y) => x + Math.abs(y), 0) * scale[j]! + Math.abs(bias[j]!);
      // Half a step for each number that was rounded, and float32 around it.
      const bound = float64 ? 1e-13 * (1 + size) : (step / 2) * weights * scale[j]! + 1e-6 * size + 1e-7;
      expect(Math.abs(out[i * n + j]! - right), `${JSON.stringify(shape)}: element ${i}, ${j}`).toBeLessThan(bound);
    }
  }
}

export const quantizedMatmulLaws: Laws = {
  "any shape, with and without bias": async (machine) => {
    const size = fc.integer({ min: 1, max: 40 });
    await fc.assert(
      fc.asyncProperty(
        fc.record({ m: fc.integer({ min: 1, max: 9 }), k: size, n: size, bias: fc.boolean() }),
        fc.nat(1e6),
        (shape, seed) => check(machine, shape, seed),
      ),
      { numRuns: 40 },
    );
    for (const [m, k, n] of [
      [1, 257, 130],
      [6, 64, 64],
      [5, 1031, 17],
    ] as const)
      await check(machine, { m, k, n, bias: true }, 3);
  },

  "sums of the largest numbers do not overflow": async (machine) => {
    for (const k of [2, 516, 2064, 2065, 4096]) {
      const words = new Array<number>(Math.ceil(k / 4)).fill(0x7f7f7f7f);
      // Only the last word is partly zeros.
      const bytes = new Int8Array(Math.ceil(k / 4) * 4).fill(127, 0, k);
      words.splice(0, words.length, ...new Int32Array(bytes.buffer));
      for (const sign of [1, -1]) {
        const a = new Array<number>(k).fill(sign * 3);
        const { out, scale } = await run(machine, { m: 1, k, n: 1, bias: false }, a, words, 1);
        expect(out[0]! / (sign * 3 * 127 * k * scale[0]!)).toBeCloseTo(1, 4);
      }
    }
  },

  "a row depends on no other row of its batch, bit for bit; zeros give the bias, NaN gives NaN": async (machine) => {
    const shape: Shape = { m: 7, k: 33, n: 21, bias: true };
    const { words } = weightsOf(shape.n, shape.k, 9);
    const a = numbers(shape.m * shape.k, 4).map((v, i) => (i < shape.k ? 0 : i === 2 * shape.k ? Number.NaN : v));
    const { out, bias } = await run(machine, shape, a, words, 5);
    expect(out.slice(0, shape.n)).toEqual(bias);
    expect(out.slice(2 * shape.n, 3 * shape.n).every(Number.isNaN)).toBe(true);
    for (const row of [1, 3, 6]) {
      const alone = await run(machine, { ...shape, m: 1 }, a.slice(row * shape.k, (row + 1) * shape.k), words, 5);
      expect(alone.out).toEqual(out.slice(row * shape.n, (row + 1) * shape.n));
    }
  },
};
