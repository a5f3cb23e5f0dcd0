import { describe, expect, test } from "vitest";
import { ModuleBuilder } from "../../../src/print/wasm/assembler.ts";
import type { Code } from "../../../src/print/wasm/code.ts";
import { flatten, signed32, signed64, structured, target, unsigned } from "../../../src/print/wasm/code.ts";
import {
  block,
  br,
  br_if,
  doWhile,
  drop,
  forRange,
  if_,
  loop,
  select,
  whileTrue,
} from "../../../src/print/wasm/control.ts";
import { f32, f32x4, f64, f64x2, i32, i32x4, i64, i64x2, memory, v128 } from "../../../src/print/wasm/instructions.ts";
import { canFuse, instantiate, single } from "./instantiate.ts";

/** Addresses of two operands, of a third one and of the result. */
const [A, B, C, OUT] = [64, 80, 96, 128];
const at = (address: number): Code => v128.load(i32.const(0), address);

/** The four words that `code` leaves at OUT, for operands given as floats. */
function lanes(code: Code, operands: readonly (readonly number[])[], kind: "float" | "int" = "float"): number[] {
  const instance = single([], [], () => v128.store(i32.const(OUT), code));
  const numbers = kind === "float" ? instance.floats : instance.words;
  operands.forEach((operand, k) => {
    numbers.set(operand, (64 + 16 * k) / 4);
  });
  instance.call("run");
  return [...numbers.slice(OUT / 4, OUT / 4 + 4)];
}
const words = (code: Code, ...operands: number[][]): number[] => lanes(code, operands, "int");

describe("numbers in bytes", () => {
  test("LEB128 of the specification's examples and of the borders", () => {
    expect(unsigned(624485)).toEqual([0xe5, 0x8e, 0x26]);
    expect(unsigned(2 ** 32 - 1)).toEqual([0xff, 0xff, 0xff, 0xff, 0x0f]);
    for (const [value, bytes] of [
      [-123456, [0xc0, 0xbb, 0x78]],
      [64, [0xc0, 0x00]],
      [-64, [0x40]],
      [-(2 ** 31), [0x80, 0x80, 0x80, 0x80, 0x78]],
    ] as const) {
      expect(signed32(value)).toEqual(bytes);
      expect(signed64(BigInt(value))).toEqual(bytes);
    }
    // An address above 2 GiB is the negative number of the same bits.
    expect(signed32(2 ** 32 - 64)).toEqual([0x40]);
  });

  test.each([0, 1, -1, 63, 64, -65, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 32 - 1])("constant %i", (value) => {
    expect(single([], ["i32"], () => i32.const(value)).call("run")).toBe(value | 0);
  });
});

describe("control", () => {
  test("a branch inside blocks that are put around it later reaches its label", () => {
    const instance = single(["i32"], ["i32"], (f, n) => {
      const sum = f.local("i32");
      const leave = (label: Parameters<typeof br>[0]) => if_(i32.eq(n.get, i32.const(0)), br(label));
      return [
        block((end) =>
          loop((start) => [
            block(() => [
              leave(end),
              if_(
                i32.const(1),
                block(() => leave(end)),
              ),
            ]),
            sum.set(i32.add(sum.get, n.get)),
            n.set(i32.sub(n.get, i32.const(1))),
            br(start),
          ]),
        ),
        sum.get,
      ];
    });
    expect(instance.call("run", 10)).toBe(55);
  });

  test("a branch outside its block is an error, not a broken module", () => {
    let label = { id: -1 };
    flatten(
      structured([0x02, 0x40], (inner) => {
        label = inner;
        return [];
      }),
    );
    expect(() => flatten([0x0c, target(label)])).toThrow("outside the block");
  });

  test.each([
    [0, 10, 3, [0, 3, 6, 9]],
    [5, 5, 1, []],
    [7, 2, 1, []],
    [2 ** 31 - 4, 2 ** 31 + 2, 2, [2 ** 31 - 4, 2 ** 31 - 2, 2 ** 31]],
  ])("forRange from %i to %i by %i", (from, to, step, expected) => {
    const instance = single(["i32", "i32", "i32"], ["i32"], (f, first, end, by) => {
      const [i, n] = [f.local("i32"), f.local("i32")];
      return [
        forRange(i, first.get, end.get, by.get, [
          i32.store(i32.shl(n.get, i32.const(2)), i.get, 64),
          n.set(i32.add(n.get, i32.const(1))),
        ]),
        n.get,
      ];
    });
    const n = instance.call("run", from, to, step);
    expect([...new Uint32Array(instance.memory.buffer, 64, n)]).toEqual(expected);
  });

  test("while, do-while, if with a result, select, drop", () => {
    const instance = single(["i32"], ["i32"], (f, n) => {
      const [a, b] = [f.local("i32"), f.local("i32")];
      const more = i32.add(a.get, i32.const(1));
      return [
        whileTrue(i32.lt_s(a.get, n.get), a.set(more)),
        doWhile(b.set(i32.add(b.get, i32.const(1))), i32.lt_s(b.get, n.get)),
        drop(b.get),
        block((end) => [br_if(end, i32.eqz(n.get)), b.set(i32.mul(b.get, i32.const(100)))]),
        i32.add(
          if_(i32.gt_s(n.get, i32.const(2)), a.get, i32.const(-1), "i32"),
          select(b.get, i32.const(7), i32.gt_s(n.get, i32.const(0))),
        ),
      ];
    });
    expect([0, 1, 3].map((n) => instance.call("run", n))).toEqual([-1 + 7, -1 + 100, 3 + 300]);
  });
});

describe("modules", () => {
  test("functions call each other, in any order of making, and are kept by key", () => {
    let made = 0;
    const instance = instantiate((m) => {
      const twice = () =>
        m.memo("twice", () => {
          made++;
          return m.func({ params: ["i32"], results: ["i32"] }, (_, x) => i32.add(x.get, x.get));
        });
      m.func({ name: "run", params: ["i32"], results: ["i32"] }, (_, x) => twice().call(twice().call(x.get)));
      m.func({ name: "other", params: ["i32"], results: ["i32"] }, (_, x) => twice().call(x.get));
    });
    expect([instance.call("run", 3), instance.call("other", 3), made]).toEqual([12, 6, 1]);
  });

  test("a call with the wrong number of arguments is refused while printing", () => {
    const m = new ModuleBuilder({ memory: { initial: 1, maximum: 1, shared: false } });
    const f = m.func({ params: ["i32"] }, () => []);
    expect(() => f.call()).toThrow("expected 1 arguments, got 0");
  });

  test("shared memory is imported as such", () => {
    const m = new ModuleBuilder({ memory: { initial: 1, maximum: 2, shared: true } });
    m.func({ name: "run", params: [] }, () => []);
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
    expect(() => new WebAssembly.Instance(new WebAssembly.Module(m.finish()), { env: { memory } })).not.toThrow();
  });
});

describe("scalar instructions", () => {
  const rows: [string, Code, number][] = [
    ["i32.sub", i32.sub(i32.const(3), i32.const(5)), -2],
    ["i32.div_s", i32.div_s(i32.const(-7), i32.const(2)), -3],
    ["i32.div_u", i32.div_u(i32.const(-2), i32.const(2)), 2 ** 31 - 1],
    ["i32.rem_s", i32.rem_s(i32.const(-7), i32.const(4)), -3],
    ["i32.rem_u", i32.rem_u(i32.const(-1), i32.const(16)), 15],
    ["i32.and", i32.and(i32.const(12), i32.const(10)), 8],
    ["i32.or", i32.or(i32.const(12), i32.const(10)), 14],
    ["i32.xor", i32.xor(i32.const(12), i32.const(10)), 6],
    ["i32.shr_s", i32.shr_s(i32.const(-8), i32.const(1)), -4],
    ["i32.shr_u", i32.shr_u(i32.const(-8), i32.const(28)), 15],
    ["i32.eqz", i32.eqz(i32.const(0)), 1],
    ["i32.ne", i32.ne(i32.const(0), i32.const(1)), 1],
    ["i32.lt_u", i32.lt_u(i32.const(-1), i32.const(1)), 0],
    ["i32.gt_u", i32.gt_u(i32.const(-1), i32.const(1)), 1],
    ["i32.le_s", i32.le_s(i32.const(-1), i32.const(1)), 1],
    ["i32.le_u", i32.le_u(i32.const(-1), i32.const(1)), 0],
    ["i32.ge_s", i32.ge_s(i32.const(-1), i32.const(1)), 0],
    ["i32.ge_u", i32.ge_u(i32.const(-1), i32.const(1)), 1],
    ["i64", i32.wrap_i64(i64.shr_u(i64.mul(i64.extend_i32_u(i32.const(-1)), i64.const(16n)), i64.const(32n))), 15],
    ["i64.sub", i32.wrap_i64(i64.sub(i64.shl(i64.extend_i32_s(i32.const(-3)), i64.const(1n)), i64.const(-1n))), -5],
    ["f32.lt", f32.lt(f32.const(1), f32.const(2)), 1],
    ["f32.gt", f32.gt(f32.const(1), f32.const(2)), 0],
    ["f32.le", f32.le(f32.const(2), f32.const(2)), 1],
    ["f32.ge", f32.ge(f32.const(1), f32.const(2)), 0],
    ["f32.eq", f32.eq(f32.const(Number.NaN), f32.const(Number.NaN)), 0],
    ["f32.ne", f32.ne(f32.const(Number.NaN), f32.const(Number.NaN)), 1],
    ["f32.reinterpret", i32.reinterpret_f32(f32.const(1)), 0x3f800000],
  ];
  test.each(rows)("%s", (_, code, expected) => {
    expect(single([], ["i32"], () => code).call("run")).toBe(expected);
  });

  const floats: [string, Code, number][] = [
    ["add", f32.add(f32.const(1.5), f32.const(2)), 3.5],
    ["sub", f32.sub(f32.const(1.5), f32.const(2)), -0.5],
    ["mul", f32.mul(f32.const(1.5), f32.const(2)), 3],
    ["div", f32.div(f32.const(3), f32.const(2)), 1.5],
    ["min", f32.min(f32.const(3), f32.const(2)), 2],
    ["max", f32.max(f32.const(3), f32.const(2)), 3],
    ["abs", f32.abs(f32.const(-3)), 3],
    ["neg", f32.neg(f32.const(3)), -3],
    ["sqrt", f32.sqrt(f32.const(9)), 3],
    ["convert_s", f32.convert_i32_s(i32.const(-1)), -1],
    ["convert_u", f32.convert_i32_u(i32.const(-1)), 2 ** 32],
    ["reinterpret", f32.reinterpret_i32(i32.const(0x40000000)), 2],
    ["f64.add", f32.demote_f64(f64.add(f64.const(0.25), f64.promote_f32(f32.const(1)))), 1.25],
    ["f64.sub", f32.demote_f64(f64.sub(f64.const(0.25), f64.convert_i32_s(i32.const(-1)))), 1.25],
    ["f64.mul", f32.demote_f64(f64.mul(f64.const(0.5), f64.convert_i32_u(i32.const(-2)))), 2 ** 31],
    ["f64.div", f32.demote_f64(f64.div(f64.const(3), f64.const(2))), 1.5],
    ["f64.min", f32.demote_f64(f64.min(f64.const(3), f64.const(2))), 2],
    ["f64.max", f32.demote_f64(f64.max(f64.const(3), f64.const(2))), 3],
  ];
  test.each(floats)("f32.%s", (_, code, expected) => {
    expect(single([], ["f32"], () => code).call("run")).toBe(expected);
  });

  test("loads and stores of every width, memory.fill and memory.copy", () => {
    const zero = i32.const(0);
    const instance = single([], ["i32"], () => [
      i32.store(zero, i32.const(0x01020384), 64),
      i32.store8(zero, i32.const(0xabff), 68),
      i64.store(zero, i64.add(i64.load(zero, 64), i64.const(1n)), 72),
      f32.store(zero, f32.load(zero, 64), 80),
      f64.store(zero, f64.load(zero, 72), 88),
      memory.fill(i32.const(96), i32.const(7), i32.const(3)),
      memory.copy(i32.const(99), i32.const(96), i32.const(2)),
      i32.add(i32.load8_u(zero, 64), i32.load(zero, 72)),
    ]);
    expect(instance.call("run")).toBe(0x84 + 0x01020385);
    expect(instance.words[17]).toBe(0xff);
    expect(instance.words[19]).toBe(0xff);
    expect(instance.words[20]).toBe(0x01020384);
    expect(instance.words[22]).toBe(0x01020385);
    expect([...new Uint8Array(instance.memory.buffer, 95, 7)]).toEqual([0, 7, 7, 7, 7, 7, 0]);
  });
});

describe("vector instructions", () => {
  const x = [1.5, -2, 0, 9];
  const y = [0.5, -4, 3, 9];
  const each = (rule: (a: number, b: number) => number) => x.map((a, k) => rule(a, y[k]!));
  const mask = (rule: (a: number, b: number) => boolean) => each((a, b) => (rule(a, b) ? 1 : 0));
  const [a, b] = [at(A), at(B)];
  const one = i32x4.splat(i32.const(0x3f800000));

  test.each<[keyof typeof f32x4, Code, number[]]>([
    ["add", f32x4.add(a, b), each((p, q) => p + q)],
    ["sub", f32x4.sub(a, b), each((p, q) => p - q)],
    ["mul", f32x4.mul(a, b), each((p, q) => p * q)],
    ["div", f32x4.div(a, b), each((p, q) => p / q)],
    ["min", f32x4.min(a, b), each(Math.min)],
    ["max", f32x4.max(a, b), each(Math.max)],
    ["pmin", f32x4.pmin(a, b), each((p, q) => Math.min(q, p))],
    ["pmax", f32x4.pmax(a, b), each((p, q) => Math.max(p, q))],
    ["abs", f32x4.abs(a), x.map(Math.abs)],
    ["neg", f32x4.neg(a), x.map((p) => -p)],
    ["sqrt", f32x4.sqrt(f32x4.abs(a)), x.map((p) => Math.fround(Math.sqrt(Math.abs(p))))],
    ["floor", f32x4.floor(a), x.map(Math.floor)],
    ["nearest", f32x4.nearest(a), [2, -2, 0, 9]],
    ["eq", v128.and(one, f32x4.eq(a, b)), mask((p, q) => p === q)],
    ["ne", v128.and(one, f32x4.ne(a, b)), mask((p, q) => p !== q)],
    ["lt", v128.and(one, f32x4.lt(a, b)), mask((p, q) => p < q)],
    ["gt", v128.and(one, f32x4.gt(a, b)), mask((p, q) => p > q)],
    ["le", v128.and(one, f32x4.le(a, b)), mask((p, q) => p <= q)],
    ["ge", v128.and(one, f32x4.ge(a, b)), mask((p, q) => p >= q)],
    ["splat", f32x4.splat(f32x4.extract_lane(a, 3)), [9, 9, 9, 9]],
    ["replace_lane", f32x4.replace_lane(a, 2, f32.const(5)), [1.5, -2, 5, 9]],
    ["relaxed_madd", f32x4.relaxed_madd(a, b, b), each((p, q) => p * q + q)],
    ["relaxed_nmadd", f32x4.relaxed_nmadd(a, b, b), each((p, q) => q - p * q)],
    ["convert_i32x4_s", f32x4.convert_i32x4_s(i32x4.trunc_sat_f32x4_s(a)), [1, -2, 0, 9]],
    ["convert_i32x4_u", f32x4.convert_i32x4_u(i32x4.trunc_sat_f32x4_u(a)), [1, 0, 0, 9]],
    ["demote_f64x2_zero", f32x4.demote_f64x2_zero(f64x2.promote_low_f32x4(a)), [1.5, -2, 0, 0]],
  ])("f32x4.%s", (name, code, expected) => {
    if (name.startsWith("relaxed") && !canFuse) return;
    expect(lanes(code, [x, y])).toEqual(expected);
  });

  test("every f32x4 instruction is tested or used above", () => {
    expect(Object.keys(f32x4).length).toBe(27); // the 26 rows above and extract_lane
  });

  test("f64x2", () => {
    const [p, q] = [f64x2.promote_low_f32x4(a), f64x2.promote_low_f32x4(b)];
    const out = (code: Code) => lanes(f32x4.demote_f64x2_zero(code), [x, y]).slice(0, 2);
    expect(out(f64x2.add(p, q))).toEqual([2, -6]);
    expect(out(f64x2.sub(p, q))).toEqual([1, 2]);
    expect(out(f64x2.mul(p, q))).toEqual([0.75, 8]);
    expect(out(f64x2.splat(f64x2.extract_lane(p, 1)))).toEqual([-2, -2]);
    expect(out(f64x2.replace_lane(p, 0, f64.const(8)))).toEqual([8, -2]);
  });

  const u = [5, -6, 7, -(2 ** 31)];
  const w = [3, 2, -7, 1];
  const truth = (...bits: number[]) => bits.map((bit) => 0 - bit);
  test.each<[string, Code, number[]]>([
    ["add", i32x4.add(a, b), [8, -4, 0, 1 - 2 ** 31]],
    ["sub", i32x4.sub(a, b), [2, -8, 14, 2 ** 31 - 1]],
    ["mul", i32x4.mul(a, b), [15, -12, -49, -(2 ** 31)]],
    ["min_s", i32x4.min_s(a, b), [3, -6, -7, -(2 ** 31)]],
    ["max_s", i32x4.max_s(a, b), [5, 2, 7, 1]],
    ["neg", i32x4.neg(b), [-3, -2, 7, -1]],
    ["abs", i32x4.abs(b), [3, 2, 7, 1]],
    ["eq", i32x4.eq(a, i32x4.splat(i32.const(7))), truth(0, 0, 1, 0)],
    ["ne", i32x4.ne(a, i32x4.splat(i32.const(7))), truth(1, 1, 0, 1)],
    ["lt_s", i32x4.lt_s(a, b), truth(0, 1, 0, 1)],
    ["lt_u", i32x4.lt_u(a, b), truth(0, 0, 1, 0)],
    ["gt_s", i32x4.gt_s(a, b), truth(1, 0, 1, 0)],
    ["gt_u", i32x4.gt_u(a, b), truth(1, 1, 0, 1)],
    ["le_s", i32x4.le_s(a, b), truth(0, 1, 0, 1)],
    ["ge_s", i32x4.ge_s(a, b), truth(1, 0, 1, 0)],
    ["shl", i32x4.shl(b, i32.const(4)), [48, 32, -112, 16]],
    ["shr_s", i32x4.shr_s(a, i32.const(1)), [2, -3, 3, -(2 ** 30)]],
    ["shr_u", i32x4.shr_u(a, i32.const(31)), [0, 1, 0, 1]],
    ["extract, replace", i32x4.replace_lane(a, 1, i32x4.extract_lane(b, 2)), [5, -7, 7, -(2 ** 31)]],
    ["bitmask", i32x4.splat(i32x4.bitmask(a)), [10, 10, 10, 10]],
    ["all_true", i32x4.splat(i32x4.all_true(a)), [1, 1, 1, 1]],
    ["any_true", i32x4.splat(v128.any_true(v128.const(0, 0, 0, 0))), [0, 0, 0, 0]],
    ["dot_i16x8_s", i32x4.dot_i16x8_s(b, b), [9, 4, 49 + 1, 1]],
    ["shuffle", i32x4.shuffle(a, b, [7, 0, 4, 1]), [1, 5, 3, -6]],
    ["extmul_low", i64x2.extmul_low_i32x4_u(a, b), [15, 0, -12, 1]],
    ["extmul_high", i64x2.extmul_high_i32x4_u(a, b), [-49, 6, -(2 ** 31), 0]],
    ["i64x2.add", i64x2.add(a, i64x2.splat(i64.const(-5n))), [0, -6, 2, -(2 ** 31)]],
    ["i64x2.sub", i64x2.sub(a, i64x2.splat(i64x2.extract_lane(a, 0))), [0, 0, 2, 6 - 2 ** 31]],
    ["i64x2.mul", i64x2.mul(i64x2.splat(i64.const(2n ** 31n)), i64x2.splat(i64.const(6n))), [0, 3, 0, 3]],
    ["i64x2.shl", i64x2.shl(a, i32.const(32)), [0, 5, 0, 7]],
    ["i64x2.shr_u", i64x2.shr_u(a, i32.const(32)), [-6, 0, -(2 ** 31), 0]],
    ["const", v128.const(1, 2, 3, 0xffffffff), [1, 2, 3, -1]],
    ["not", v128.not(a), u.map((n) => ~n)],
    ["and", v128.and(a, b), u.map((n, k) => n & w[k]!)],
    ["andnot", v128.andnot(a, b), u.map((n, k) => n & ~w[k]!)],
    ["or", v128.or(a, b), u.map((n, k) => n | w[k]!)],
    ["xor", v128.xor(a, b), u.map((n, k) => n ^ w[k]!)],
    ["bitselect", v128.bitselect(a, b, v128.const(-1, 0, 15, 0)), [5, 2, (7 & 15) | (-7 & ~15), 1]],
    ["load32_splat", v128.load32_splat(i32.const(A), 8), [7, 7, 7, 7]],
    ["load64_splat", v128.load64_splat(i32.const(A)), [5, -6, 5, -6]],
    ["load32_zero", v128.load32_zero(i32.const(A), 4), [-6, 0, 0, 0]],
    ["load64_zero", v128.load64_zero(i32.const(A)), [5, -6, 0, 0]],
    ["load32_lane", v128.load32_lane(i32.const(B), a, 3, 8), [5, -6, 7, -7]],
  ])("%s", (_, code, expected) => {
    expect(words(code, u, w)).toEqual(expected);
  });

  test("store32_lane writes one word", () => {
    const instance = single([], [], () => v128.store32_lane(i32.const(C), at(A), 2, 4));
    instance.words.set([1, 2, 3, 4], A / 4);
    instance.call("run");
    expect([...instance.words.slice(C / 4, C / 4 + 4)]).toEqual([0, 3, 0, 0]);
  });
});
