import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gradient } from "../../src/math/derivative.ts";
import * as e from "../../src/math/expression.ts";
import * as f from "../../src/math/functions.ts";
import { slopeOf, valueAt } from "./values.ts";

const [x, y, z] = [e.variable("x"), e.variable("y"), e.variable("z")];
const derivative = (root: e.Expression, by = x): e.Expression => gradient([[root, e.constant(1)]], [by])[0]!;

/** Every operation, and numbers at which it is smooth. */
const operations: { [K in e.PointwiseOperation]: readonly [value: e.Expression, from: number, to: number] } = {
  add: [e.add(x, y), -3, 3],
  subtract: [e.sub(x, y), -3, 3],
  multiply: [e.mul(x, y), -3, 3],
  divide: [e.div(x, y), 0.5, 3],
  negate: [e.neg(e.mul(x, y)), -3, 3],
  minimum: [e.min(x, e.add(y, 7)), -3, 3],
  maximum: [e.max(x, e.add(y, 7)), -3, 3],
  absolute: [e.abs(e.mul(x, y)), 0.1, 3],
  squareRoot: [e.sqrt(e.mul(x, y)), 0.5, 3],
  exponential: [e.exp(e.mul(x, y)), -2, 2],
  logarithm: [e.log(e.mul(x, y)), 0.5, 3],
  logarithm1p: [e.log1p(e.mul(x, y)), 0, 3],
  sigmoid: [e.sigmoid(e.mul(x, y)), -3, 3],
  tanh: [e.tanh(e.mul(x, y)), -3, 3],
  erf: [e.erf(e.mul(x, y)), -2, 2],
  select: [e.select(e.less(x, e.add(y, 7)), e.mul(x, y), e.sub(x, y)), -3, 3],
};

/** Every activation, and numbers beside which it has a kink. */
const activations: Readonly<Record<string, readonly [f.Activation, kinks: readonly number[]]>> = {
  identity: [f.identity, []],
  relu: [f.relu, [0]],
  leakyRelu: [f.leakyRelu(0.1), [0]],
  thresholdedRelu: [f.thresholdedRelu(0.7), [0.7]],
  elu: [f.elu(1.3), [0]],
  hardSigmoid: [f.hardSigmoid(), [-3, 3]],
  hardSigmoidKeras2: [f.hardSigmoid(0.2, 0.5), [-2.5, 2.5]],
  softplus: [f.softplus, [0]],
  softsign: [f.softsign, [0]],
  gelu: [f.gelu, []],
  silu: [f.silu, []],
  affine: [f.affine(2, 3), []],
  scaledTanh: [f.scaledTanh(1.7, 0.6), []],
  clamp: [f.clamp(-1, 2), [-1, 2]],
  expm1: [(v) => f.expm1(v), []],
};

describe("a derivative", () => {
  for (const [name, [value, from, to]] of Object.entries(operations))
    it(`of ${name} is that of central differences, in every argument`, () =>
      fc.assert(
        fc.property(
          fc.double({ min: from, max: to, noNaN: true }),
          fc.double({ min: from, max: to, noNaN: true }),
          (a, b) => {
            const at = { x: a, y: b };
            for (const by of [x, y]) {
              const [came, expected] = [valueAt(derivative(value, by), at), slopeOf(value, at, by.name)];
              expect(Math.abs(came - expected)).toBeLessThan(1e-8 * Math.max(1, Math.abs(expected)));
            }
          },
        ),
        { numRuns: 40 },
      ));

  for (const [name, [activation, kinks]] of Object.entries(activations))
    it(`of the activation ${name} is that of central differences`, () =>
      fc.assert(
        fc.property(fc.double({ min: -6, max: 6, noNaN: true }), (a) => {
          fc.pre(kinks.every((k) => Math.abs(a - k) > 0.01));
          const came = valueAt(derivative(activation(x)), { x: a });
          expect(came).toBeCloseTo(slopeOf(activation(x), { x: a }, "x"), 8);
        }),
        { numRuns: 40 },
      ));

  it("adds what comes by several ways, over several outputs", () => {
    const shared = e.tanh(e.mul(x, y));
    const outputs = [e.mul(shared, shared), e.add(shared, z), e.mul(x, x)] as const;
    const seeds = [2, -3, 0.5];
    const found = gradient(
      outputs.map((o, k) => [o, e.constant(seeds[k]!)]),
      [x, y, z, e.variable("unused")],
    );
    const loss = outputs.reduce((sum, o, k) => e.add(sum, e.mul(seeds[k]!, o)), e.constant(0));
    const at = { x: 0.3, y: -0.8, z: 2, unused: 1 };
    for (const [k, name] of ["x", "y", "z"].entries())
      expect(valueAt(found[k]!, at)).toBeCloseTo(slopeOf(loss, at, name), 9);
    expect(found[3]).toBe(e.constant(0));
  });

  it("may be asked for a node in the middle, and for one output given twice", () => {
    const middle = e.exp(x);
    expect(gradient([[e.mul(middle, y), z]], [middle])).toEqual([e.mul(z, y)]);
    for (const root of [e.constant(2), x]) expect(gradient([[root, z]], [root])).toEqual([z]);
    const twice = gradient(
      [
        [middle, y],
        [middle, z],
      ],
      [x],
    )[0]!;
    expect(valueAt(twice, { x: 1, y: 2, z: 3 })).toBeCloseTo(5 * Math.E, 12);
  });

  it("goes through products and means by their rules", () => {
    const product = e.product("U", e.mul(x, y));
    expect(gradient([[product, z]], [x])).toEqual([e.mul(e.transposed("U", z), y)]);
    expect(gradient([[product, z]], [x], (node, g) => e.mul(g, e.variable(node.name)))).toEqual([
      e.mul(e.mul(z, e.variable("U")), y),
    ]);
    expect(gradient([[e.mean(x, y), z]], [x, y])).toEqual([e.div(e.mean(z), 2), e.div(e.mean(z), 2)]);
    expect(() => gradient([[e.transposed("U", x), z]], [x])).toThrow(/second derivatives/);
  });
});

describe("at a kink the derivative is PyTorch's", () => {
  const at = (root: e.Expression, value: number): number => valueAt(derivative(root), { x: value });
  it.each([
    ["relu at 0", f.relu(x), 0, 0],
    ["leaky relu at 0", f.leakyRelu(0.1)(x), 0, 1],
    ["elu at 0", f.elu()(x), 0, 1],
    ["hard sigmoid at the lower end", f.hardSigmoid(0.5, 0.5)(x), -1, 0],
    ["hard sigmoid at the upper end", f.hardSigmoid(0.5, 0.5)(x), 1, 0],
    ["abs at 0", e.abs(x), 0, 0],
    ["softsign at 0", f.softsign(x), 0, 1],
    ["softplus at 0", f.softplus(x), 0, 0.5],
    ["clamp at the lower end", f.clamp(-1, 2)(x), -1, 1],
    ["clamp at the upper end", f.clamp(-1, 2)(x), 2, 1],
    ["the maximum of equals", e.max(x, e.constant(3)), 3, 0.5],
    ["the minimum of equals", e.min(x, e.constant(3)), 3, 0.5],
    ["the maximum of twice the same", e.max(x, x), 3, 1],
  ])("%s", (_, root, where, expected) => {
    expect(at(root, where)).toBe(expected);
  });

  it("what select does not choose gets the adjoint 0, so activations bound what they do not choose", () => {
    const root = e.select(e.less(0, x), e.exp(x), e.mul(3, x));
    expect(at(root, 1)).toBe(Math.E);
    expect(at(root, -1)).toBe(3);
    expect(at(f.elu()(x), 2000)).toBe(1);
    expect(at(f.softplus(x), 2000)).toBe(1);
    expect(at(f.softplus(x), -2000)).toBe(0);
  });
});
