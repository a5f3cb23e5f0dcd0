import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { embedding } from "../../src/layers/embedding.ts";
import {
  constant,
  fans,
  initialization,
  initializations,
  normal,
  ones,
  orthogonal,
  recurrentInitializer,
  uniform,
  zeros,
} from "../../src/layers/initialize.ts";
import { linear } from "../../src/layers/linear.ts";
import { UsageError } from "../../src/shared/errors.ts";
import { RandomStream } from "../../src/shared/random.ts";
import type { Initializer } from "../../src/tensor/parameter.ts";

const shape = [120, 100];
const draw = (rule: Initializer, of: readonly number[] = shape): Float64Array =>
  Float64Array.from(rule(of, new RandomStream(1, "weight")));

function moments(values: Float64Array): { mean: number; variance: number; largest: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, variance, largest: values.reduce((max, value) => Math.max(max, Math.abs(value)), 0) };
}

test("fans of the rows layout", () => {
  expect(fans([120, 100])).toEqual({ fanIn: 100, fanOut: 120 });
  expect(fans([8, 4, 3])).toEqual({ fanIn: 12, fanOut: 24 });
  expect(fans([7])).toEqual({ fanIn: 7, fanOut: 7 });
});

test("layers take a rule or its name", () => {
  for (const initialize of ["orthogonal", orthogonal] as const)
    for (const { weight } of [
      embedding({ vocabularySize: 120, embeddingSize: 100, initialize }),
      linear({ inputSize: 100, outputSize: 120, initialize }),
    ])
      expect(draw(weight.initialize)).toEqual(draw(orthogonal));
});

describe("moments", () => {
  test.each<[string, Initializer, number, "uniform" | "normal"]>([
    ["uniform", uniform(0.3), 0.03, "uniform"],
    ["normal", normal({ deviation: 0.2 }), 0.04, "normal"],
    ["glorotUniform", initializations.glorotUniform, 2 / 220, "uniform"],
    ["glorotNormal", initializations.glorotNormal, 2 / 220, "normal"],
    ["heUniform", initializations.heUniform, 2 / 100, "uniform"],
    ["heNormal", initializations.heNormal, 2 / 100, "normal"],
    ["lecunUniform", initializations.lecunUniform, 1 / 100, "uniform"],
    ["lecunNormal", initializations.lecunNormal, 1 / 100, "normal"],
    ["fanInUniform", initializations.fanInUniform, 1 / 300, "uniform"],
  ])("%s has mean 0 and its variance", (_, rule, expected, family) => {
    const values = draw(rule);
    const { mean, variance, largest } = moments(values);
    expect(values).toHaveLength(12000);
    expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(expected / values.length));
    // Five deviations of the estimate: kurtosis 9/5 (uniform) or 3 (normal).
    const spread = Math.sqrt((family === "uniform" ? 0.8 : 2) / values.length);
    expect(Math.abs(variance / expected - 1)).toBeLessThan(5 * spread);
    const bound = Math.sqrt(3 * expected);
    if (family === "uniform") {
      expect(largest).toBeLessThanOrEqual(bound);
      expect(largest).toBeGreaterThan(0.99 * bound);
    } else expect(largest).toBeGreaterThan(3 * Math.sqrt(expected));
  });

  test("constants, and a mean", () => {
    expect(Array.from(draw(zeros, [2]))).toEqual([0, 0]);
    expect(Array.from(draw(ones, []))).toEqual([1]);
    expect(Array.from(draw(constant(-2.5), [1, 3]))).toEqual([-2.5, -2.5, -2.5]);
    expect(moments(draw(normal({ mean: 5 }))).mean).toBeCloseTo(5, 1);
  });
});

describe("orthogonal", () => {
  test("the short side is orthonormal to 1e-13", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 1, max: 24 }), fc.nat(), (rows, columns, seed) => {
        const q = orthogonal([rows, columns], new RandomStream(seed, "u"));
        const at = (i: number, j: number): number => q[i * columns + j]!;
        const short = Math.min(rows, columns);
        for (let a = 0; a < short; a++) {
          for (let b = 0; b < short; b++) {
            let sum = 0;
            for (let k = 0; k < Math.max(rows, columns); k++) {
              sum += rows >= columns ? at(k, a) * at(k, b) : at(a, k) * at(b, k);
            }
            expect(Math.abs(sum - (a === b ? 1 : 0))).toBeLessThan(1e-13);
          }
        }
      }),
    );
  });

  test("uniformly distributed: every entry has mean 0 and variance 1/n, and both determinants occur", () => {
    const n = 3;
    const count = 3000;
    const sums = new Float64Array(9);
    const squares = new Float64Array(9);
    let positive = 0;
    for (let seed = 0; seed < count; seed++) {
      const q = orthogonal([n, n], new RandomStream(seed, "u"));
      q.forEach((value, i) => {
        sums[i]! += value / count;
        squares[i]! += value ** 2 / count;
      });
      const [a, b, c, d, e, f, g, h, i] = Array.from(q) as [
        number,
        number,
        number,
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      if (a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g) > 0) positive++;
    }
    for (const mean of sums) expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(1 / n / count));
    for (const square of squares) expect(Math.abs(square - 1 / n)).toBeLessThan(5 * Math.sqrt(4 / 45 / count));
    expect(Math.abs(positive - count / 2)).toBeLessThan(5 * Math.sqrt(count / 4));
  });

  test("a vector is refused", () => {
    expect(() => draw(orthogonal, [4])).toThrow(UsageError);
  });
});

test("by name", () => {
  expect(initialization("orthogonal")).toBe(orthogonal);
  expect(() => initialization("glorotUnifrm")).toThrow(/did you mean "glorotUniform"/);
  expect(() => initialization("constructor")).toThrow(UsageError);
});

describe("recurrent presets", () => {
  const hiddenSize = 25;
  const sizes = { hiddenSize, gates: ["i", "f", "g", "o"] };
  const operands = {
    weight_ih: [100, 11],
    weight_hh: [100, 25],
    bias_ih: [100],
    bias_hh: [100],
    "projection.hr": [7, 25],
  };
  const make = (preset: "pytorch" | "keras", operand: keyof typeof operands): Float64Array =>
    draw(recurrentInitializer(preset, operand, sizes), operands[operand]);

  test("pytorch: everything from U(±1/√H)", () => {
    for (const operand of Object.keys(operands) as (keyof typeof operands)[]) {
      const { largest, variance } = moments(make("pytorch", operand));
      expect(largest).toBeLessThanOrEqual(0.2);
      expect(largest).toBeGreaterThan(0.18);
      expect(variance).toBeGreaterThan(0.04 / 3 / 1.7);
    }
  });

  test("keras: glorot over the whole kernel, orthogonal over the whole recurrent kernel, forget bias 1 once", () => {
    expect(moments(make("keras", "weight_ih")).largest).toBeLessThanOrEqual(Math.sqrt(6 / 111));
    expect(moments(make("keras", "weight_ih")).largest).toBeGreaterThan(0.98 * Math.sqrt(6 / 111));
    const u = make("keras", "weight_hh");
    const norm = u.reduce((sum, value) => sum + value ** 2, 0);
    expect(norm).toBeCloseTo(hiddenSize, 10);
    expect(make("keras", "bias_hh").every((value) => value === 0)).toBe(true);
    expect(Array.from(make("keras", "bias_ih"), (value, k) => value === (k >= 25 && k < 50 ? 1 : 0))).not.toContain(
      false,
    );
    const gru = recurrentInitializer("keras", "bias_ih", { hiddenSize, gates: ["r", "z", "n"] });
    expect(draw(gru, [75]).every((value) => value === 0)).toBe(true);
  });

  test("an unknown preset is refused", () => {
    expect(() => recurrentInitializer("torch" as "pytorch", "bias_ih", sizes)).toThrow(
      /did you mean "pytorch"|expected one of/,
    );
  });
});
