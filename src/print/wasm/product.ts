import type { Func, ModuleBuilder } from "./assembler.ts";
import type { Code, ValueType } from "./code.ts";
import type { Local } from "./control.ts";
import { doWhile, drop, if_, select } from "./control.ts";
import { f32x4, i32, v128 } from "./instructions.ts";
import { unrolled, unrolledPanels } from "./unroll.ts";
import { storesOf } from "./vectors.ts";

/** How the left operand of a product lies: where element (i, p), of row i and column p, is. All in bytes. */
export type Layout =
  /** Elements of a row are neighbours: `a + i · stride + p · 4`. */
  | "rows"
  /** Panels of 16 columns, rows contiguous: `a + (p >> 4) · stride + i · 64 + (p & 15) · 4`; k is a multiple of 16. */
  | "panels"
  /** Tiles of `tileHeight` rows, one behind the other, each [k][tileHeight] (`packTiles`); the stride is four times the height. */
  | "tiles";

/**
 * Matrix products over one panel: 16 neighbouring columns of `b`, stored as [k][16].
 *
 * A tile of some rows × 8 columns of the result (16 where two vectors become one register) stays in registers over the whole length k:
 * twelve sums, two vectors of `b`, one number of `a` fit the sixteen registers. Every element is one running sum over p = 0, 1, …, k − 1, so
 * its bits do not depend on which tile it was in, nor on how many rows there are.
 */
export interface ProductOptions {
  readonly layout: Layout;
  /** The rows of `b` lie from the last to the first: `b` points to the one that comes first in the sums. */
  readonly descending?: boolean;
  readonly fused: boolean;
  /** All of what `b` is a panel of is so large that the next panel should be on its way while one is multiplied (`isFar`). */
  readonly far?: boolean;
  /** Largest number of rows of a tile, for measurements; `tiles` have those that they are packed with. */
  readonly tileRows?: number;
  /** Rows of every call, where that is known: only the tiles that they take are printed. */
  readonly rows?: number;
}

/** Bytes from which on a matrix that is gone through again and again is better fetched ahead. */
const FAR = 512 * 1024;

/**
 * Whether panels of a matrix of so many bytes are to be fetched ahead. The first tile of a panel reads `b` as fast as it multiplies, a line
 * every six cycles, which only the first cache keeps up with. So all tiles of a panel together fetch the next one, by loads of words that
 * nobody waits for. Measured in whole steps: sequence-512 0.86 of the time without, ptb-medium 0.9, char-lstm 0.95; with 64 KB (sequence-64)
 * it would be 1.03. Narrow tiles take twice as long and need it less.
 */
export const isFar = (m: ModuleBuilder, bytes: number): boolean => m.wide && bytes > FAR;

/**
 * Rows of a full tile: six, twelve sums, are the fastest or within 3 % of it for every shape of the benchmark. Narrow tiles that round twice
 * need one register more for the product, and with panels on the left those of more than four rows spill on Node 20.
 */
export function tileHeight(
  { wide }: ModuleBuilder,
  { layout, fused }: Pick<ProductOptions, "layout" | "fused">,
): number {
  if (wide) return 6;
  return layout === "panels" ? 4 : fused ? 6 : 5;
}

/** Heights of the tiles that so many rows are split into, the larger first. */
function heightsOf(rows: number, most: number): number[] {
  const even = rows / Math.ceil(rows / most);
  return [...new Set([Math.ceil(even), Math.floor(even)])];
}

const i32s = (count: number): ValueType[] => new Array<ValueType>(count).fill("i32");
const ROW = 64;
const HALF = 32;
/** Steps of a sum from one fetch of the next panel to the next one. */
const FETCH = 2;

/**
 * `c[i][0 … 15] = init[i][0 … 15] + Σ_p a(i, p) · b[p][0 … 15]` for `rows` rows.
 *
 * Parameters, all i32, addresses and strides in bytes: `rows, k, a, strideA, b, init, initStride, c, cStride`, and if `b` is `far`
 * `ahead`: where k · 64 bytes lie that the next product has for its `b` (`b` itself where nobody knows). `a` and its stride are as `Layout`
 * says. `init` may be `c` (accumulate), one row with stride 0 (a bias, zeros), or any other matrix that does not lie over `c` in another way.
 */
export function panelRows(m: ModuleBuilder, options: ProductOptions): Func {
  const { layout, fused, descending = false, far = false } = options;
  const tileRows = options.tileRows ?? tileHeight(m, options);
  const heights = options.rows
    ? heightsOf(options.rows, tileRows)
    : Array.from({ length: tileRows }, (_, k) => tileRows - k);
  return m.memo(`panelRows ${layout} ${fused} ${tileRows} ${descending} ${far} ${heights}`, () =>
    m.func({ params: i32s(far ? 10 : 9) }, (f, rows, k, a, strideA, b, init, initStride, c, cStride, ahead) => {
      const [tiles, height, larger, pace] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("i32")];
      const call = (count: number, half: number): Code =>
        tile(m, count, options).call(
          ...[k.get, a.get, strideA.get, i32.add(b.get, i32.const(half))],
          ...[i32.add(init.get, i32.const(half)), initStride.get, i32.add(c.get, i32.const(half)), cStride.get],
          ...(far ? [ahead!.get, pace.get] : []),
        );
      const dispatch = ([count, ...smaller]: readonly number[]): Code => {
        const both = m.wide ? call(count!, 0) : [call(count!, 0), call(count!, HALF)];
        return smaller.length === 0 ? both : if_(i32.eq(height.get, i32.const(count!)), both, dispatch(smaller));
      };
      const advance = (pointer: Local, stride: Code): Code =>
        pointer.set(i32.add(pointer.get, i32.mul(height.get, stride)));
      const nextTile = {
        rows: () => advance(a, strideA.get),
        panels: () => advance(a, i32.const(ROW)),
        tiles: () => a.set(i32.add(a.get, i32.mul(k.get, strideA.get))),
      };
      // Rows are split evenly: `tiles` tiles of `rows / tiles` rows, the first `larger` of them one row more.
      return if_(rows.get, [
        tiles.set(i32.div_u(i32.add(rows.get, i32.const(tileRows - 1)), i32.const(tileRows))),
        larger.set(i32.rem_u(rows.get, tiles.get)),
        // Rounded down: nothing behind the next panel is read.
        far ? pace.set(i32.div_u(i32.const(FETCH * ROW), tiles.get)) : [],
        doWhile(
          [
            height.set(i32.add(i32.div_u(rows.get, tiles.get), i32.ne(larger.get, i32.const(0)))),
            if_(larger.get, larger.set(i32.sub(larger.get, i32.const(1)))),
            dispatch(heights),
            nextTile[layout](),
            advance(init, initStride.get),
            advance(c, cStride.get),
            far ? ahead!.set(i32.add(ahead!.get, i32.mul(pace.get, i32.div_u(k.get, i32.const(FETCH))))) : [],
            rows.set(i32.sub(rows.get, height.get)),
            tiles.set(i32.sub(tiles.get, i32.const(1))),
          ],
          tiles.get,
        ),
      ]);
    }),
  );
}

/**
 * `rows` rows × 8 columns (16 when wide); parameters as `panelRows` without the first; behind `ahead` the bytes from one fetch to the next.
 */
function tile(
  m: ModuleBuilder,
  rows: number,
  { layout, fused, descending = false, far = false }: ProductOptions,
): Func {
  return m.memo(`tile ${rows} ${layout} ${fused} ${descending} ${far}`, () =>
    m.func({ params: i32s(far ? 10 : 8) }, (f, k, a, strideA, b, init, initStride, c, cStride, ahead, pace) => {
      const each = <T>(make: (row: number) => T): T[] => Array.from({ length: rows }, (_, row) => make(row));
      const vectors = m.wide ? [0, 1, 2, 3] : [0, 1];
      const sums = each(() => vectors.map(() => f.local("v128")));
      const columns = vectors.map(() => f.local("v128"));
      const x = f.local("v128");
      const mac = (sum: Local, column: Local): Code =>
        sum.set(
          fused ? f32x4.relaxed_madd(x.get, column.get, sum.get) : f32x4.add(sum.get, f32x4.mul(x.get, column.get)),
        );
      // From row to row, and from step to step. Where rows are a constant apart one pointer serves all of them.
      const [apart, along] = {
        rows: [undefined, 4],
        panels: [ROW, 4],
        tiles: [4, 4 * tileHeight(m, { layout, fused })],
      }[layout] as [number | undefined, number];
      const at = each((row) => (row === 0 || apart !== undefined ? a : f.local("i32")));
      const move = (by: Code): Code => [...new Set(at)].map((p) => p.set(i32.add(p.get, by)));
      const moveB = (rows: number): Code => b.set(i32.add(b.get, i32.const(ROW * rows)));
      /** The step `skip` steps behind the pointer of `a`, with row `row` behind that of `b`. */
      const add = (skip: number, row: number): Code => [
        columns.map((column, j) => column.set(v128.load(b.get, ROW * row + 16 * j))),
        each((row) => [
          x.set(v128.load32_splat(at[row]!.get, (apart ?? 0) * row + along * skip)),
          sums[row]!.map((sum, j) => mac(sum, columns[j]!)),
        ]),
      ];
      const fetch = far ? [drop(i32.load(ahead!.get)), ahead!.set(i32.add(ahead!.get, pace!.get))] : [];
      /** So many steps, and the pointers moved past them. */
      const steps = (count: number): Code => [
        descending ? moveB(1 - count) : [],
        Array.from({ length: count }, (_, skip) => [
          skip % FETCH === 1 ? fetch : [],
          add(skip, descending ? count - 1 - skip : skip),
        ]),
        moveB(descending ? -1 : count),
        move(i32.const(along * count)),
      ];
      const rowOf = (pointer: Local, stride: Code, row: number): Code =>
        row === 0 ? [] : pointer.set(i32.add(pointer.get, stride));
      return [
        each((row) => [rowOf(init, initStride.get, row), sums[row]!.map((s, j) => s.set(v128.load(init.get, 16 * j)))]),
        apart === undefined ? at.slice(1).map((p, row) => p.set(i32.add(at[row]!.get, strideA.get))) : [],
        layout === "panels" ? unrolledPanels(m, f, { k, a, strideA }, steps) : unrolled(m, k, steps),
        each((row) => [
          rowOf(c, cStride.get, row),
          storesOf(sums[row]!.map((s, j) => v128.store(c.get, s.get, 16 * j))),
        ]),
      ];
    }),
  );
}

/** Address arithmetic that reads better: `base + index · bytes`. */
export const offset = (base: Code, index: Code, bytes: Code): Code => i32.add(base, i32.mul(index, bytes));

/** The panel after `panel`, or `panel` if there are no more than `panels`. */
export const nextOf = (panel: Local, panels: Code): Code => {
  const next = i32.add(panel.get, i32.const(1));
  return select(next, panel.get, i32.lt_u(next, panels));
};
