import type { Func, FunctionBuilder, ModuleBuilder } from "./assembler.ts";
import type { Code, ValueType } from "./code.ts";
import { forRange, if_, type Local, select, smaller } from "./control.ts";
import { FEW, fewRows } from "./few-rows.ts";
import { i32 } from "./instructions.ts";
import { packTiles } from "./pack.ts";
import { type Layout, nextOf, offset, panelRows, tileHeight } from "./product.ts";
import { sweep, VERY_FEW } from "./sweep.ts";

const DEPTH = 256;
const ROWS = 120;
const i32s = (count: number): ValueType[] => new Array<ValueType>(count).fill("i32");

/**
 * Products over many panels: `c[panel][i][0 … 15] = init[panel][i] + Σ_p a(i, p) · b[panel][p]`.
 *
 * Parameters, all i32, in bytes: `panels, rows, k, a, strideA, b, bPanelStride, init, initStride, initPanelStride, c, cStride,
 * cPanelStride`. `a` as in `panelRows`, not in tiles. The sum over k is taken in blocks of 256, each added to
 * what the one before left in `c`: the same order for any number of rows.
 */
export function panelProduct(m: ModuleBuilder, options: PanelOptions): Func {
  const { layout, fused, far, turns = false, rows: known } = options;
  return m.memo(`panelProduct ${layout} ${fused} ${far} ${turns} ${known}`, () =>
    m.func({ params: i32s(13) }, (f, ...parameters) => {
      const [panels, rows, ...others] = parameters as Thirteen;
      const few = (rows: number): Code =>
        fewRows(m, { rows, layout, fused, turns }).call(...[panels, ...others].map((p) => p.get));
      if (known && known <= VERY_FEW)
        return known <= FEW ? few(known) : ofVeryFew(m, f, { ...options, rows: known }, parameters);
      if (known) return blocks(m, f, options, parameters);
      const many = blocks(m, f, options, parameters);
      return layout === "panels" ? many : if_(i32.eq(rows.get, i32.const(1)), few(1), many);
    }),
  );
}

interface PanelOptions {
  readonly layout: Exclude<Layout, "tiles">;
  readonly fused: boolean;
  /** Of all panels. */
  readonly far?: boolean;
  /** Of a few rows: whether passes turn around (`turnsFor`). */
  readonly turns?: boolean;
  /** Rows of every call, where that is known: less is printed then. */
  readonly rows?: number | undefined;
}

type Thirteen = [...[Local, Local, Local, Local, Local, Local], ...[Local, Local, Local, Local, Local, Local, Local]];

/** Blocks of rows, in them blocks of k, in them the panels: what a block reads of `a` and of one panel stays in the second cache. */
function blocks(
  m: ModuleBuilder,
  f: FunctionBuilder,
  { rows: known = 0, ...options }: PanelOptions,
  parameters: readonly Local[],
): Code {
  const [panels, rows, k, a, strideA, b, bPanel, init, initStride, initPanel, c, cStride, cPanel] =
    parameters as Thirteen;
  const local = (): Local => f.local("i32");
  const [panel, row, height, p, depth, first] = [local(), local(), local(), local(), local(), local()];
  const [aBlock, cTile, iTile] = [local(), local(), local()];
  const [byRow, byColumn] = {
    rows: [i32.mul(row.get, strideA.get), i32.shl(p.get, i32.const(2))],
    panels: [i32.shl(row.get, i32.const(6)), i32.mul(i32.shr_u(p.get, i32.const(4)), strideA.get)],
  }[options.layout] as [Code, Code];
  return forRange(row, i32.const(0), rows.get, ROWS, [
    height.set(i32.sub(rows.get, row.get)),
    height.set(smaller(height.get, i32.const(ROWS))),
    first.set(i32.const(1)),
    // At least one turn, so that k = 0 copies `init`.
    forRange(p, i32.const(0), select(k.get, i32.const(1), k.get), DEPTH, [
      depth.set(i32.sub(k.get, p.get)),
      depth.set(smaller(depth.get, i32.const(DEPTH))),
      aBlock.set(i32.add(a.get, i32.add(byRow, byColumn))),
      forRange(panel, i32.const(0), panels.get, 1, [
        cTile.set(i32.add(offset(c.get, panel.get, cPanel.get), i32.mul(row.get, cStride.get))),
        iTile.set(i32.add(offset(init.get, panel.get, initPanel.get), i32.mul(row.get, initStride.get))),
        panelRows(m, known <= ROWS ? { ...options, rows: known } : options).call(
          ...[height.get, depth.get, aBlock.get, strideA.get],
          i32.add(offset(b.get, panel.get, bPanel.get), i32.shl(p.get, i32.const(6))),
          ...[select(iTile.get, cTile.get, first.get), select(initStride.get, cStride.get, first.get)],
          ...[cTile.get, cStride.get],
          ...(options.far ? [nextPanel(panel, panels, b, bPanel, p.get)] : []),
        ),
      ]),
      first.set(i32.const(0)),
    ]),
  ]);
}

/** One tile of rows, over all of k, with panel after panel. */
function ofVeryFew(
  m: ModuleBuilder,
  f: FunctionBuilder,
  options: PanelOptions & { readonly rows: number },
  parameters: readonly Local[],
): Code {
  const [panels, rows, k, a, strideA, b, bPanel, init, initStride, initPanel, c, cStride, cPanel] =
    parameters as Thirteen;
  const { turns = false } = options;
  return sweep(m, f, { from: i32.const(0), to: panels.get, turns }, ({ panel, next }) => {
    const of = (base: Local, stride: Local): Code => offset(base.get, panel.get, stride.get);
    return panelRows(m, options).call(
      ...[rows.get, k.get, a.get, strideA.get, of(b, bPanel), of(init, initPanel), initStride.get],
      ...[of(c, cPanel), cStride.get, ...(options.far ? [offset(b.get, next, bPanel.get)] : [])],
    );
  });
}

/** Row `p` of the panel of `b` that comes after `panel`. */
const nextPanel = (panel: Local, panels: Local, b: Local, bPanel: Local, p: Code): Code =>
  i32.add(offset(b.get, nextOf(panel, panels.get), bPanel.get), i32.shl(p, i32.const(6)));

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
  o: {
    readonly fused: boolean;
    readonly far?: boolean;
    readonly zeros: number;
    readonly descending: boolean;
    readonly keep: boolean;
  },
): Func {
  const { fused, far = false, zeros, descending, keep } = o;
  return m.memo(`transposedPanelProduct ${fused} ${far} ${zeros} ${descending} ${keep}`, () =>
    m.func({ params: i32s(10) }, (f, panels, rows, k, a, strideA, b, bPanel, c, cPanel, tiles) => {
      const [p, depth, row, height, panel, to] = Array.from({ length: 6 }, () => f.local("i32")) as [
        ...[Local, Local, Local, Local, Local, Local],
      ];
      const tall = tileHeight(m, { layout: "tiles", fused });
      // Which row of `a` and `b` comes first in a block.
      const first = descending ? i32.sub(i32.sub(k.get, p.get), i32.const(1)) : p.get;
      const lowest = descending ? i32.sub(i32.sub(k.get, p.get), depth.get) : p.get;
      const begun = keep ? i32.const(1) : p.get;
      return forRange(p, i32.const(0), select(k.get, i32.const(1), k.get), DEPTH, [
        depth.set(i32.sub(k.get, p.get)),
        depth.set(smaller(depth.get, i32.const(DEPTH))),
        forRange(row, i32.const(0), rows.get, ROWS, [
          height.set(i32.sub(rows.get, row.get)),
          height.set(smaller(height.get, i32.const(ROWS))),
          packTiles(m, tall).call(
            i32.add(offset(a.get, first, strideA.get), i32.shl(row.get, i32.const(2))),
            descending ? i32.sub(i32.const(0), strideA.get) : strideA.get,
            ...[depth.get, height.get, tiles.get],
          ),
          forRange(panel, i32.const(0), panels.get, 1, [
            to.set(i32.add(offset(c.get, panel.get, cPanel.get), i32.shl(row.get, i32.const(6)))),
            panelRows(m, { layout: "tiles", descending, fused, far }).call(
              ...[height.get, depth.get, tiles.get, i32.const(4 * tall)],
              i32.add(offset(b.get, panel.get, bPanel.get), i32.shl(first, i32.const(6))),
              ...[select(to.get, i32.const(zeros), begun), select(i32.const(64), i32.const(0), begun)],
              ...[to.get, i32.const(64)],
              ...(far ? [nextPanel(panel, panels, b, bPanel, lowest)] : []),
            ),
          ]),
        ]),
      ]);
    }),
  );
}
