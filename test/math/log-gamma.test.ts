import { expect, test } from "vitest";
import { gradient } from "../../src/math/derivative.ts";
import { evaluate } from "../../src/math/evaluate.ts";
import { constant, variable } from "../../src/math/expression.ts";
import { logGammaRatio } from "../../src/math/log-gamma.ts";

const [x, d] = [variable("x"), variable("d")];
const ratio = logGammaRatio(x, d);
const [byX, byD] = gradient([[ratio, constant(1)]], [x, d]);
const at = (a: number, b: number) => evaluate([ratio, byX!, byD!], (name) => (name === "x" ? a : b));
const sum = (n: number, term: (k: number) => number): number =>
  Array.from({ length: n }, (_, k) => term(k)).reduce((a, b) => a + b, 0);

test("whole steps are products: log Γ(x + n) − log Γ(x) = Σ log(x + k)", () => {
  for (const a of [1e-6, 0.3, 1, 2.5, 7, 40, 1e6])
    for (const n of [1, 2, 5, 30]) {
      const exact = sum(n, (k) => Math.log(a + k));
      expect(Math.abs(at(a, n)[0]! - exact)).toBeLessThan(2e-14 * Math.max(1, Math.abs(exact)));
    }
});

test("Γ(½) = √π, and what follows from it by reflection and doubling", () => {
  expect(at(1, -0.5)[0]).toBeCloseTo(Math.log(Math.sqrt(Math.PI)), 13);
  expect(at(0.5, 0.5)[0]).toBeCloseTo(-Math.log(Math.sqrt(Math.PI)), 13);
  // Γ(¼) Γ(¾) = π √2
  expect(at(1, -0.75)[0]! + at(1, -0.25)[0]!).toBeCloseTo(Math.log(Math.PI * Math.SQRT2), 13);
});

test("derivatives are those of digamma: −γ at 1, and sums of reciprocals between whole steps", () => {
  const euler = 0.5772156649015329;
  expect(at(1, 0)[2]).toBeCloseTo(-euler, 13);
  expect(at(1, 4)[2]).toBeCloseTo(-euler + 1 + 1 / 2 + 1 / 3 + 1 / 4, 13);
  expect(at(0.5, 0)[2]).toBeCloseTo(-euler - 2 * Math.LN2, 13);
  for (const a of [0.2, 3, 1e5]) expect(at(a, 6)[1]! / sum(6, (k) => 1 / (a + k))).toBeCloseTo(1, 9);
});

test("nothing cancels for large arguments: log Γ(x + ½) − log Γ(x) → ½ log x", () => {
  for (const a of [1e4, 1e8]) expect(at(a, 0.5)[0]).toBeCloseTo(0.5 * Math.log(a) - 1 / (8 * a), 13);
});
