import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evaluate } from "../../src/math/evaluate.ts";
import {
  abs,
  add,
  constant,
  div,
  type Expression,
  equal,
  erf,
  exp,
  inOrder,
  less,
  lessEqual,
  log,
  log1p,
  max,
  mean,
  min,
  mul,
  neg,
  product,
  select,
  sigmoid,
  sqrt,
  square,
  sub,
  tanh,
  transposed,
  variable,
} from "../../src/math/expression.ts";
import {
  clamp,
  elu,
  expm1,
  gelu,
  hardSigmoid,
  leakyRelu,
  relu,
  softplus,
  thresholdedRelu,
} from "../../src/math/functions.ts";
import { latex } from "../../src/print/latex.ts";
import { evaluateLatex } from "./latex-parser.ts";

const [a, b, c] = ["a", "b", "c"].map(variable) as [Expression, Expression, Expression];

describe("one line an operation", () => {
  const cases: readonly [Expression, string][] = [
    [add(a, b), "a + b"],
    [sub(a, b), "a - b"],
    [mul(a, b), "a \\odot b"],
    [div(a, add(b, c)), "\\frac{a}{b + c}"],
    [neg(a), "-a"],
    [min(a, b), "\\min(a, b)"],
    [max(a, b), "\\max(a, b)"],
    [abs(a), "\\lvert a \\rvert"],
    [sqrt(a), "\\sqrt{a}"],
    [exp(neg(a)), "e^{-a}"],
    [log(a), "\\ln(a)"],
    [log1p(a), "\\ln(1 + a)"],
    [sigmoid(a), "\\sigma(a)"],
    [tanh(div(a, b)), "\\tanh\\left(\\frac{a}{b}\\right)"],
    [erf(a), "\\operatorname{erf}(a)"],
    [select(less(a, b), c, a), "\\begin{cases} c & \\text{if } a < b \\\\ a & \\text{otherwise} \\end{cases}"],
    [select(lessEqual(a, b), 1, 0), "\\mathbb{1}[a \\le b]"],
    [select(equal(a, b), 1, 0), "\\mathbb{1}[a = b]"],
    [product("n", add(a, b)), "W_{n} (a + b)"],
    [transposed("n", a), "W_{n}^{\\top} a"],
    [mean(a, b), "\\operatorname{mean}(a, b)"],
    [variable("gain_x"), "\\mathrm{gain\\_x}"],
  ];
  test.each(cases.map(([e, text]) => [text, e] as const))("%s", (text, e) => expect(latex(e)).toBe(text));
});

describe("brackets only where they are needed", () => {
  const cases: readonly [Expression, string][] = [
    [mul(sub(1, a), b), "(1 - a) \\odot b"],
    [sub(a, sub(b, c)), "a - (b - c)"],
    [sub(sub(a, b), c), "a - b - c"],
    [add(a, neg(b)), "a - b"],
    [sub(a, neg(b)), "a - (-b)"],
    [mul(a, neg(b)), "a \\odot (-b)"],
    [square(add(a, b)), "(a + b)^{2}"],
    [square(square(a)), "(a^{2})^{2}"],
    [square(tanh(a)), "\\tanh(a)^{2}"],
    [mul(a, product("n", b)), "a \\odot (W_{n} b)"],
    [add(a, product("n", b)), "a + W_{n} b"],
    [
      add(select(less(a, b), a, b), c),
      "\\left(\\begin{cases} a & \\text{if } a < b \\\\ b & \\text{otherwise} \\end{cases}\\right) + c",
    ],
  ];
  test.each(cases.map(([e, text]) => [text, e] as const))("%s", (text, e) => expect(latex(e)).toBe(text));
});

describe("numbers", () => {
  const cases: readonly [number, string][] = [
    [1 / 6, "\\tfrac{1}{6}"],
    [0.1666, "0.1666"],
    [1e-5, "10^{-5}"],
    [2.5e-7, "2.5 \\cdot 10^{-7}"],
    [-3, "-3"],
    [Math.SQRT1_2, "\\tfrac{1}{\\sqrt{2}}"],
  ];
  test.each(cases)("%d is %s", (value, text) => expect(latex(constant(value))).toBe(text));
  test("multiply without a sign, before what they multiply", () => {
    expect(latex(mul(a, 2))).toBe("2\\,a");
    expect(latex(mul(2, mul(3, a)))).toBe("2 \\cdot 3\\,a");
    expect(latex(add(b, mul(-2, a)))).toBe("b - 2\\,a");
    expect(latex(mul(b, mul(-2, a)))).toBe("b \\odot (-2\\,a)");
  });
});

describe("shapes that have a name", () => {
  const cases: readonly [string, Expression, string][] = [
    ["relu", relu(a), "\\max(0, a)"],
    ["clip", clamp(-3, 3)(a), "\\operatorname{clip}_{[-3,\\,3]}(a)"],
    ["hard sigmoid", hardSigmoid(0.2, 0.5)(a), "\\operatorname{clip}_{[0,\\,1]}(0.2\\,a + \\tfrac{1}{2})"],
    ["e to the x less 1", expm1(a), "e^{a} - 1"],
    ["softplus", softplus(a), "\\ln(1 + e^{a})"],
    [
      "elu",
      elu(2)(a),
      "\\begin{cases} a & \\text{if } 0 < a \\\\ 2\\,(e^{\\min(0, a)} - 1) & \\text{otherwise} \\end{cases}",
    ],
  ];
  test.each(cases)("%s", (_, e, text) => expect(latex(e)).toBe(text));

  test("nothing is taken for what it is not", () => {
    expect(latex(select(less(0, a), b, 0))).toContain("cases");
    expect(latex(select(less(1, a), a, 0))).toContain("cases");
    expect(latex(select(lessEqual(0, a), a, 0))).toContain("cases");
    expect(latex(clamp(3, -3)(a))).toContain("cases");
    expect(latex(select(less(a, -3), -2, select(less(3, a), 3, a)))).toContain("cases");
    expect(latex(add(max(a, 0), log1p(exp(neg(abs(b))))))).toContain("lvert");
    expect(latex(div(mul(2, tanh(a)), sub(1, tanh(b))))).toContain("tanh");
  });
});

describe("read back, it gives the expression's values", () => {
  const leaf = fc.oneof(
    fc.constantFrom(a, b, c),
    fc.constantFrom(0.5, 1, 2, -3, 0.25, 1 / 6, 7.5, Math.SQRT1_2).map(constant),
  );
  const { tree } = fc.letrec<{ tree: Expression }>((tie) => {
    const e = tie("tree");
    const two = fc.tuple(e, e);
    return {
      tree: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        leaf,
        two.map(([x, y]) => add(x, y)),
        two.map(([x, y]) => sub(x, y)),
        two.map(([x, y]) => mul(x, y)),
        two.map(([x, y]) => div(x, y)),
        e.map(neg),
        e.map(square),
        e.map(tanh),
        e.map(sigmoid),
        e.map(abs),
        e.map((x) => exp(min(x, 2))),
        e.map((x) => sqrt(abs(x))),
        e.map((x) => log(add(1, abs(x)))),
        two.map(([x, y]) => max(x, y)),
        fc.tuple(e, e, e, e).map(([x, y, yes, no]) => select(less(x, y), yes, no)),
        e.map(relu),
        e.map(leakyRelu()),
        e.map(thresholdedRelu(0.5)),
        e.map(hardSigmoid()),
        e.map(clamp(-1, 0.5)),
        e.map((x) => softplus(min(x, 20))),
        e.map(elu(0.7)),
      ),
    };
  });
  const number = fc.integer({ min: -40, max: 40 }).map((n) => n / 8 + 0.01);

  test("for any expression", () => {
    fc.assert(
      fc.property(tree, number, number, number, (e, x, y, z) => {
        const values: Readonly<Record<string, number>> = { a: x, b: y, c: z };
        const expected = evaluate([e], (name) => values[name]!)[0]!;
        // Terms are added in another order than they were written in: where a comparison is a tie, rounding decides, where one is NaN, max and a choice differ.
        const compared = inOrder([e]).filter((n) => n.op === "less");
        const sides = compared.map((n) => evaluate(n.args, (name) => values[name]!));
        fc.pre(sides.every(([l, r]) => Math.abs(l! - r!) > 1e-9 * Math.max(1, Math.abs(l!))));
        fc.pre(Number.isFinite(expected) && Math.abs(expected) < 1e6);
        const got = evaluateLatex(latex(e), (name) => values[name]!);
        expect(Math.abs(got - expected)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(expected)));
      }),
      { numRuns: 400 },
    );
  });

  test("gelu has no kink to miss", () => expect(latex(gelu(a))).toContain("\\operatorname{erf}"));
});
