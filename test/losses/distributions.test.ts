import { describe, expect, test } from "vitest";
import { gaussianLoss } from "../../src/losses/gaussian.ts";
import { negativeBinomialLoss } from "../../src/losses/negative-binomial.ts";
import { pinball } from "../../src/losses/pinball.ts";
import type { Reduction } from "../../src/losses/reduction.ts";
import { studentTLoss } from "../../src/losses/student-t.ts";
import type { Tensor } from "../../src/tensor/graph.ts";
import { evaluate, onMachines } from "../layers/on-machines.ts";
import { difference } from "../support/difference.ts";
import { expectGradients } from "../tensor/gradients.ts";

type Inputs = Readonly<Record<string, Tensor>>;
interface Options {
  readonly mask?: Tensor;
  readonly reduction: Reduction;
}

/** Each loss on inputs of these names, the target last. */
const losses: Record<string, { names: readonly string[]; of: (t: Inputs, o: Options) => Tensor }> = {
  "pinball at 0.9": { names: ["x", "y"], of: ({ x, y }, o) => pinball(x!, y!, { ...o, level: 0.9 }) },
  gaussian: { names: ["m", "s", "y"], of: ({ m, s, y }, o) => gaussianLoss({ location: m!, scale: s! }, y!, o) },
  "student t": {
    names: ["m", "s", "f", "y"],
    of: ({ m, s, f, y }, o) => studentTLoss({ location: m!, scale: s!, degreesOfFreedom: f! }, y!, o),
  },
  "negative binomial": {
    names: ["s", "f", "y"],
    of: ({ s, f, y }, o) => negativeBinomialLoss({ mean: s!, dispersion: f! }, y!, o),
  },
};

/** −log of Π (r + k) / (k + 1) · αμ / (1 + αμ) over k < y, times (1 + αμ)⁻ʳ. */
function exactly(mu: number, alpha: number, y: number): number {
  const r = 1 / alpha;
  let sum = r * Math.log1p(alpha * mu);
  for (let k = 0; k < y; k++) sum -= Math.log1p((r - 1) / (k + 1)) - Math.log1p(1 / (alpha * mu));
  return sum;
}

const choose = (n: number, k: number): number =>
  Array.from({ length: k }, (_, i) => (n - i) / (i + 1)).reduce((a, b) => a * b, 1);

/** Values worked out from textbook forms that do not use the gamma function. */
const known: readonly [name: string, inputs: Readonly<Record<string, number>>, value: number][] = [
  ["pinball at 0.9", { x: 1, y: 3 }, 1.8],
  ["pinball at 0.9", { x: 3, y: 1 }, 0.2],
  ["gaussian", { m: 1, s: 2, y: 4 }, Math.log(2) + 9 / 8 + 0.5 * Math.log(2 * Math.PI)],
  // One degree of freedom is Cauchy's distribution; two and three have elementary densities.
  ["student t", { m: 1, s: 2, f: 1, y: 4 }, Math.log(Math.PI * 2 * (1 + 9 / 4))],
  ["student t", { m: 0, s: 1, f: 2, y: 1.5 }, Math.log(2 * Math.SQRT2 * (1 + 2.25 / 2) ** 1.5)],
  ["student t", { m: 0, s: 0.5, f: 3, y: 1 }, Math.log((Math.PI * Math.sqrt(3) * 0.5 * (1 + 4 / 3) ** 2) / 2)],
  // r = 1/α = 1 is the geometric distribution; whole r count orders of failures and successes.
  ["negative binomial", { s: 3, f: 1, y: 4 }, -Math.log(0.25 * 0.75 ** 4)],
  ["negative binomial", { s: 3, f: 1, y: 0 }, Math.log(4)],
  ["negative binomial", { s: 6, f: 1 / 3, y: 5 }, -Math.log(choose(7, 5) * (1 / 3) ** 3 * (2 / 3) ** 5)],
  // α → 0 is the Poisson distribution.
  ["negative binomial", { s: 4, f: 1e-10, y: 3 }, 4 - 3 * Math.log(4) + Math.log(6)],
];

onMachines("losses of distributions", (machine, tolerance, name) => {
  test.each(known)("%s of %o is %d", async (loss, inputs, value) => {
    const { output } = await evaluate({
      machine: machine(),
      inputs: Object.fromEntries(
        Object.entries(inputs).map(([key, one]) => [key, { shape: [1], data: Float64Array.of(one) }]),
      ),
      build: (t) => losses[loss]!.of(t, { reduction: "none" }),
    });
    expect(difference(output, [value])).toBeLessThan(inputs.f === 1e-10 ? 2e-6 : tolerance.output);
  });

  test("the negative binomial of large counts, also nearly Poisson's and far from its mean", async () => {
    const counts: [mean: number, dispersion: number, count: number][] = [1e2, 1e4, 1e5, 1e6].flatMap((mean) =>
      [1e-8, 1e-5, 0.01, 0.5, 3].flatMap((dispersion) => {
        const deviation = Math.sqrt(mean + dispersion * mean * mean);
        const near = [-0.9, -0.1, 0, 0.7, 2].map((z) => Math.max(0, Math.round(mean + z * deviation)));
        return [...near, 0].map((count): [number, number, number] => [mean, dispersion, count]);
      }),
    );
    const column = (k: 0 | 1 | 2) => ({ shape: [counts.length], data: Float32Array.from(counts, (row) => row[k]) });
    const { output, gradients } = await evaluate({
      machine: machine(),
      inputs: { s: column(0), f: column(1), y: column(2) },
      build: (t) => losses["negative binomial"]!.of(t, { reduction: "none" }),
    });
    counts.forEach(([mean, dispersion, count], k) => {
      const alpha = Math.fround(dispersion);
      const [right, derivative] = [exactly(mean, alpha, count), (mean - count) / (mean * (1 + alpha * mean))];
      const where = `mean ${mean}, dispersion ${dispersion}, count ${count}`;
      // What is summed up here a million times is not exact either.
      expect(Math.abs(output[k]! - right), where).toBeLessThan((name === "wasm" ? 2e-5 : 1e-8) * Math.max(1, right));
      expect(Math.abs(gradients.s![k]! - derivative), where).toBeLessThan(tolerance.gradient);
    });
  });

  test.each(Object.keys(losses))("%s: masked places count nothing, though they hold NaN", async (loss) => {
    const { names, of } = losses[loss]!;
    const poisoned = Float64Array.of(1, Number.NaN, 2, 3, Number.POSITIVE_INFINITY, 0);
    const clean = Float64Array.of(1, 2, 3);
    const run = (data: Float64Array, mask?: number[]) =>
      evaluate({
        machine: machine(),
        inputs: Object.fromEntries(
          names.map((key, k) => [key, { shape: [data.length], data: data.map((v) => (v === 0 ? v : v + k)) }]),
        ),
        build: (t, graph) => of(t, { reduction: "mean", ...(mask && { mask: graph.constant([data.length], mask) }) }),
      });
    const masked = await run(poisoned, [1, 0, 1, 1, 0, 0]);
    const without = await run(clean);
    expect(difference(masked.output, without.output)).toBeLessThan(tolerance.output);
    for (const key of names) {
      const gradient = Array.from(masked.gradients[key]!);
      expect(difference([gradient[0]!, gradient[2]!, gradient[3]!], without.gradients[key]!)).toBeLessThan(
        tolerance.gradient,
      );
      expect([gradient[1], gradient[4], gradient[5]]).toEqual([0, 0, 0]);
    }
  });
});

describe("gradients are central differences", () => {
  const values = {
    ...{ x: [0.5, -1, 2], m: [0.5, -1, 2], s: [0.4, 1.5, 30], f: [0.3, 2.5, 12], y: [1, 3, 7] },
  };
  test.each(Object.keys(losses))("%s", async (name) => {
    const { names, of } = losses[name]!;
    const shapes = Object.fromEntries(names.map((key) => [key, [3]]));
    const given = Object.fromEntries(names.map((key) => [key, values[key as keyof typeof values]]));
    await expectGradients(shapes, given, (t) => of(t, { reduction: "none" }));
  });
});

test("a level is a probability", () => {
  const nothing = {} as Tensor;
  for (const level of [0, 1, Number.NaN])
    expect(() => pinball(nothing, nothing, { level })).toThrow(`above 0 and below 1, got ${level}`);
});
