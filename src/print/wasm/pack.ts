import type { Func, FunctionBuilder, ModuleBuilder } from "./assembler.ts";
import type { Code, ValueType } from "./code.ts";
import type { Local } from "./control.ts";
import { doWhile, forRange, if_, select } from "./control.ts";
import { f32, i32, i32x4, i64, v128 } from "./instructions.ts";
import { offset } from "./product.ts";

const i32s = (count: number): ValueType[] => new Array<ValueType>(count).fill("i32");
const four = i32.const(4);

/** Four rows of four numbers at `source` become four columns at `to`; strides in bytes. */
function transposeFour(f: FunctionBuilder): (source: Code, stride: Code, to: Code, toStride: Code) => Code {
  const [from, into] = [f.local("i32"), f.local("i32")];
  const rows = [0, 1, 2, 3].map(() => f.local("v128"));
  const mixed = [0, 1, 2, 3].map(() => f.local("v128"));
  const mix = (a: number, b: number, lanes: [number, number, number, number]): Code =>
    i32x4.shuffle(rows[a]!.get, rows[b]!.get, lanes);
  const low: [number, number, number, number] = [0, 1, 4, 5];
  const high: [number, number, number, number] = [2, 3, 6, 7];
  const result = [
    i32x4.shuffle(mixed[0]!.get, mixed[2]!.get, low),
    i32x4.shuffle(mixed[0]!.get, mixed[2]!.get, high),
    i32x4.shuffle(mixed[1]!.get, mixed[3]!.get, low),
    i32x4.shuffle(mixed[1]!.get, mixed[3]!.get, high),
  ];
  const advance = (p: Local, by: Code): Code => p.set(i32.add(p.get, by));
  return (source, stride, to, toStride) => [
    from.set(source),
    into.set(to),
    rows.map((row, k) => [row.set(v128.load(from.get)), k < 3 ? advance(from, stride) : []]),
    mixed[0]!.set(mix(0, 1, [0, 4, 1, 5])),
    mixed[1]!.set(mix(0, 1, [2, 6, 3, 7])),
    mixed[2]!.set(mix(2, 3, [0, 4, 1, 5])),
    mixed[3]!.set(mix(2, 3, [2, 6, 3, 7])),
    result.map((code, k) => [v128.store(into.get, code), k < 3 ? advance(into, toStride) : []]),
  ];
}

/**
 * Stores a matrix B [K, N] as panels of 16 columns, [⌈N / 16⌉][K][16], zeros in the place of columns past N. Nothing outside B
 * is read.
 *
 * Parameters, all i32, in bytes: `source, rowStride, columnStride, K, N, to`; B[k][n] at `source + k · rowStride + n · columnStride`.
 * Fast where columns are neighbours (`columnStride` 4) and where rows are (`rowStride` 4, the transpose).
 */
export function packPanels(m: ModuleBuilder): Func {
  return m.memo("packPanels", () =>
    m.func({ params: i32s(6) }, (_, ...parameters) => packApart(m).call(...parameters.map((p) => p.get), i32.const(0))),
  );
}

/**
 * Rows of B that are packed for all panels before the next ones are, where each row gives a panel 64 bytes: as many pages as a processor has
 * the addresses of at hand. Panel by panel a matrix of 1024² took 1.3 ms in place of .75, one of 256² a third longer (Sapphire Rapids, in L3).
 */
const TOGETHER = 32;

/** The same with one parameter more: bytes that are left out between one panel and the next. */
export function packApart(m: ModuleBuilder): Func {
  return m.memo("packApart", () =>
    m.func({ params: i32s(7) }, (f, source, rowStride, columnStride, rows, columns, target, gap) => {
      const [n, width, k, j, from] = [0, 1, 2, 3, 4].map(() => f.local("i32")) as [Local, Local, Local, Local, Local];
      const [to, first, end, together] = [0, 1, 2, 3].map(() => f.local("i32")) as [Local, Local, Local, Local];
      const transpose = transposeFour(f);
      const nextRow: Code = [from.set(i32.add(from.get, rowStride.get)), to.set(i32.add(to.get, i32.const(64)))];
      const wholeRow: Code = [
        [0, 16, 32, 48].map((part) => v128.store(to.get, v128.load(from.get, part), part)),
        nextRow,
      ];
      const toElement = i32.add(to.get, i32.shl(j.get, i32.const(2)));
      const slowRow: Code = [
        forRange(
          j,
          i32.const(0),
          width.get,
          1,
          f32.store(toElement, f32.load(offset(from.get, j.get, columnStride.get))),
        ),
        forRange(j, width.get, i32.const(16), 1, i32.store(toElement, i32.const(0))),
        nextRow,
      ];
      const fourRows: Code = [
        [0, 1, 2, 3].map((block) =>
          transpose(
            offset(from.get, i32.const(4 * block), columnStride.get),
            columnStride.get,
            i32.add(to.get, i32.const(16 * block)),
            i32.const(64),
          ),
        ),
        from.set(i32.add(from.get, i32.const(16))),
        to.set(i32.add(to.get, i32.const(256))),
      ];
      const all = (step: number, body: Code): Code =>
        // From where k stands: what a faster loop left over is done by a slower one.
        forRange(k, k.get, i32.sub(end.get, i32.rem_u(end.get, i32.const(step))), step, body);
      const isRow = i32.eq(columnStride.get, four);
      return [
        together.set(select(i32.const(TOGETHER), rows.get, isRow)),
        forRange(first, i32.const(0), rows.get, together.get, [
          end.set(i32.add(first.get, together.get)),
          end.set(select(end.get, rows.get, i32.lt_u(end.get, rows.get))),
          to.set(offset(target.get, first.get, i32.const(64))),
          forRange(n, i32.const(0), columns.get, 16, [
            width.set(i32.sub(columns.get, n.get)),
            from.set(i32.add(offset(source.get, n.get, columnStride.get), i32.mul(first.get, rowStride.get))),
            k.set(first.get),
            if_(i32.ge_u(width.get, i32.const(16)), [
              width.set(i32.const(16)),
              if_(isRow, all(1, wholeRow), if_(i32.eq(rowStride.get, four), all(4, fourRows))),
            ]),
            all(1, slowRow),
            // To the same rows of the next panel.
            to.set(
              i32.add(
                i32.add(to.get, gap.get),
                offset(i32.mul(rows.get, i32.const(64)), i32.sub(first.get, end.get), i32.const(64)),
              ),
            ),
          ]),
        ]),
      ];
    }),
  );
}

/**
 * `to[j][i] = source[i][j]` for a block of `rows` × `columns` numbers.
 *
 * Parameters, all i32, in bytes: `source, stride, rows, columns, to, toStride`.
 */
export function transposeBlock(m: ModuleBuilder): Func {
  return m.memo("transposeBlock", () =>
    m.func({ params: i32s(6) }, (f, source, stride, rows, columns, to, toStride) => {
      const [i, j, evenRows, evenColumns] = [0, 1, 2, 3].map(() => f.local("i32")) as [Local, Local, Local, Local];
      const transpose = transposeFour(f);
      const from = i32.add(offset(source.get, i.get, stride.get), i32.shl(j.get, i32.const(2)));
      const into = i32.add(offset(to.get, j.get, toStride.get), i32.shl(i.get, i32.const(2)));
      const single = f32.store(into, f32.load(from));
      const even = (n: Local): Code => i32.and(n.get, i32.const(-4));
      return [
        evenRows.set(even(rows)),
        evenColumns.set(even(columns)),
        forRange(i, i32.const(0), evenRows.get, 4, [
          forRange(j, i32.const(0), evenColumns.get, 4, transpose(from, stride.get, into, toStride.get)),
        ]),
        forRange(i, i32.const(0), rows.get, 1, [
          // Beside the squares of four, below them everything.
          j.set(i32.const(0)),
          if_(i32.lt_u(i.get, evenRows.get), j.set(evenColumns.get)),
          forRange(j, j.get, columns.get, 1, single),
        ]),
      ];
    }),
  );
}

/**
 * Turns a block of rows, [depth, columns], into tiles for the product of its transpose: the columns in tiles as even as `panelRows`
 * makes them, at most `height` (5 or 6) to a tile, each [depth][height]. Reads and writes up to 16 bytes behind the last element.
 *
 * Parameters, all i32, in bytes: `source, stride, depth, columns, to`.
 */
export function packTiles(m: ModuleBuilder, height: number): Func {
  return m.memo(`packTiles ${height}`, () =>
    m.func({ params: i32s(5) }, (f, source, stride, depth, columns, to) => {
      const [tiles, larger, k, from] = [0, 1, 2, 3].map(() => f.local("i32")) as [Local, Local, Local, Local];
      const width = i32.add(i32.div_u(columns.get, tiles.get), i32.ne(larger.get, i32.const(0)));
      const own = f.local("i32");
      return if_(columns.get, [
        tiles.set(i32.div_u(i32.add(columns.get, i32.const(height - 1)), i32.const(height))),
        larger.set(i32.rem_u(columns.get, tiles.get)),
        doWhile(
          [
            own.set(width),
            if_(larger.get, larger.set(i32.sub(larger.get, i32.const(1)))),
            from.set(source.get),
            forRange(k, i32.const(0), depth.get, 1, [
              v128.store(to.get, v128.load(from.get)),
              i64.store(to.get, i64.load(from.get, 16), 16),
              from.set(i32.add(from.get, stride.get)),
              to.set(i32.add(to.get, i32.const(4 * height))),
            ]),
            source.set(i32.add(source.get, i32.shl(own.get, i32.const(2)))),
            columns.set(i32.sub(columns.get, own.get)),
            tiles.set(i32.sub(tiles.get, i32.const(1))),
          ],
          tiles.get,
        ),
      ]);
    }),
  );
}
