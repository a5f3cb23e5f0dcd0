import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as e from "../../src/math/expression.ts";
import { valueAt } from "./values.ts";

const [x, y, z] = [e.variable("x"), e.variable("y"), e.variable("z")];

describe("expressions", () => {
  it("that are equal are the same object", () => {
    expect(e.add(e.mul(x, y), 2)).toBe(e.add(e.mul(x, y), 2));
    expect(e.variable("x")).toBe(x);
    expect(e.constant(0.5)).toBe(e.constant(0.5));
    expect(e.less(x, 1)).toBe(e.less(x, 1));
    expect(e.product("U", x)).toBe(e.product("U", x));
  });

  it("that differ in anything are different objects", () => {
    const different = [
      ...[x, y, e.constant(0), e.constant(-0), e.constant(1), e.add(x, y), e.add(y, x), e.sub(x, y), e.mul(x, y)],
      ...[e.product("U", x), e.product("V", x), e.transposed("U", x), e.product("U", y), e.mean(x), e.mean(x, y)],
      ...[e.variable(""), e.variable("x y"), e.variable("1"), e.constant(Number.NaN), e.variable("NaN")],
    ];
    expect(new Set(different).size).toBe(different.length);
  });

  it("have arguments with smaller ids, and are frozen", () => {
    const root = e.add(e.exp(x), e.mul(y, e.exp(x)));
    const order = e.inOrder([root]);
    expect(order.every((n) => n.args.every((a) => order.indexOf(a) < order.indexOf(n)))).toBe(true);
    expect(order.length).toBe(5);
    expect(e.inOrder([root], (n) => n.op === "multiply").includes(y)).toBe(false);
    expect(Object.isFrozen(root) && Object.isFrozen(root.args)).toBe(true);
  });

  it.each([
    ["x + 0", e.add(x, 0), x],
    ["0 + x", e.add(0, x), x],
    ["x − 0", e.sub(x, 0), x],
    ["0 − x", e.sub(0, x), e.neg(x)],
    ["x · 1", e.mul(x, 1), x],
    ["1 · x", e.mul(1, x), x],
    ["x · −1", e.mul(x, -1), e.neg(x)],
    ["−1 · x", e.mul(-1, x), e.neg(x)],
    ["x · 0", e.mul(x, 0), e.constant(0)],
    ["x / 1", e.div(x, 1), x],
    ["0 / x", e.div(0, x), e.constant(0)],
    ["−−x", e.neg(e.neg(x)), x],
    ["2 + 3", e.add(2, 3), e.constant(5)],
    ["2 − 3", e.sub(2, 3), e.constant(-1)],
    ["2 · 3", e.mul(2, 3), e.constant(6)],
    ["3 / 2", e.div(3, 2), e.constant(1.5)],
    ["−(2)", e.neg(2), e.constant(-2)],
    ["select of twice the same", e.select(e.less(x, 1), y, y), y],
    ["Uᵀ 0", e.transposed("U", e.constant(0)), e.constant(0)],
  ])("simplify: %s", (_, simple, expected) => {
    expect(simple).toBe(expected);
  });

  it("mean the same after simplification", () => {
    const number = fc.constantFrom(0, 1, -1, 2, 0.5);
    const leaf: fc.Arbitrary<[e.Expression, (at: number[]) => number]> = fc.oneof(
      number.map((n): [e.Expression, () => number] => [e.constant(n), () => n]),
      fc.constantFrom(0, 1, 2).map((k): [e.Expression, (at: number[]) => number] => [[x, y, z][k]!, (at) => at[k]!]),
    );
    const { tree } = fc.letrec<{ tree: [e.Expression, (at: number[]) => number] }>((tie) => ({
      tree: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        leaf,
        fc
          .tuple(fc.constantFrom("add", "sub", "mul", "neg", "max"), tie("tree"), tie("tree"))
          .map(([op, [p, f], [q, g]]): [e.Expression, (at: number[]) => number] => {
            if (op === "add") return [e.add(p, q), (at) => f(at) + g(at)];
            if (op === "sub") return [e.sub(p, q), (at) => f(at) - g(at)];
            if (op === "mul") return [e.mul(p, q), (at) => f(at) * g(at)];
            if (op === "neg") return [e.neg(p), (at) => -f(at)];
            return [e.max(p, q), (at) => Math.max(f(at), g(at))];
          }),
      ),
    }));
    fc.assert(
      fc.property(
        tree,
        fc.tuple(fc.double({ min: -2, max: 2, noNaN: true }), number, number),
        ([root, meaning], at) => {
          const [a, b, c] = at;
          expect(valueAt(root, { x: a, y: b, z: c }) + 0).toBeCloseTo(meaning(at) + 0, 9);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("are made of expressions and numbers and of nothing else", () => {
    const refused = expect.objectContaining({ code: "not-an-expression" });
    for (const wrong of [undefined, null, "x", [x], { graph: {}, shape: [2] }, e.less(x, y)])
      expect(() => e.mul(x, wrong as never)).toThrow(refused);
    for (const wrong of [undefined, true, x, 1]) expect(() => e.select(wrong as never, x, y)).toThrow(refused);
    expect(() => e.mean()).toThrow(refused);
    expect(() => e.sigmoid([1] as never)).toThrow("expected an expression or a number, got an array of 1");
  });

  it("are rewritten with the simplifications of first writing", () => {
    const root = e.add(e.mul(x, y), e.select(e.less(x, z), e.neg(x), e.div(y, x)));
    const zero = e.rewrite([root], (n) => (n === x ? e.constant(0) : undefined))[0]!;
    expect(zero).toBe(e.select(e.less(e.constant(0), z), e.constant(-0), e.div(y, 0)));
    expect(e.rewrite([root], () => undefined)[0]).toBe(root);
    const [sum] = e.rewrite([e.sub(e.exp(x), y)], (n) => (n.op === "exponential" ? z : undefined));
    expect(sum).toBe(e.sub(z, y));
    expect(e.rewrite([e.transposed("U", x)], (n) => (n === x ? e.constant(0) : undefined))[0]).toBe(e.constant(0));
  });

  it("are what they would be if the new value had stood there from the start", () => {
    type Build = (v: e.Expression) => e.Expression;
    const { tree } = fc.letrec<{ tree: Build }>((tie) => ({
      tree: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        fc.constantFrom<Build[]>(
          (v) => v,
          (v) => v,
          () => y,
          () => e.constant(2),
        ),
        fc
          .tuple(fc.constantFrom(e.add, e.sub, e.mul, e.div, e.max, e.mean), tie("tree"), tie("tree"))
          .map(([two, f, g]): Build => {
            return (v) => two(f(v), g(v));
          }),
        fc.tuple(fc.constantFrom(e.neg, e.exp), tie("tree")).map(([one, f]): Build => {
          return (v) => one(f(v));
        }),
        fc.tuple(tie("tree"), tie("tree"), tie("tree")).map(([f, g, h]): Build => {
          return (v) => e.product("U", e.select(e.less(v, f(v)), g(v), h(v)));
        }),
      ),
    }));
    fc.assert(
      fc.property(tree, fc.constantFrom(y, z, e.neg(y), e.exp(y)), (build, instead) => {
        expect(e.rewrite([build(x)], (n) => (n === x ? instead : undefined))[0]).toBe(build(instead));
      }),
      { numRuns: 300 },
    );
  });
});

it("the order of nodes depends on the expression alone, not on what was written before it", () => {
  const names = (prefix: string, first: "a" | "b"): string[] => {
    // One of the two arguments exists before the other.
    e.mul(e.variable(`${prefix}.${first}`), 3);
    const [a, b] = [e.mul(e.variable(`${prefix}.a`), 3), e.mul(e.variable(`${prefix}.b`), 3)];
    return e.inOrder([e.add(a, b)]).map((n) => n.name.slice(prefix.length) || n.op);
  };
  expect(names("one", "b")).toEqual(names("two", "a"));
});
