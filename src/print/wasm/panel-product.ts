import type { Func, FunctionBuilder, ModuleBuilder } from "./assembler.ts";
import type { Code, ValueType } from "./code.ts";
import { forRange, if_, type Local, select } from "./control.ts";
import { i32 } from "./instructions.ts";
import { packTiles } from "./pack.ts";
import { offset, panelRows, tileHeight } from "./product.ts";
import { rowProduct } from "./row-product.ts";

const DEPTH = 256;
const ROWS = 120;
const i32s = (count: number): ValueType[] => new Array<ValueType>(count).fill("i32");

/** The length of as few blocks of at most `most` as there have to be, as even as may be: a short one pays as much for what it reads. */
function evenly(count: Local, most: number, grain: number): Code {
  const some = i32.add(
    i32.div_u(i32.add(count.get, i32.const(most - 1)), i32.const(most)),
    // Of nothing, one block: a loop has to come to its end.
    i32.eqz(count.get),
  );
  const length = i32.div_u(i32.add(count.get, i32.sub(some, i32.const(1))), some);
  const rounded = i32.and(i32.add(length, i32.const(grain - 1)), i32.const(-grain));
  return i32.add(rounded, i32.shl(i32.eqz(count.get), i32.const(4)));
}

/**
 * Products over many panels: `c[panel][i][0 … 15] = init[panel][i] + Σ_p a(i, p) · b[panel][p]`.
 *
 * Parameters, all i32, in bytes: `panels, rows, k, a, rowStrideA, columnStrideA, b, bPanelStride, init, initStride,
 * initPanelStride, c, cStride, cPanelStride`. `a` as in `panelRows`. The sum over k is taken in blocks of at most 256, each added to
 * what the one before left in `c`: one running sum in the same order for any number of rows.
 */
export function panelProduct(m: ModuleBuilder, options: { readonly blocked: boolean; readonly fused: boolean }): Func {
  return m.memo(`panelProduct ${options.blocked} ${options.fused}`, () =>
    m.func({ params: i32s(14) }, (f, ...parameters) => {
      const many = blocks(m, f, options, parameters);
      if (options.blocked) return many;
      const [panels, rows, k, a, , strideA, b, bPanel, init, , initPanel, c, , cPanel] = parameters as Fourteen;
      const single = [panels, k, a, strideA, b, bPanel, init, initPanel, c, cPanel].map((p) => p.get);
      return if_(i32.eq(rows.get, i32.const(1)), rowProduct(m, options.fused).call(...single), many);
    }),
  );
}

type Fourteen = [
  ...[Local, Local, Local, Local, Local, Local, Local],
  ...[Local, Local, Local, Local, Local, Local, Local],
];

/** Blocks of rows, in them blocks of k, in them the panels: what a block reads of `a` and of one panel stays in the second cache. */
function blocks(
  m: ModuleBuilder,
  f: FunctionBuilder,
  options: { blocked: boolean; fused: boolean },
  parameters: readonly Local[],
): Code {
  const [panels, rows, k, a, rowStrideA, columnStrideA, b, bPanel, init, initStride, initPanel, c, cStride, cPanel] =
    parameters as Fourteen;
  const local = (): Local => f.local("i32");
  const [panel, row, height, p, depth, first] = [local(), local(), local(), local(), local(), local()];
  const [aBlock, cTile, iTile, tall, deep] = [local(), local(), local(), local(), local()];
  // Rows of a blocked `a` are 64 bytes apart and its columns come in panels of 16.
  const rowOffset = options.blocked ? i32.shl(row.get, i32.const(6)) : i32.mul(row.get, rowStrideA.get);
  const columnOffset = i32.mul(options.blocked ? i32.shr_u(p.get, i32.const(4)) : p.get, columnStrideA.get);
  const least = (x: Local, limit: Local): Code => select(x.get, limit.get, i32.lt_u(x.get, limit.get));
  const turns = forRange(row, i32.const(0), rows.get, tall.get, [
    height.set(i32.sub(rows.get, row.get)),
    height.set(least(height, tall)),
    first.set(i32.const(1)),
    // At least one turn, so that k = 0 copies `init`.
    forRange(p, i32.const(0), select(k.get, i32.const(1), k.get), deep.get, [
      depth.set(i32.sub(k.get, p.get)),
      depth.set(least(depth, deep)),
      aBlock.set(i32.add(a.get, i32.add(rowOffset, columnOffset))),
      forRange(panel, i32.const(0), panels.get, 1, [
        cTile.set(i32.add(offset(c.get, panel.get, cPanel.get), i32.mul(row.get, cStride.get))),
        iTile.set(i32.add(offset(init.get, panel.get, initPanel.get), i32.mul(row.get, initStride.get))),
        panelRows(m, options).call(
          ...[height.get, depth.get, aBlock.get, rowStrideA.get, columnStrideA.get],
          i32.add(offset(b.get, panel.get, bPanel.get), i32.shl(p.get, i32.const(6))),
          ...[select(iTile.get, cTile.get, first.get), select(initStride.get, cStride.get, first.get)],
          ...[cTile.get, cStride.get],
        ),
      ]),
      first.set(i32.const(0)),
    ]),
  ]);
  return [tall.set(evenly(rows, ROWS, 1)), deep.set(evenly(k, DEPTH, 16)), turns];
}

/** Bytes of scratch memory for `transposedPanelProduct`. */
export const TILES_BYTES = ROWS * DEPTH * 4 + 64;

/**
 * Products with the transpose of `a`, rows [k] of `rows` numbers: `c[panel][i][0 … 15] = Σ_p a(p, i) · b[panel][p]`, with `keep` added to
 * what is in `c`. Every element is one running sum over p, from the first to the last, or `descending` from the last to the first. What is
 * read of `a` for a block is packed first: its rows lie too far apart to be walked for every panel.
 *
 * Parameters, all i32, in bytes: `panels, rows, k, a, strideA, b, bPanelStride, c, cPanelStride, tiles`, the last being the address of
 * `TILES_BYTES` bytes. Rows of `c` are 64 bytes apart.
 *
 * @param o.zeros Address of 64 bytes of zeros.
 */
export function transposedPanelProduct(
  m: ModuleBuilder,
  o: { readonly fused: boolean; readonly zeros: number; readonly descending: boolean; readonly keep: boolean },
): Func {
  const { fused, zeros, descending, keep } = o;
  return m.memo(`transposedPanelProduct ${fused} ${zeros} ${descending} ${keep}`, () =>
    m.func({ params: i32s(10) }, (f, panels, rows, k, a, strideA, b, bPanel, c, cPanel, tiles) => {
      const [p, depth, row, height, panel, to, together, deep] = Array.from({ length: 8 }, () => f.local("i32")) as [
        ...[Local, Local, Local, Local, Local, Local, Local, Local],
      ];
      const least = (x: Local, limit: Local): Code => select(x.get, limit.get, i32.lt_u(x.get, limit.get));
      const tall = tileHeight(m.wide);
      // Which row of `a` and `b` comes first in a block.
      const first = descending ? i32.sub(i32.sub(k.get, p.get), i32.const(1)) : p.get;
      const begun = keep ? i32.const(1) : p.get;
      const turns = forRange(p, i32.const(0), select(k.get, i32.const(1), k.get), deep.get, [
        depth.set(i32.sub(k.get, p.get)),
        depth.set(least(depth, deep)),
        forRange(row, i32.const(0), rows.get, together.get, [
          height.set(i32.sub(rows.get, row.get)),
          height.set(least(height, together)),
          packTiles(m, tall).call(
            i32.add(offset(a.get, first, strideA.get), i32.shl(row.get, i32.const(2))),
            descending ? i32.sub(i32.const(0), strideA.get) : strideA.get,
            ...[depth.get, height.get, tiles.get],
          ),
          forRange(panel, i32.const(0), panels.get, 1, [
            to.set(i32.add(offset(c.get, panel.get, cPanel.get), i32.shl(row.get, i32.const(6)))),
            panelRows(m, { blocked: false, tiled: true, descending, fused }).call(
              ...[height.get, depth.get, tiles.get, i32.const(4), i32.const(4 * tall)],
              i32.add(offset(b.get, panel.get, bPanel.get), i32.shl(first, i32.const(6))),
              ...[select(to.get, i32.const(zeros), begun), select(i32.const(64), i32.const(0), begun)],
              ...[to.get, i32.const(64)],
            ),
          ]),
        ]),
      ]);
      return [together.set(evenly(rows, ROWS, 1)), deep.set(evenly(k, DEPTH, 16)), turns];
    }),
  );
}
