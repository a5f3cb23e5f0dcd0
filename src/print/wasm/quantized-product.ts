import type { Func, ModuleBuilder } from "./assembler.ts";
import type { Code, ValueType } from "./code.ts";
import { doWhile, forRange, type Local } from "./control.ts";
import { f32, f32x4, i16x8, i32, i32x4, v128 } from "./instructions.ts";
import { offset } from "./product.ts";
import type { Constants } from "./vectors.ts";

/*
 * Products with weights of 8 bits. Columns of the result come in panels of 16; a panel holds the weights of two neighbouring k for its 16
 * columns, [k / 2][16][2] bytes, so that one `dot_i16x8_s` adds two products to each of four sums of 32 bits. The left operand is
 * rounded to 16 bits with a scale of its own for each row.
 */

const i32s = (count: number): ValueType[] => new Array<ValueType>(count).fill("i32");
/** Added to a small number, leaves its nearest whole number in the lowest bits. */
const ROUND = 12582912;
const PANEL_ROW = 32;
/** Rows whose largest number is below this are zeros: its inverse would overflow. */
const LEAST = 1e-30;

/**
 * One row as numbers of 16 bits: `to[p] = round(from[p] · steps / max|from|)`. Parameters, i32: from, count (a multiple of 8), to,
 * scaleTo, where `max|from| / steps` goes. A NaN makes the scale one.
 */
export function quantizeRow(m: ModuleBuilder, o: { readonly constants: Constants; readonly steps: number }): Func {
  const constant = (value: number): Code => v128.load32_splat(i32.const(0), o.constants.address(value));
  return m.memo(`quantizeRow ${o.steps}`, () =>
    m.func({ params: i32s(4) }, (f, from, count, to, scaleTo) => {
      const [largest, inverse, bits] = [f.local("v128"), f.local("v128"), f.local("v128")];
      const [at, end] = [f.local("i32"), f.local("i32")];
      const most = (lanes: readonly [number, number, number, number]): Code =>
        largest.set(f32x4.max(largest.get, i32x4.shuffle(largest.get, largest.get, lanes)));
      const whole = (at: Code, part: number): Code =>
        i32x4.sub(f32x4.add(f32x4.mul(v128.load(at, part), inverse.get), constant(ROUND)), bits.get);
      return [
        largest.set(constant(0)),
        end.set(i32.add(from.get, i32.shl(count.get, i32.const(2)))),
        forRange(at, from.get, end.get, 16, largest.set(f32x4.max(largest.get, f32x4.abs(v128.load(at.get))))),
        most([2, 3, 2, 3]),
        most([1, 1, 1, 1]),
        largest.set(i32x4.shuffle(largest.get, largest.get, [0, 0, 0, 0])),
        // What is no number passes on; what is next to nothing becomes nothing.
        largest.set(v128.andnot(largest.get, f32x4.lt(largest.get, constant(LEAST)))),
        f32.store(scaleTo.get, f32x4.extract_lane(f32x4.div(largest.get, constant(o.steps)), 0)),
        inverse.set(v128.and(f32x4.div(constant(o.steps), largest.get), f32x4.gt(largest.get, constant(0)))),
        bits.set(constant(ROUND)),
        forRange(at, from.get, end.get, 32, [
          v128.store(to.get, i16x8.narrow_i32x4_s(whole(at.get, 0), whole(at.get, 16))),
          to.set(i32.add(to.get, i32.const(16))),
        ]),
      ];
    }),
  );
}

/**
 * `c[i][0 … 15] = Σ a(i, p) b(p) · aScale(i) · scale + bias` for `rows` rows and `panels` panels of columns, as many as the sums of 32 bits find
 * registers for. Parameters, i32: pairs (k / 2, at least 1), a, aStride, b, bPanel, aScale, scale, bias, c, cStride, zeros (64 bytes:
 * sums begin with a load, which engines join to wider ones), apart (bytes from one panel to the next of scale, bias and c).
 */
function tile(m: ModuleBuilder, rows: number, panels: number): Func {
  return m.memo(`quantizedTile ${rows} ${panels}`, () =>
    m.func({ params: i32s(12) }, (f, pairs, a, aStride, b, bPanel, aScale, scale, bias, c, cStride, zeros, apart) => {
      const each = <T>(count: number, make: (k: number) => T): T[] => Array.from({ length: count }, (_, k) => make(k));
      const sums = each(rows, () => each(panels * 4, () => f.local("v128")));
      const pair = each(rows, () => f.local("v128"));
      const left = each(rows, (row) => (row === 0 ? a : f.local("i32")));
      const right = each(panels, (panel) => (panel === 0 ? b : f.local("i32")));
      const w = f.local("v128");
      const move = (p: Local, by: number): Code => p.set(i32.add(p.get, i32.const(by)));
      const times = (row: number, sum: Local): Code =>
        sum.set(i32x4.add(sum.get, i32x4.dot_i16x8_s(w.get, pair[row]!.get)));
      const single = (panel: number, j: number): Code => [
        w.set(v128.load8x8_s(right[panel]!.get, 8 * j)),
        each(rows, (row) => times(row, sums[row]![4 * panel + j]!)),
      ];
      const value = (row: number, panel: number, j: number): Code => {
        const sum = sums[row]![4 * panel + j]!;
        const scaled = f32x4.mul(f32x4.convert_i32x4_s(sum.get), pair[row]!.get);
        return sum.set(f32x4.add(f32x4.mul(scaled, v128.load(scale.get, 16 * j)), v128.load(bias.get, 16 * j)));
      };
      const onward = (panel: number, ...pointers: Local[]): Code =>
        panel < panels - 1 ? pointers.map((p) => p.set(i32.add(p.get, apart.get))) : [];
      return [
        sums.map((row) => row.map((sum, j) => sum.set(v128.load(zeros.get, 16 * (j % 4))))),
        left.slice(1).map((p, row) => p.set(i32.add(left[row]!.get, aStride.get))),
        right.slice(1).map((p, panel) => p.set(i32.add(right[panel]!.get, bPanel.get))),
        doWhile(
          [
            pair.map((x, row) => [x.set(v128.load32_splat(left[row]!.get)), move(left[row]!, 4)]),
            each(panels, (panel) => [each(4, (j) => single(panel, j)), move(right[panel]!, PANEL_ROW)]),
            pairs.set(i32.sub(pairs.get, i32.const(1))),
          ],
          pairs.get,
        ),
        // One broadcast for all columns of a row: engines join what has the very same operand.
        pair.map((x, row) => x.set(v128.load32_splat(aScale.get, 4 * row))),
        // All values before all stores: a load between two stores keeps engines from joining them.
        each(panels, (panel) => [
          each(rows, (row) => each(4, (j) => value(row, panel, j))),
          onward(panel, scale, bias),
        ]),
        each(rows, (row) => [
          each(panels, (panel) => [
            each(4, (j) => v128.store(c.get, sums[row]![4 * panel + j]!.get, 16 * j)),
            onward(panel, c),
          ]),
          row < rows - 1 ? c.set(i32.add(c.get, cStride.get)) : [],
        ]),
      ];
    }),
  );
}

/** Panels that a single row is multiplied with at a time. */
const TOGETHER = 4;

/**
 * The whole product: rows by fours against one panel, single rows against four panels, which lie a quarter of all apart, so that each is
 * one stream of memory (`rowProduct`). Parameters, i32: rows, panels, pairs, a, aStride, b, bPanel, aScales, scale, bias, c, cStride, zeros.
 */
export function quantizedProduct(m: ModuleBuilder): Func {
  return m.memo("quantizedProduct", () =>
    m.func(
      { params: i32s(13) },
      (f, rows, panels, pairs, a, aStride, b, bPanel, aScales, scale, bias, c, cStride, zeros) => {
        const [row, panel, quarter] = [f.local("i32"), f.local("i32"), f.local("i32")];
        const column = i32.shl(panel.get, i32.const(6));
        /** Several panels are `quarter` apart; only a single row has several. */
        const call = (height: number, width: number): Code =>
          tile(m, height, width).call(
            ...[pairs.get, offset(a.get, row.get, aStride.get), aStride.get, offset(b.get, panel.get, bPanel.get)],
            ...[i32.mul(bPanel.get, quarter.get), i32.add(aScales.get, i32.shl(row.get, i32.const(2)))],
            ...[i32.add(scale.get, column), i32.add(bias.get, column)],
            ...[i32.add(offset(c.get, row.get, cStride.get), column), cStride.get, zeros.get],
            i32.shl(quarter.get, i32.const(6)),
          );
        const fours = i32.and(rows.get, i32.const(-4));
        const rest = i32.mul(quarter.get, i32.const(TOGETHER));
        return [
          quarter.set(i32.div_u(panels.get, i32.const(TOGETHER))),
          forRange(row, i32.const(0), fours, 4, forRange(panel, i32.const(0), panels.get, 1, call(4, 1))),
          forRange(row, fours, rows.get, 1, [
            forRange(panel, i32.const(0), quarter.get, 1, call(1, TOGETHER)),
            forRange(panel, rest, panels.get, 1, call(1, 1)),
          ]),
        ];
      },
    ),
  );
}

/**
 * Packs weights [n, ⌈k / 4⌉ words] into panels. Parameters, i32: from, wordsOfRow, n, pairs, to; columns past n and an odd last k are 0.
 * Byte by byte: it is done once.
 */
export function packQuantized(m: ModuleBuilder): Func {
  return m.memo("packQuantized", () =>
    m.func({ params: i32s(5) }, (f, from, words, n, pairs, to) => {
      const [column, p, source] = [f.local("i32"), f.local("i32"), f.local("i32")];
      const panel = i32.mul(i32.shr_u(column.get, i32.const(4)), i32.mul(pairs.get, i32.const(PANEL_ROW)));
      const place = f.local("i32");
      return forRange(column, i32.const(0), n.get, 1, [
        source.set(offset(from.get, i32.mul(column.get, words.get), i32.const(4))),
        place.set(i32.add(i32.add(to.get, panel), i32.shl(i32.and(column.get, i32.const(15)), i32.const(1)))),
        forRange(p, i32.const(0), pairs.get, 1, [
          copyByte(place, 0, source, 0),
          copyByte(place, 1, source, 1),
          source.set(i32.add(source.get, i32.const(2))),
          place.set(i32.add(place.get, i32.const(PANEL_ROW))),
        ]),
      ]);
    }),
  );
}

const copyByte = (to: Local, toOffset: number, from: Local, fromOffset: number): Code =>
  i32.store8(to.get, i32.load8_u(from.get, fromOffset), toOffset);
