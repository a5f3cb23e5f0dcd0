import { describe, expect, it } from "vitest";
import { type ActivationName, activationByName } from "../../src/math/activations.ts";
import { erf, evaluate } from "../../src/math/evaluate.ts";
import * as e from "../../src/math/expression.ts";
import * as f from "../../src/math/functions.ts";
import { valueAt } from "./values.ts";

/** The nearest float64 to erf, from its Taylor series summed in decimal arithmetic of 80 digits. */
const table = [
  [0.001, 0.0011283787909692365],
  [0.03125, 0.035250373867322826],
  [0.1, 0.1124629160182849],
  [0.25, 0.27632639016823696],
  [0.5, 0.5204998778130465],
  [0.75, 0.7111556336535151],
  [1, 0.8427007929497149],
  [1.25, 0.9229001282564583],
  [1.5, 0.9661051464753108],
  [1.75, 0.9866716712191824],
  [2, 0.9953222650189527],
  [2.25, 0.9985372834133188],
  [2.4375, 0.9994334567454198],
  [2.5, 0.999593047982555],
  [2.5625, 0.9997098311383266],
  [2.75, 0.9998993780778803],
  [3, 0.9999779095030014],
  [3.25, 0.9999956972205363],
  [3.5, 0.9999992569016276],
  [4, 0.9999999845827421],
  [4.5, 0.9999999998033839],
  [5, 0.9999999999984626],
  [5.5, 0.9999999999999927],
  [5.875, 0.9999999999999999],
  [6, 1.0],
] as const;

describe("erf", () => {
  it.each(table)("of %d", (x, expected) => {
    expect(Math.abs(erf(x) - expected)).toBeLessThan(1e-15);
    expect(erf(-x)).toBe(-erf(x));
  });
  it("at the ends", () => {
    expect([erf(0), erf(Infinity), erf(-Infinity), erf(Number.NaN)]).toEqual([0, 1, -1, Number.NaN]);
    expect(Object.is(erf(-0), -0)).toBe(true);
    for (const x of [1e-20, 1e-8, 1e-300]) expect(erf(x) / x).toBeCloseTo(2 / Math.sqrt(Math.PI), 14);
  });
});

describe("activations have the values of their definitions", () => {
  const x = e.variable("x");
  const at = (activation: f.Activation, value: number): number => valueAt(activation(x), { x: value });
  const sigma = (v: number): number => 1 / (1 + Math.exp(-v));
  const definitions: readonly [string, f.Activation, (v: number) => number][] = [
    ["identity", f.identity, (v) => v],
    ["relu", f.relu, (v) => Math.max(v, 0)],
    ["leakyRelu", f.leakyRelu(), (v) => (v > 0 ? v : 0.01 * v)],
    ["thresholdedRelu", f.thresholdedRelu(), (v) => (v > 1 ? v : 0)],
    ["elu", f.elu(2), (v) => (v > 0 ? v : 2 * Math.expm1(v))],
    ["hardSigmoid", f.hardSigmoid(), (v) => Math.min(1, Math.max(0, v / 6 + 0.5))],
    ["softplus", f.softplus, (v) => (v > 30 ? v : Math.log1p(Math.exp(v)))],
    ["softsign", f.softsign, (v) => v / (1 + Math.abs(v))],
    ["gelu", f.gelu, (v) => (v / 2) * (1 + erf(v / Math.SQRT2))],
    ["silu", f.silu, (v) => v * sigma(v)],
    ["affine", f.affine(2, -1), (v) => 2 * v - 1],
    ["scaledTanh", f.scaledTanh(1.5, 0.5), (v) => 1.5 * Math.tanh(v / 2)],
    ["clamp", f.clamp(-0.5, 0.25), (v) => Math.min(0.25, Math.max(-0.5, v))],
    ["expm1", f.expm1, Math.expm1],
  ];
  it.each(definitions)("%s", (_, activation, meaning) => {
    for (const v of [-30, -5, -1, -0.3, -1e-9, 0, 1e-9, 0.3, 1, 3, 5]) {
      const expected = meaning(v);
      expect(Math.abs(at(activation, v) - expected)).toBeLessThanOrEqual(4e-15 * Math.abs(expected));
    }
  });
  it("saturate without overflow", () => {
    expect(at(f.softplus, 1000)).toBe(1000);
    expect(at(f.softplus, -1000)).toBe(0);
    expect(at(f.silu, -1000)).toBeCloseTo(0);
    expect(valueAt(e.sigmoid(x), { x: -1000 })).toBe(0);
    expect(valueAt(e.sigmoid(x), { x: 1000 })).toBe(1);
    // Where eˣ is a number still, though e⁻ˣ is none any more.
    expect(valueAt(e.sigmoid(x), { x: -720 })).toBe(Math.exp(-720));
    expect(at(f.elu(), 1000)).toBe(1000);
    expect(at(f.elu(), -1000)).toBe(-1);
    expect(at(f.gelu, -40)).toBeCloseTo(0);
  });
  it.each(definitions)("%s of NaN is NaN", (_, activation) => expect(at(activation, Number.NaN)).toBeNaN());
});

describe("every activation by its name, with the constants that are usual", () => {
  const x = e.variable("x");
  const softplus = (v: number): number => (v > 30 ? v : Math.log1p(Math.exp(v)));
  const meanings: Readonly<Record<ActivationName, (v: number) => number>> = {
    affine: (v) => v,
    clamp: (v) => Math.min(6, Math.max(0, v)),
    elu: (v) => (v > 0 ? v : Math.expm1(v)),
    exponential: Math.exp,
    gelu: (v) => (v / 2) * (1 + erf(v / Math.SQRT2)),
    geluTanh: (v) => (v / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))),
    hardSigmoid: (v) => Math.min(1, Math.max(0, v / 6 + 0.5)),
    hardSilu: (v) => v * Math.min(1, Math.max(0, v / 6 + 0.5)),
    identity: (v) => v,
    leakyRelu: (v) => (v > 0 ? v : 0.01 * v),
    logSigmoid: (v) => -softplus(-v),
    mish: (v) => v * Math.tanh(softplus(v)),
    relu: (v) => Math.max(0, v),
    scaledTanh: Math.tanh,
    selu: (v) => 1.0507009873554805 * (v > 0 ? v : 1.6732632423543772 * Math.expm1(v)),
    sigmoid: (v) => 1 / (1 + Math.exp(-v)),
    silu: (v) => v / (1 + Math.exp(-v)),
    softplus,
    softsign: (v) => v / (1 + Math.abs(v)),
    tanh: Math.tanh,
    thresholdedRelu: (v) => (v > 1 ? v : 0),
  };
  it.each(Object.entries(meanings))("%s", (name, meaning) => {
    const value = activationByName("activation", name)(x);
    for (const v of [-30, -5, -1, -0.3, -1e-9, 0, 1e-9, 0.3, 1, 1.1, 3, 5, 30]) {
      const expected = meaning(v);
      expect(Math.abs(valueAt(value, { x: v }) - expected)).toBeLessThanOrEqual(1e-14 * Math.abs(expected));
    }
  });
});

it("an activation is a name, or a name with the finite numbers alpha and beta", () => {
  const x = e.variable("x");
  const at = (spec: unknown): number => valueAt(activationByName("gate", spec)(x), { x: -2 });
  expect(at({ name: "affine", alpha: 3, beta: 0.5 })).toBe(-5.5);
  expect(at({ name: "affine", alpha: undefined, beta: 1 })).toBe(-1);
  for (const wrong of [undefined, null, 3, [], { name: "swish" }])
    expect(() => at(wrong)).toThrow(/^gate: expected (an activation's name|one of)/);
  for (const wrong of [{ alpha: "1" }, { beta: Number.NaN }, { alpha: Infinity }, { gamma: 1 }, { beta: null }])
    expect(() => at({ name: "affine", ...wrong })).toThrow(
      /^gate: expected the activation "affine" with a finite alpha and a finite beta, got /,
    );
  expect(at({ name: "tanh", alpha: undefined })).toBe(Math.tanh(-2));
  expect(() => at({ name: "tanh", alpha: 1 })).toThrow(
    'gate: expected the activation "tanh" without numbers, got alpha: 1',
  );
  expect(() => at({ name: "leakyRelu", alpha: 0.1, beta: 2 })).toThrow('"leakyRelu" with a finite alpha, got beta: 2');
});

describe("evaluate", () => {
  const [x, y] = [e.variable("x"), e.variable("y")];
  it("gives the values of several roots that share parts, asking once for each variable", () => {
    const shared = e.exp(x);
    let asked = 0;
    const values = evaluate([e.add(shared, y), e.mul(shared, shared), e.constant(5)], (name) => {
      asked++;
      return name === "x" ? 0 : 3;
    });
    expect(values).toEqual([4, 1, 5]);
    expect(asked).toBe(2);
  });
  it("lets a NaN win in minimum and maximum, and lose in comparisons", () => {
    const at = { x: Number.NaN, y: 1 };
    for (const root of [e.min(x, y), e.min(y, x), e.max(x, y), e.max(y, x)]) expect(valueAt(root, at)).toBeNaN();
    for (const condition of [e.less(x, y), e.less(y, x), e.lessEqual(x, y), e.equal(x, x)])
      expect(valueAt(e.select(condition, 1, 2), at)).toBe(2);
  });
  it("chooses by less, not greater, and equal", () => {
    const chosen = (condition: e.Condition): number => valueAt(e.select(condition, 1, 2), { x: -1, y: 1 });
    expect([e.less(x, y), e.less(y, y), e.less(y, x)].map(chosen)).toEqual([1, 2, 2]);
    expect([e.lessEqual(x, y), e.lessEqual(y, y), e.lessEqual(y, x)].map(chosen)).toEqual([1, 1, 2]);
    expect([e.equal(x, y), e.equal(y, y), e.equal(x, e.neg(y))].map(chosen)).toEqual([2, 1, 1]);
  });
  it("refuses what mixes units", () => {
    for (const root of [e.product("U", x), e.transposed("U", x), e.mean(x)])
      expect(() => valueAt(root, { x: 1 })).toThrow(/mixes units/);
  });
});
