import type { Func, ModuleBuilder } from "./assembler.ts";
import type { Code, ValueType } from "./code.ts";
import type { Local } from "./control.ts";
import { doWhile, if_ } from "./control.ts";
import { f32x4, i32, v128 } from "./instructions.ts";

/**
 * Matrix products over one panel: 16 neighbouring columns of `b`, stored as [k][16].
 *
 * A tile of up to 5 rows × 8 columns of the result stays in registers over the whole length k: ten sums, two vectors of
 * `b`, one number of `a` fit the sixteen registers of 128 bits. Every element is one running sum over p = 0, 1, …, k − 1, so its bits
 * do not depend on which tile it was in, nor on how many rows there are.
 *
 * Measured (one Zen 4 core, Node 20, GFLOP/s of at most 59): fused 3×8 46, 4×8 54, 5×8 59, but 36 when `blocked` (it spills), where
 * 4×8 has 54; without fusing 43, 45, 46 and 36, 46. 6×16 needs the 256-bit registers that only newer engines join from pairs.
 */
export interface ProductOptions {
  /**
   * `a` lies in panels of 16 columns, rows contiguous: element (i, p) at `a + (p >> 4) · panelStride + i · 64 + (p & 15) · 4`,
   * with the panel stride in the place of `columnStrideA` and k a multiple of 16.
   */
  readonly blocked: boolean;
  /**
   * `a` lies in tiles of `tileHeight` rows, one behind the other, each [k][tileHeight] (`packTiles`): the row stride is 4, the column stride
   * four times the height. Only where not blocked.
   */
  readonly tiled?: boolean;
  /** The rows of `b` lie from the last to the first: `b` points to the one that comes first in the sums. Only where not blocked. */
  readonly descending?: boolean;
  readonly fused: boolean;
  /** Largest number of rows of a tile, for measurements. */
  readonly tileRows?: number;
  /** Rows of every call, where that is known: only the tiles that they take are printed. */
  readonly rows?: number;
}

/** Rows of a full tile: six where registers have 256 bits; the blocked kernel with five would spill. */
export const tileHeight = (wide: boolean, blocked = false): number => (wide ? 6 : blocked ? 4 : 5);

/** Heights of the tiles that so many rows are split into, the larger first. */
function heightsOf(rows: number, most: number): number[] {
  const even = rows / Math.ceil(rows / most);
  return [...new Set([Math.ceil(even), Math.floor(even)])];
}

const i32s = (count: number): ValueType[] => new Array<ValueType>(count).fill("i32");
const ROW = 64;
const HALF = 32;

/**
 * `c[i][0 … 15] = init[i][0 … 15] + Σ_p a(i, p) · b[p][0 … 15]` for `rows` rows.
 *
 * Parameters, all i32, addresses and strides in bytes: `rows, k, a, rowStrideA, columnStrideA, b, init, initStride, c, cStride`;
 * element (i, p) of `a` at `a + i · rowStrideA + p · columnStrideA`. `init` may be `c` (accumulate), one row with stride 0
 * (a bias, zeros), or any other matrix that does not lie over `c` in another way.
 */
export function panelRows(m: ModuleBuilder, options: ProductOptions): Func {
  const { blocked, fused, tiled = false, descending = false } = options;
  const tileRows = options.tileRows ?? tileHeight(m.wide, blocked);
  const heights = options.rows
    ? heightsOf(options.rows, tileRows)
    : Array.from({ length: tileRows }, (_, k) => tileRows - k);
  return m.memo(`panelRows ${blocked} ${fused} ${tileRows} ${tiled} ${descending} ${heights}`, () =>
    m.func({ params: i32s(10) }, (f, rows, k, a, rowStrideA, columnStrideA, b, init, initStride, c, cStride) => {
      const [tiles, height, larger] = [f.local("i32"), f.local("i32"), f.local("i32")];
      const call = (count: number, half: number): Code =>
        tile(m, count, options).call(
          ...[k.get, a.get, rowStrideA.get, columnStrideA.get, i32.add(b.get, i32.const(half))],
          ...[i32.add(init.get, i32.const(half)), initStride.get, i32.add(c.get, i32.const(half)), cStride.get],
        );
      const dispatch = ([count, ...smaller]: readonly number[]): Code => {
        const both = m.wide ? call(count!, 0) : [call(count!, 0), call(count!, HALF)];
        return smaller.length === 0 ? both : if_(i32.eq(height.get, i32.const(count!)), both, dispatch(smaller));
      };
      const advance = (pointer: Local, stride: Code): Code =>
        pointer.set(i32.add(pointer.get, i32.mul(height.get, stride)));
      // Rows are split evenly: `tiles` tiles of `rows / tiles` rows, the first `larger` of them one row more.
      return if_(rows.get, [
        tiles.set(i32.div_u(i32.add(rows.get, i32.const(tileRows - 1)), i32.const(tileRows))),
        larger.set(i32.rem_u(rows.get, tiles.get)),
        doWhile(
          [
            height.set(i32.add(i32.div_u(rows.get, tiles.get), i32.ne(larger.get, i32.const(0)))),
            if_(larger.get, larger.set(i32.sub(larger.get, i32.const(1)))),
            dispatch(heights),
            tiled
              ? a.set(i32.add(a.get, i32.mul(k.get, columnStrideA.get)))
              : advance(a, blocked ? i32.const(ROW) : rowStrideA.get),
            advance(init, initStride.get),
            advance(c, cStride.get),
            rows.set(i32.sub(rows.get, height.get)),
            tiles.set(i32.sub(tiles.get, i32.const(1))),
          ],
          tiles.get,
        ),
      ]);
    }),
  );
}

/** `rows` rows × 8 columns (16 when wide); parameters as `panelRows` without the first. */
function tile(
  m: ModuleBuilder,
  rows: number,
  { blocked, fused, tiled = false, descending = false }: ProductOptions,
): Func {
  return m.memo(`tile ${rows} ${blocked} ${fused} ${tiled} ${descending}`, () =>
    m.func({ params: i32s(9) }, (f, k, a, rowStrideA, columnStrideA, b, init, initStride, c, cStride) => {
      const each = <T>(make: (row: number) => T): T[] => Array.from({ length: rows }, (_, row) => make(row));
      const vectors = m.wide ? [0, 1, 2, 3] : [0, 1];
      const sums = each(() => vectors.map(() => f.local("v128")));
      const columns = vectors.map(() => f.local("v128"));
      const x = f.local("v128");
      // The rows of a tile that was packed are neighbours: one pointer serves all.
      const at = tiled ? [a] : each((row) => (row === 0 ? a : f.local("i32")));
      const element = (row: number): Code =>
        tiled ? v128.load32_splat(a.get, 4 * row) : v128.load32_splat(at[row]!.get);
      const mac = (sum: Local, column: Local): Code =>
        sum.set(
          fused ? f32x4.relaxed_madd(x.get, column.get, sum.get) : f32x4.add(sum.get, f32x4.mul(x.get, column.get)),
        );
      const step: Code = [
        columns.map((column, j) => column.set(v128.load(b.get, 16 * j))),
        each((row) => [x.set(element(row)), sums[row]!.map((sum, j) => mac(sum, columns[j]!))]),
        b.set(i32.add(b.get, i32.const(descending ? -ROW : ROW))),
      ];
      const move = (by: Code): Code => at.map((p) => p.set(i32.add(p.get, by)));
      const end = f.local("i32");
      // A loop inside a loop: choosing the address of each element without one costs 15 %.
      const panels = doWhile(
        [
          end.set(i32.add(a.get, i32.const(ROW))),
          doWhile([step, move(i32.const(4))], i32.ne(a.get, end.get)),
          move(i32.sub(columnStrideA.get, i32.const(ROW))),
          k.set(i32.sub(k.get, i32.const(16))),
        ],
        k.get,
      );
      const strided = doWhile([step, move(columnStrideA.get), k.set(i32.sub(k.get, i32.const(1)))], k.get);
      const rowOf = (pointer: Local, stride: Code, row: number): Code =>
        row === 0 ? [] : pointer.set(i32.add(pointer.get, stride));
      return [
        each((row) => [rowOf(init, initStride.get, row), sums[row]!.map((s, j) => s.set(v128.load(init.get, 16 * j)))]),
        at.slice(1).map((p, row) => p.set(i32.add(at[row]!.get, blocked ? i32.const(ROW) : rowStrideA.get))),
        if_(k.get, blocked ? panels : strided),
        each((row) => [rowOf(c, cStride.get, row), sums[row]!.map((s, j) => v128.store(c.get, s.get, 16 * j))]),
      ];
    }),
  );
}

/** Address arithmetic that reads better: `base + index · bytes`. */
export const offset = (base: Code, index: Code, bytes: Code): Code => i32.add(base, i32.mul(index, bytes));
