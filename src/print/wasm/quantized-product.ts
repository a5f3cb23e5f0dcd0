import type { Func, ModuleBuilder } from "./assembler.ts";
import type { Code, ValueType } from "./code.ts";
import { doWhile, forRange, type Local } from "./control.ts";
import { f32, f32x4, i8x16, i16x8, i32, i32x4, v128 } from "./instructions.ts";
import { offset } from "./product.ts";
import { sweep } from "./sweep.ts";
import { unrolled } from "./unroll.ts";
import { type Constants, storesOf } from "./vectors.ts";

/*
 * Products with weights of 8 bits. Columns of the result come in panels of 16; a panel holds the weights of four neighbouring k for its 16
 * columns, [⌈k / 4⌉][16][4] bytes: `packPanels` of words. The left operand is rounded to whole numbers from −8191 to 8191 with a scale of its
 * own for each row. The sums are whole, so that any way to add gives the same. There are two:
 *
 * - `split`: a number plus 8192 is 128 · high + low, both of 7 bits, and one instruction of relaxed SIMD adds four products of 7 and 8 bits
 *   to each of four sums of 32 bits. What the 8192 added is taken away by what the sums begin with.
 * - Otherwise weights are widened to 16 bits, and products are added in pairs. The pairs of a panel's row lie apart, [2][16][2] bytes (`apartPairs`),
 *   so that neighbouring loads widen what becomes neighbouring columns.
 *
 * Which is faster depends on whether the processor has one instruction for the first or makes it of five. Measured (Node 24, multiply-adds a second
 * from the first cache): Sapphire Rapids, split 87 to 107 · 10⁹ in registers of 256 bits and 44 in those of 128, widened 54 and 30; Zen 4, split 42
 * and 22, widened 57 and 29.
 */
export interface Way {
  readonly split: boolean;
}

const i32s = (count: number): ValueType[] => new Array<ValueType>(count).fill("i32");
const each = <T>(count: number, make: (k: number) => T): T[] => Array.from({ length: count }, (_, k) => make(k));
/** Added to a small number, leaves its nearest whole number in the lowest bits. */
const ROUND = 12582912;
const ROUND_BITS = 0x4b400000;
/** What makes a rounded number positive, as a power of two: 13; and the bits of the lower part. */
const [OFFSET, LOW] = [13, 7];
const PANEL_ROW = 64;
/** Bytes of four numbers of the left operand. */
const FOUR = 8;
/** Rows whose largest number is below this are zeros: its inverse would overflow. */
const LEAST = 1e-30;

/**
 * One row as whole numbers, `round(from[p] · steps / max|from|)`, in fours: high parts, then low ones, or 16 bits each. Parameters, i32: from,
 * count (a multiple of 16), to, scaleTo, where `max|from| / steps` goes. A NaN makes the scale one.
 */
export function quantizeRow(
  m: ModuleBuilder,
  o: Way & { readonly constants: Constants; readonly steps: number },
): Func {
  const constant = (value: number): Code => v128.load32_splat(i32.const(0), o.constants.address(value));
  const word = (bits: number): Code => constant(new Float32Array(Uint32Array.of(bits).buffer)[0]!);
  return m.memo(`quantizeRow ${o.steps} ${o.split}`, () =>
    m.func({ params: i32s(4) }, (f, from, count, to, scaleTo) => {
      const most = each(4, () => f.local("v128"));
      const [largest, inverse, zero] = [most[0]!, f.local("v128"), f.local("v128")];
      const [at, end] = [f.local("i32"), f.local("i32")];
      // Of numbers without a sign the bits are ordered as they are, with infinity and then NaN above all.
      const more = (one: Local, other: Code): Code => one.set(i32x4.max_s(one.get, other));
      const swapped = (lanes: readonly [number, number, number, number]): Code =>
        i32x4.shuffle(largest.get, largest.get, lanes);
      const whole = (part: number): Code =>
        i32x4.sub(f32x4.add(f32x4.mul(v128.load(at.get, part), inverse.get), constant(ROUND)), zero.get);
      const pairs = [f.local("v128"), f.local("v128")];
      const parts = (make: (pair: Code) => Code): Code =>
        i8x16.narrow_i16x8_s(make(pairs[0]!.get), make(pairs[1]!.get));
      const [high, low] = [f.local("v128"), f.local("v128")];
      const stored = o.split
        ? [
            high.set(parts((pair) => i16x8.shr_u(pair, i32.const(LOW)))),
            low.set(parts((pair) => v128.and(pair, word(0x007f007f)))),
            storesOf([
              v128.store(to.get, i32x4.shuffle(high.get, low.get, [0, 4, 1, 5])),
              v128.store(to.get, i32x4.shuffle(high.get, low.get, [2, 6, 3, 7]), 16),
            ]),
          ]
        : storesOf(pairs.map((pair, k) => v128.store(to.get, pair.get, 16 * k)));
      return [
        most.map((one) => one.set(constant(0))),
        end.set(i32.add(from.get, i32.shl(count.get, i32.const(2)))),
        forRange(at, from.get, end.get, 64, [most.map((one, k) => more(one, f32x4.abs(v128.load(at.get, 16 * k))))]),
        more(most[0]!, most[1]!.get),
        more(most[2]!, most[3]!.get),
        more(largest, most[2]!.get),
        more(largest, swapped([2, 3, 0, 1])),
        more(largest, swapped([1, 0, 3, 2])),
        // What is no number passes on; what is next to nothing becomes nothing.
        largest.set(v128.andnot(largest.get, f32x4.lt(largest.get, constant(LEAST)))),
        f32.store(scaleTo.get, f32x4.extract_lane(f32x4.div(largest.get, constant(o.steps)), 0)),
        inverse.set(v128.and(f32x4.div(constant(o.steps), largest.get), f32x4.gt(largest.get, constant(0)))),
        zero.set(word(o.split ? ROUND_BITS - (1 << OFFSET) : ROUND_BITS)),
        forRange(at, from.get, end.get, 64, [
          pairs.map((pair, k) => pair.set(i16x8.narrow_i32x4_s(whole(32 * k), whole(32 * k + 16)))),
          stored,
          to.set(i32.add(to.get, i32.const(4 * FOUR))),
        ]),
      ];
    }),
  );
}

/** Of a panel, beside its weights: scales, biases, what the sums begin with. */
const COLUMNS = 192;
const [BIAS, BEGIN] = [64, 128];
/** Bytes for `quantizedColumns` of so many panels. */
export const columnsBytes = (panels: number): number => panels * COLUMNS;

/**
 * Brings together what `quantizedProduct` reads of its columns. Parameters, i32: panels, words (of a column, ⌈k / 4⌉), packed weights, scale,
 * bias (where there is one), to. What sums begin with is that of the split way, which alone reads it. Reads whole panels: what lies behind the
 * last scale and bias goes to columns that nobody looks at.
 */
export function quantizedColumns(m: ModuleBuilder, { bias: biased }: { readonly bias: boolean }): Func {
  return m.memo(`quantizedColumns ${biased}`, () =>
    m.func({ params: i32s(biased ? 6 : 5) }, (f, panels, words, weight, scale, ...more) => {
      const [to, bias] = [more.at(-1)!, biased ? more[0] : undefined];
      const [panel, word] = [f.local("i32"), f.local("i32")];
      const sums = each(4, () => f.local("v128"));
      const next = (p: Local, bytes: number): Code => p.set(i32.add(p.get, i32.const(bytes)));
      const total = (j: number): Code =>
        i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(v128.load(weight.get, 16 * j)));
      return forRange(panel, i32.const(0), panels.get, 1, [
        sums.map((sum) => sum.set(v128.const(0, 0, 0, 0))),
        forRange(word, i32.const(0), words.get, 1, [
          sums.map((sum, j) => sum.set(i32x4.add(sum.get, total(j)))),
          next(weight, PANEL_ROW),
        ]),
        sums.map((sum, j) => [
          v128.store(to.get, v128.load(scale.get, 16 * j), 16 * j),
          v128.store(to.get, bias ? v128.load(bias.get, 16 * j) : v128.const(0, 0, 0, 0), BIAS + 16 * j),
          v128.store(to.get, i32x4.neg(i32x4.shl(sum.get, i32.const(OFFSET))), BEGIN + 16 * j),
        ]),
        [next(scale, 64), bias ? next(bias, 64) : [], next(to, COLUMNS)],
      ]);
    }),
  );
}

/** Parts the pairs of packed weights, for the widened way, in their place. Parameters, i32: rows of panels (64 bytes each, at least one), weights. */
export function apartPairs(m: ModuleBuilder): Func {
  return m.memo("apartPairs", () =>
    m.func({ params: i32s(2) }, (f, rows, at) => {
      const words = each(4, () => f.local("v128"));
      const pairs = (part: number): readonly number[] => each(16, (byte) => 4 * (byte >> 1) + (byte & 1) + 2 * part);
      return doWhile(
        [
          words.map((word, j) => word.set(v128.load(at.get, 16 * j))),
          each(4, (j) => {
            const [left, right] = [words[2 * (j & 1)]!, words[2 * (j & 1) + 1]!];
            return v128.store(at.get, i8x16.shuffle(left.get, right.get, pairs(j >> 1)), 16 * j);
          }),
          at.set(i32.add(at.get, i32.const(PANEL_ROW))),
          rows.set(i32.sub(rows.get, i32.const(1))),
        ],
        rows.get,
      );
    }),
  );
}

/**
 * `c[0 … 15] = Σ a(p) b(p) · aScale · scale + bias` of one row for `panels` panels. Parameters, i32: words (⌈k / 4⌉), a, b, aScale,
 * columns, c, apart (how many panels from one to the next), zeros (64 bytes: sums begin with a load, which engines join to wider ones).
 */
function tile(m: ModuleBuilder, panels: number, { split }: Way): Func {
  return m.memo(`quantizedTile ${panels} ${split}`, () =>
    m.func({ params: i32s(8) }, (f, words, a, b, aScale, columns, c, apart, zeros) => {
      /** Of each panel, for each four of its columns: of high and of low parts, or one. */
      const sums = each(panels, () => each(4, () => each(split ? 2 : 1, () => f.local("v128"))));
      const weights = each(panels, (panel) => (panel === 0 ? b : f.local("i32")));
      const [high, low, w] = [f.local("v128"), f.local("v128"), f.local("v128")];
      const panelBytes = i32.mul(i32.shl(words.get, i32.const(6)), apart.get);
      const dot = (sum: Local, part: Local): Code =>
        sum.set(i32x4.relaxed_dot_i8x16_i7x16_add_s(w.get, part.get, sum.get));
      const pair = (at: Code, from: number, x: Local, sum: Local): Code =>
        sum.set(i32x4.add(sum.get, i32x4.dot_i16x8_s(v128.load8x8_s(at, from), x.get)));
      /** What four k add to the sums of a panel: products with both parts, or with the first and with the second pair. */
      const step = (skip: number, panel: number): Code => {
        const [at, from, own] = [weights[panel]!.get, PANEL_ROW * skip, sums[panel]!];
        if (!split)
          return [high, low].map((x, half) => own.map(([sum], j) => pair(at, from + 32 * half + 8 * j, x, sum!)));
        return own.map(([first, second], j) => [
          w.set(v128.load(at, from + 16 * j)),
          [dot(first!, high), dot(second!, low)],
        ]);
      };
      const whole = ([first, second]: readonly Local[]): Code =>
        second ? i32x4.add(i32x4.shl(first!.get, i32.const(LOW)), second.get) : first!.get;
      const onward = (pointer: Local, bytes: number, panel: number): Code =>
        panel === 0 ? [] : pointer.set(i32.add(pointer.get, i32.mul(apart.get, i32.const(bytes))));
      return [
        weights.slice(1).map((p, panel) => p.set(i32.add(weights[panel]!.get, panelBytes))),
        sums.map((own, panel) => [
          onward(columns, COLUMNS, panel),
          own.map(([first], j) => first!.set(v128.load(zeros.get, 16 * j))),
          own.map(([, second], j) => second?.set(v128.load(columns.get, BEGIN + 16 * j)) ?? []),
        ]),
        columns.set(i32.sub(columns.get, i32.mul(apart.get, i32.const((panels - 1) * COLUMNS)))),
        unrolled(m, words, (count) => [
          each(count, (skip) => [
            high.set(v128.load32_splat(a.get, FOUR * skip)),
            low.set(v128.load32_splat(a.get, FOUR * skip + 4)),
            each(panels, (panel) => step(skip, panel)),
          ]),
          weights.map((p) => p.set(i32.add(p.get, i32.const(PANEL_ROW * count)))),
          a.set(i32.add(a.get, i32.const(FOUR * count))),
        ]),
        // One broadcast for all columns: engines join what has the very same operand.
        high.set(v128.load32_splat(aScale.get)),
        // All values before all stores: a load between two stores keeps engines from joining them.
        sums.map((own, panel) => [
          onward(columns, COLUMNS, panel),
          own.map((parts, j) => {
            const scaled = f32x4.mul(f32x4.convert_i32x4_s(whole(parts)), high.get);
            const value = f32x4.mul(scaled, v128.load(columns.get, 16 * j));
            return parts[0]!.set(f32x4.add(value, v128.load(columns.get, BIAS + 16 * j)));
          }),
        ]),
        sums.map((own, panel) => [
          onward(c, 64, panel),
          storesOf(own.map(([sum], j) => v128.store(c.get, sum!.get, 16 * j))),
        ]),
      ];
    }),
  );
}

/** Panels that a row is multiplied with at a time: as many as their sums find registers. */
const together = ({ wide }: ModuleBuilder, { split }: Way): number => (!wide ? 1 : split ? 2 : 4);

/**
 * The whole product: some panels at a time, for all rows one after the other. Panels that are worked on together lie far apart, so that each is one
 * stream of memory (`fewRows`). Parameters, i32: rows, panels, words, a, aStride, b, aScales, columns, c, cStride, zeros.
 */
export function quantizedProduct(m: ModuleBuilder, way: Way & { readonly turns?: boolean }): Func {
  const { turns = false } = way;
  return m.memo(`quantizedProduct ${way.split} ${turns}`, () =>
    m.func({ params: i32s(11) }, (f, rows, panels, words, a, aStride, b, aScales, columns, c, cStride, zeros) => {
      const [row, part] = [f.local("i32"), f.local("i32")];
      const count = together(m, way);
      const panelBytes = i32.shl(words.get, i32.const(6));
      const call = (width: number, panel: Local): Code =>
        forRange(row, i32.const(0), rows.get, 1, [
          tile(m, width, way).call(
            ...[words.get, offset(a.get, row.get, aStride.get), offset(b.get, panel.get, panelBytes)],
            i32.add(aScales.get, i32.shl(row.get, i32.const(2))),
            offset(columns.get, panel.get, i32.const(COLUMNS)),
            i32.add(offset(c.get, row.get, cStride.get), i32.shl(panel.get, i32.const(6))),
            ...[part.get, zeros.get],
          ),
        ]);
      const over = (from: Code, to: Code, width: number): Code =>
        sweep(m, f, { from, to, turns }, ({ panel }) => call(width, panel));
      return [
        part.set(i32.div_u(panels.get, i32.const(count))),
        over(i32.const(0), part.get, count),
        count === 1 ? [] : over(i32.mul(part.get, i32.const(count)), panels.get, 1),
      ];
    }),
  );
}
