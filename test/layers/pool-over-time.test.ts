import fc from "fast-check";
import { expect, test } from "vitest";
import { type PoolKind, poolOverTime } from "../../src/layers/pool-over-time.ts";
import { difference } from "../support/difference.ts";
import { evaluate, onMachines } from "./on-machines.ts";

const [T, B, U] = [5, 4, 2];

/** The definition, written plainly. */
const plain: Record<PoolKind, (values: number[]) => number> = {
  max: (v) => Math.max(...v),
  mean: (v) => v.reduce((a, b) => a + b) / v.length,
  last: (v) => v.at(-1)!,
};

onMachines("pooling over time", (machine, tolerance) => {
  test.each(["max", "mean", "last"] as const)("%s: mask, lengths and neither", async (kind) => {
    const drawn = fc.tuple(
      fc.array(fc.integer({ min: -9, max: 9 }), { minLength: T * B * U, maxLength: T * B * U }),
      fc.array(fc.boolean(), { minLength: T * B, maxLength: T * B }),
      fc.array(fc.integer({ min: 0, max: T }), { minLength: B, maxLength: B }),
      fc.constantFrom("mask", "lengths", "all"),
    );
    const check = async ([raw, mask, lengths, by]: [number[], boolean[], number[], string]): Promise<void> => {
      const counts = (t: number, b: number): boolean =>
        by === "all" || (by === "mask" ? mask[t * B + b]! : t < lengths[b]!);
      const x = raw.map((v, i) => (counts(Math.floor(i / B / U), Math.floor(i / U) % B) ? v + i / 1000 : Number.NaN));
      const { output, gradients, shape } = await evaluate({
        machine: machine(),
        inputs: { x: { shape: [T, B, U], data: Float64Array.from(x) } },
        build: (t, graph) => {
          const input = {
            ...(by === "mask" && { mask: graph.constant([T, B], mask.map(Number)) }),
            ...(by === "lengths" && { lengths: graph.constant([B], lengths) }),
          };
          return poolOverTime({ kind }).forward(t.x!, input);
        },
      });
      expect(shape).toEqual([B, U]);
      const expected = new Float64Array(B * U);
      const gradient = new Float64Array(T * B * U);
      for (let b = 0; b < B; b++)
        for (let u = 0; u < U; u++) {
          const steps = Array.from({ length: T }, (_, t) => t).filter((t) => counts(t, b));
          if (steps.length === 0) continue;
          const values = steps.map((t) => x[(t * B + b) * U + u]!);
          const pooled = plain[kind](values);
          expected[b * U + u] = pooled;
          for (const t of steps) {
            const at = (t * B + b) * U + u;
            const share = {
              mean: 1 / steps.length,
              last: t === steps.at(-1) ? 1 : 0,
              max: x[at] === pooled ? 1 : 0,
            };
            gradient[at] = share[kind];
          }
        }
      expect(difference(output, expected)).toBeLessThan(tolerance.output);
      expect(difference(gradients.x!, gradient)).toBeLessThan(tolerance.gradient);
    };
    await fc.assert(fc.asyncProperty(drawn, check), { numRuns: 12 });
  });

  test("what does not fit is refused in words", async () => {
    const x = { shape: [T, B, U], data: new Float64Array(T * B * U) };
    const run = (build: Parameters<typeof evaluate>[0]["build"]) =>
      evaluate({ machine: machine(), inputs: { x }, build });
    // @ts-expect-error a name that is none
    expect(() => poolOverTime({ kind: "sum" })).toThrow('expected one of "max", "mean", "last", got the string "sum"');
    const pool = poolOverTime({ kind: "mean" });
    await expect(run(({ x: t }, g) => pool.forward(t!, { mask: g.empty([B, T]) }))).rejects.toThrow(
      "mask: expected shape [5, 4], got [4, 5]; it seems to be transposed",
    );
    await expect(run(({ x: t }, g) => pool.forward(t!, { lengths: g.empty([T]) }))).rejects.toThrow(
      "lengths: expected shape [4], got [5]",
    );
    await expect(run(({ x: t }) => pool.forward(t!, { mask: t!, lengths: t! }))).rejects.toThrow("not both");
    await expect(run((_, g) => pool.forward(g.empty([B, U])))).rejects.toThrow("input: expected shape [T, B, units]");
  });
});
