import { describe, expect, test } from "vitest";
import { evaluate, rules } from "../../../src/math/evaluate.ts";
import type { Expression } from "../../../src/math/expression.ts";
import * as x from "../../../src/math/expression.ts";
import { ConstantTable } from "../../../src/print/wasm/constants.ts";
import { forRange } from "../../../src/print/wasm/control.ts";
import { printExpressions } from "../../../src/print/wasm/expression.ts";
import { f32x4, i32, v128 } from "../../../src/print/wasm/instructions.ts";
import { families, instantiate } from "./instantiate.ts";

const [a, b, c] = [x.variable("a"), x.variable("b"), x.variable("c")];
const names = ["a", "b", "c"];
const START = 65536;

/** The values of `e` for columns of a, b and c, by WebAssembly. */
function run(e: Expression, columns: readonly ArrayLike<number>[], fused = false): Float32Array {
  const n = columns[0]!.length;
  const stride = Math.ceil(n / 4) * 16;
  const constants = new ConstantTable(1024, 65536).scope();
  const instance = instantiate(
    (m) =>
      void m.func({ name: "run", params: [] }, (f) => {
        const i = f.local("i32");
        const printed = printExpressions({
          f,
          constants,
          fused,
          roots: [e],
          leaf: (node) =>
            node.op === "variable" ? v128.load(i.get, START + stride * names.indexOf(node.name)) : undefined,
        });
        return forRange(i, i32.const(0), i32.const(stride), 16, [
          printed.code,
          v128.store(i.get, printed.value(e), START + stride * 3),
        ]);
      }),
    Math.ceil((START + stride * 4) / 65536),
  );
  constants.write(instance.memory.buffer);
  columns.forEach((column, k) => {
    instance.floats.set(column, (START + stride * k) / 4);
  });
  instance.call("run");
  return instance.floats.slice((START + stride * 3) / 4, (START + stride * 3) / 4 + n);
}

/** Distance in units in the last place of a float32 around `expected`. */
function ulps(came: number, expected: number): number {
  if (Object.is(came, Math.fround(expected))) return 0;
  const unit = 2 ** Math.max(-149, Math.floor(Math.log2(Math.abs(expected))) - 23);
  return Math.abs(came - expected) / unit;
}

/** 20,000 numbers over [low, high], half of them evenly spread, half by magnitude. */
function spread(low: number, high: number): Float32Array {
  const scale = Math.max(Math.abs(low), Math.abs(high));
  return Float32Array.from({ length: 20000 }, (_, k) => {
    const u = ((k * 0.6180339887498949) % 1) + 1e-9;
    if (k % 2) return low + (high - low) * u;
    const y = scale * 2 ** (-60 * u) * (k % 4 && low < 0 ? -1 : 1);
    return Math.max(low, Math.min(high, y));
  });
}

describe.each(families)("fused %s", (fused) => {
  const limits: [string, (e: Expression) => Expression, (v: number) => number, number, number, number][] = [
    ["exponential", x.exp, Math.exp, -86.9, 88.7, 1.5],
    ["sigmoid", x.sigmoid, (v) => rules.sigmoid(v, 0, 0), -88.3, 30, 3.5],
    ["tanh", x.tanh, Math.tanh, -12, 12, 5.5],
    ["erf", x.erf, (v) => rules.erf(v, 0, 0), -6, 6, 6.2],
    ["logarithm", x.log, Math.log, 0, 3e38, 1],
    ["logarithm around 1", x.log, Math.log, 0.5, 2, 1],
    ["logarithm1p", x.log1p, Math.log1p, -0.99999, 1e6, 2],
    ["logarithm1p near 0", x.log1p, Math.log1p, -0.5, 1, 2],
  ];
  test.each(limits)("%s within its units in the last place", (name, make, exact, low, high, limit) => {
    const points = spread(low, high).filter((v) => !(name.startsWith("logarithm") && v === 0));
    const came = run(make(a), [points], fused);
    let [worst, at] = [0, 0];
    points.forEach((v, k) => {
      const error = ulps(came[k]!, exact(v));
      if (!(error <= worst)) [worst, at] = [error, v];
    });
    expect(worst, `at ${at}`).toBeLessThanOrEqual(limit);
  });

  test("the exact cases of transcendental functions", () => {
    const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
    const cases: [Expression, number[], number[]][] = [
      [x.exp(a), [inf, -inf, 0, -0, 88.8, 1e30, -87, -95, -1e30, nan], [inf, 0, 1, 1, inf, inf, 0, 0, 0, nan]],
      [x.sigmoid(a), [inf, 0, -0, 40, -88.4, -100, -1e30, -inf, nan], [1, 0.5, 0.5, 1, 0, 0, 0, 0, nan]],
      [x.tanh(a), [inf, -inf, 0, -0, 8, -8, 9.5, 1e-42, nan], [1, -1, 0, -0, 1, -1, 1, Math.fround(1e-42), nan]],
      [x.erf(a), [inf, -inf, 0, -0, 3.95, -5, nan], [1, -1, 0, -0, 1, -1, nan]],
      [
        x.log(a),
        [inf, -inf, 0, -0, -1, 1, 1e-45, nan],
        [inf, nan, -inf, -inf, nan, 0, Math.fround(Math.log(2 ** -149)), nan],
      ],
      [
        x.log1p(a),
        [inf, -1, -2, 0, -0, 1e-30, 3e38, nan],
        [inf, -inf, nan, 0, -0, Math.fround(1e-30), Math.fround(Math.log(3e38)), nan],
      ],
      [x.sqrt(a), [inf, 0, -0, -1, 9, nan], [inf, 0, -0, nan, 3, nan]],
    ];
    for (const [e, points, expected] of cases) expect([e.op, ...run(e, [points], fused)]).toEqual([e.op, ...expected]);
  });

  test("a NaN of any pattern stays one", () => {
    const patterns = new Float32Array(
      Uint32Array.of(0x7fc00000, 0xffc00000, 0x7fc00001, 0xffffffff, 0x7fc12345).buffer,
    );
    for (const make of [x.exp, x.sigmoid, x.tanh, x.erf, x.log, x.log1p, x.sqrt, x.neg, x.abs])
      expect([...run(make(a), [patterns], fused)].every(Number.isNaN), make(a).op).toBe(true);
  });

  test("tanh, sigmoid and erf never leave their bounds and tanh is odd", () => {
    const points = spread(-15, 15);
    const mirrored = run(x.tanh(x.neg(a)), [points], fused);
    run(x.tanh(a), [points], fused).forEach((t, k) => {
      expect(Math.abs(t) <= 1 && t === -mirrored[k]!).toBe(true);
    });
    for (const e of [x.erf(a), x.sigmoid(a)])
      for (const v of run(e, [points], fused)) expect(Math.abs(v) <= 1).toBe(true);
  });
});

describe("pointwise operations against float64", () => {
  const columns = [0, 1, 2].map((k) =>
    Float32Array.from({ length: 203 }, (_, i) => Math.fround(3 * Math.sin(i * (k + 1.3)) + (i % 7 === k ? 0 : 0.1))),
  );
  const table: Record<keyof typeof rules, Expression> = {
    add: x.add(a, b),
    subtract: x.sub(a, b),
    multiply: x.mul(a, b),
    divide: x.div(a, b),
    negate: x.neg(a),
    minimum: x.min(a, b),
    maximum: x.max(a, b),
    absolute: x.abs(a),
    squareRoot: x.sqrt(x.abs(a)),
    exponential: x.exp(a),
    logarithm: x.log(x.add(x.abs(a), 0.01)),
    logarithm1p: x.log1p(x.abs(a)),
    sigmoid: x.sigmoid(a),
    tanh: x.tanh(a),
    erf: x.erf(a),
    select: x.select(x.less(a, b), b, c),
    less: x.select(x.less(a, 0.5), 1, 0),
    lessEqual: x.select(x.lessEqual(a, a), b, c),
    equal: x.select(x.equal(a, x.max(a, b)), b, c),
  };
  test.each(Object.entries(table))("%s", (_, e) => {
    const came = run(e, columns);
    came.forEach((value, i) => {
      const [expected] = evaluate([e], (name) => columns[names.indexOf(name)]![i]!);
      expect(Math.abs(value - expected!)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(expected!)));
    });
  });

  test("a NaN wins in minimum and maximum, on either side", () => {
    const columns = [
      [Number.NaN, 1, Number.NaN, 2],
      [1, Number.NaN, Number.NaN, 3],
    ];
    expect([...run(x.min(a, b), columns)]).toEqual([Number.NaN, Number.NaN, Number.NaN, 2]);
    expect([...run(x.max(a, b), columns)]).toEqual([Number.NaN, Number.NaN, Number.NaN, 3]);
  });

  test("what select does not choose may be NaN; comparisons with NaN are false", () => {
    const columns = [
      [0, 1, Number.NaN, 4],
      [Number.NaN, 5, 6, 7],
      [8, Number.NaN, 9, 10],
    ];
    const e = x.select(x.less(a, 1), c, b);
    expect([...run(e, columns)]).toEqual([8, 5, 6, 7]);
    expect([...run(x.add(x.select(x.lessEqual(a, a), 1, x.log(-1)), 1), columns)]).toEqual([2, 2, Number.NaN, 2]);
  });
});

describe("printing", () => {
  test("a node that is available is not computed, nor what is below it", () => {
    const hidden = x.variable("not given");
    const mean = x.mean(hidden);
    const e = x.add(mean, 1);
    const constants = new ConstantTable(1024, 2048).scope();
    const instance = instantiate(
      (m) =>
        void m.func({ name: "run", params: [], results: ["f32"] }, (f) => {
          const leaf = (n: { op: string }) => (n.op === "mean" ? v128.load32_splat(i32.const(64)) : undefined);
          const printed = printExpressions({ f, constants, fused: false, roots: [e], leaf });
          return [printed.code, f32x4.extract_lane(printed.value(e), 0)];
        }),
    );
    constants.write(instance.memory.buffer);
    instance.floats[16] = 41;
    expect(instance.call("run")).toBe(42);
  });

  test("a variable without code is an error that names it", () => {
    const constants = new ConstantTable(1024, 2048).scope();
    expect(() =>
      instantiate(
        (m) =>
          void m.func({ params: [] }, (f) => {
            printExpressions({ f, constants, fused: false, roots: [x.add(a, 1)], leaf: () => undefined });
            return [];
          }),
      ),
    ).toThrow("variable a");
  });
});

describe("constants", () => {
  test("equal bits share a place, −0 and 0 do not, closed scopes give places back", () => {
    const table = new ConstantTable(1024, 1024 + 12);
    const [first, second] = [table.scope(), table.scope()];
    expect([first.address(0.1), first.address(Math.fround(0.1)), second.address(0.1)]).toEqual([1024, 1024, 1024]);
    expect(new Set([first.address(0), first.address(-0)]).size).toBe(2);
    expect(() => second.address(7)).toThrow("close plans");
    const freed = first.address(0);
    const kept = first.address(-0);
    first.close();
    expect(second.address(0.1)).toBe(1024);
    expect([freed, kept]).toContain(second.address(7));
    // What `second` shares with `first` is still its own.
    expect(() => [table.scope().address(8), table.scope().address(9)]).toThrow("close plans");
    const memory = new ArrayBuffer(2048);
    second.write(memory);
    expect(new Float32Array(memory)[256]).toBe(Math.fround(0.1));
  });
});
