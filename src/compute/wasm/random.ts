import type { FunctionBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import type { Local } from "../../print/wasm/control.ts";
import { forRange, if_ } from "../../print/wasm/control.ts";
import { f32x4, i32, i32x4, i64x2, v128 } from "../../print/wasm/instructions.ts";
import { offset } from "../../print/wasm/product.ts";
import { share } from "../../print/wasm/team.ts";
import { storesOf, Vectors } from "../../print/wasm/vectors.ts";
import { size } from "../../shared/shapes.ts";
import type { RandomFill } from "../plan.ts";
import type { LaunchPrinter } from "./launch.ts";

/** Numbers that four counters give: four words each. */
const GROUP = 16;
const BYTES = 4;

/**
 * Random numbers by coordinates, four counters of Philox4x32-10 at once. The same bits as `philox4x32`. Threads share the longer of
 * examples and steps.
 */
export const printRandom: LaunchPrinter<RandomFill> = ({ m, kernel, team, address, workspace, constants, fused }) => {
  if (size(kernel.shape) === 0) return [];
  const [examples, steps, units] = kernel.shape;
  const [perExample, perStep, perUnit] = kernel.strides.map((stride) => stride * BYTES) as [number, number, number];
  const fill = m.memo(`random ${JSON.stringify(kernel)}`, () =>
    m.func({ params: new Array(7).fill("i32") }, (f, key, out, scratch, r, endR, firstS, endS) => {
      const [s, u, j] = [f.local("i32"), f.local("i32"), f.local("i32")];
      const [row, to] = [f.local("i32"), f.local("i32")];
      const v = new Vectors({ f, constants, fused });
      const word = (operand: Code): Code => i32x4.splat(operand);
      const keyWord = (k: number): Code => i32.load(key.get, k * BYTES);
      // Counters of four groups of four units: ⌊u / 4⌋ + 0, 1, 2, 3.
      const four = i32x4.add(word(i32.shr_u(u.get, i32.const(2))), v128.const(0, 1, 2, 3));
      const counter = [four, word(s.get), word(i32.add(r.get, keyWord(3))), word(keyWord(2))];
      const numbers = transposed(v, philox(f, v, counter, [word(keyWord(0)), word(keyWord(1))])).map((w) =>
        draw(kernel.draw, v, w),
      );
      const place = offset(row.get, u.get, i32.const(perUnit));
      const left = (): Code => i32.sub(i32.const(units), u.get);
      const dense = i32.ge_u(left(), i32.const(GROUP));
      const scattered = forRange(j, i32.const(0), i32.const(GROUP), 1, [
        if_(
          i32.lt_u(j.get, left()),
          i32.store(offset(place, j.get, i32.const(perUnit)), i32.load(offset(scratch.get, j.get, i32.const(BYTES)))),
        ),
      ]);
      return forRange(r, r.get, endR.get, 1, [
        forRange(s, firstS.get, endS.get, 1, [
          row.set(offset(offset(out.get, r.get, i32.const(perExample)), s.get, i32.const(perStep))),
          forRange(u, i32.const(0), i32.const(units), GROUP, [
            // Groups that are whole and dense are stored where they belong, others are handed out one by one.
            to.set(scratch.get),
            perUnit === BYTES ? if_(dense, to.set(place)) : [],
            v.code,
            storesOf(numbers.map((number, k) => v128.store(to.get, number, 16 * k))),
            if_(i32.eq(to.get, scratch.get), scattered),
          ]),
        ]),
      ]);
    }),
  );
  const all = (count: number): ReturnType<typeof share> => ({ from: i32.const(0), to: i32.const(count) });
  const byExample = examples >= steps;
  const [rows, columns] = [
    byExample ? share(team, examples) : all(examples),
    byExample ? all(steps) : share(team, steps),
  ];
  const scratch = workspace(GROUP * BYTES * team.threads);
  return fill.call(
    ...[i32.const(address("key")), i32.const(address("out"))],
    i32.add(i32.const(scratch), i32.mul(team.thread, i32.const(GROUP * BYTES))),
    ...[rows.from, rows.to, columns.from, columns.to],
  );
};

// The constants of Salmon et al. (SC 2011).
const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57] as const;
const WEYL = [0x9e3779b9, 0xbb67ae85] as const;
const ROUNDS = 10;

/** Four words for each of four counters; lanes are counters. Adds its steps to `v`. */
function philox(f: FunctionBuilder, v: Vectors, counter: readonly Code[], key: readonly Code[]): Code[] {
  const local = (): Local => f.local("v128");
  const [k0, k1, low, high] = [local(), local(), local(), local()];
  v.code.push(k0.set(key[0]!), k1.set(key[1]!));
  let [c0, c1, c2, c3] = counter.map((word) => v.keep(word)) as [Code, Code, Code, Code];
  // The 64-bit products of four lanes, two by two; their halves are brought together.
  const multiply = (word: Code, by: number): { low: Code; high: Code } => {
    v.code.push(
      low.set(i64x2.extmul_low_i32x4_u(word, v.word(by))),
      high.set(i64x2.extmul_high_i32x4_u(word, v.word(by))),
    );
    return {
      low: v.keep(i32x4.shuffle(low.get, high.get, [0, 2, 4, 6])),
      high: v.keep(i32x4.shuffle(low.get, high.get, [1, 3, 5, 7])),
    };
  };
  for (let round = 0; round < ROUNDS; round++) {
    const [first, second] = [multiply(c0, MULTIPLIERS[0]), multiply(c2, MULTIPLIERS[1])];
    c0 = v.keep(v128.xor(v128.xor(second.high, c1), k0.get));
    c2 = v.keep(v128.xor(v128.xor(first.high, c3), k1.get));
    [c1, c3] = [second.low, first.low];
    v.code.push(k0.set(i32x4.add(k0.get, v.word(WEYL[0]))), k1.set(i32x4.add(k1.get, v.word(WEYL[1]))));
  }
  return [c0, c1, c2, c3];
}

/** Words of four counters, from one vector a word to one vector a counter. */
function transposed(v: Vectors, words: readonly Code[]): Code[] {
  const [w0, w1, w2, w3] = words as [Code, Code, Code, Code];
  const [low01, high01] = [v.keep(i32x4.shuffle(w0, w1, [0, 4, 1, 5])), v.keep(i32x4.shuffle(w0, w1, [2, 6, 3, 7]))];
  const [low23, high23] = [v.keep(i32x4.shuffle(w2, w3, [0, 4, 1, 5])), v.keep(i32x4.shuffle(w2, w3, [2, 6, 3, 7]))];
  return [
    i32x4.shuffle(low01, low23, [0, 1, 4, 5]),
    i32x4.shuffle(low01, low23, [2, 3, 6, 7]),
    i32x4.shuffle(high01, high23, [0, 1, 4, 5]),
    i32x4.shuffle(high01, high23, [2, 3, 6, 7]),
  ];
}

/** `(word >>> 8) · 2⁻²⁴`, or the mask of a dropout. */
function draw(kind: RandomFill["draw"], v: Vectors, word: Code): Code {
  const upper = v.keep(i32x4.shr_u(word, i32.const(8)));
  if (kind.kind === "uniform") return f32x4.mul(f32x4.convert_i32x4_s(upper), v.constant(2 ** -24));
  // u · 2⁻²⁴ < rate in whole numbers, so that rounding the rate to float32 changes no draw.
  const threshold = Math.min(2 ** 24, Math.max(0, Math.ceil(kind.rate * 2 ** 24)));
  return v128.bitselect(v.constant(0), v.constant(kind.scale), i32x4.lt_s(upper, v.word(threshold)));
}
