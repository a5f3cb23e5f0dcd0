import type { Func, ModuleBuilder } from "./assembler.ts";
import type { Code, ValueType } from "./code.ts";
import { doWhile, forRange, if_, type Local } from "./control.ts";
import { f32x4, i32, v128 } from "./instructions.ts";
import { type Layout, offset } from "./product.ts";
import { storesOf } from "./vectors.ts";

const i32s = (count: number): ValueType[] => new Array<ValueType>(count).fill("i32");
const ROW = 64;

/** So many rows are few: one panel gives them too few sums to hide the latency of each addition. */
export const FEW = 2;

export interface FewRowsOptions {
  /** 1 to `FEW`. */
  readonly rows: number;
  readonly layout: Exclude<Layout, "tiles">;
  readonly fused: boolean;
}

/** Panels that are worked on together: as many as the registers hold the sums of. Three rows leave none for a second panel. */
const panelsTogether = ({ wide }: ModuleBuilder, rows: number): number => (rows === 1 ? 4 : wide ? 2 : 1);

/**
 * A few rows times many panels: `c[panel][i][0 … 15] = init[panel][i] + Σ_p a(i, p) · b[panel][p]`. Every element is one running sum over p, so
 * its bits are those of `panelRows`. Bound by the memory that holds `b`: it is read as several streams, each a part of the panels in their
 * order, so that a stream never jumps. Four neighbouring panels at a time, three of every four passed by, were read at 85 in place of
 * 138 GB/s from the second-level cache (H 128), at 45 in place of 51 from the third (H 512; Zen 4, Node 24).
 *
 * Parameters, all i32, in bytes: `panels, k, a, strideA, b, bPanelStride, init, initStride, initPanelStride, c, cStride, cPanelStride`. `a` as
 * in `panelRows`.
 */
export function fewRows(m: ModuleBuilder, options: FewRowsOptions): Func {
  const { rows, layout, fused } = options;
  const together = panelsTogether(m, rows);
  return m.memo(`fewRows ${rows} ${layout} ${fused}`, () =>
    m.func(
      { params: i32s(12) },
      (f, panels, k, a, strideA, b, bPanel, init, initStride, initPanel, c, cStride, cPanel) => {
        const [panel, part] = [f.local("i32"), f.local("i32")];
        /** `count` panels from `panel` on, each `apart` panels behind the one before. */
        const call = (count: number, apart: Code): Code => {
          const of = (base: Local, stride: Local): Code => offset(base.get, panel.get, stride.get);
          const step = (stride: Local): Code => i32.mul(stride.get, apart);
          return groupOf(m, count, options).call(
            ...[k.get, a.get, strideA.get, of(b, bPanel), step(bPanel)],
            ...[of(init, initPanel), initStride.get, step(initPanel), of(c, cPanel), cStride.get, step(cPanel)],
          );
        };
        return [
          part.set(i32.div_u(panels.get, i32.const(together))),
          forRange(panel, i32.const(0), part.get, 1, call(together, part.get)),
          forRange(panel, i32.mul(part.get, i32.const(together)), panels.get, 1, call(1, i32.const(0))),
        ];
      },
    ),
  );
}

/** `count` panels at once; parameters as `fewRows` without the first, strides from one panel to the next. */
function groupOf(m: ModuleBuilder, count: number, { rows, layout, fused }: FewRowsOptions): Func {
  return m.memo(`fewRows ${rows} ${layout} ${fused} of ${count}`, () =>
    m.func({ params: i32s(11) }, (f, k, a, strideA, b, bPanel, init, initStride, initPanel, c, cStride, cPanel) => {
      const list = <T>(length: number, make: (index: number) => T): T[] => Array.from({ length }, (_, n) => make(n));
      const local = (): Local => f.local("i32");
      const sums = list(count, () => list(rows, () => list(4, () => f.local("v128"))));
      const columns = [f.local("v128"), f.local("v128")];
      const xs = list(rows, () => f.local("v128"));
      const inPanels = layout === "panels";
      const at = list(rows, (row) => (row === 0 || inPanels ? a : local()));
      const panels = list(count, (panel) => (panel === 0 ? b : local()));
      const move = (pointers: readonly Local[], by: Code): Code =>
        [...new Set(pointers)].map((pointer) => pointer.set(i32.add(pointer.get, by)));
      const mac = (sum: Local, x: Local, column: Local): Code =>
        sum.set(
          fused ? f32x4.relaxed_madd(x.get, column.get, sum.get) : f32x4.add(sum.get, f32x4.mul(x.get, column.get)),
        );
      const half = (panel: number, first: number): Code => [
        columns.map((column, j) => column.set(v128.load(panels[panel]!.get, 16 * (first + j)))),
        xs.map((x, row) => columns.map((column, j) => mac(sums[panel]![row]![first + j]!, x, column))),
      ];
      const step: Code = [
        xs.map((x, row) => x.set(v128.load32_splat(at[row]!.get, inPanels ? ROW * row : 0))),
        list(count, (panel) => [half(panel, 0), half(panel, 2)]),
        move(panels, i32.const(ROW)),
        move(at, i32.const(4)),
      ];
      const left = (by: number): Code => k.set(i32.sub(k.get, i32.const(by)));
      const end = local();
      const steps = inPanels
        ? [
            end.set(i32.add(a.get, i32.const(ROW))),
            doWhile(step, i32.ne(a.get, end.get)),
            move([a], i32.sub(strideA.get, i32.const(ROW))),
            left(16),
          ]
        : [step, left(1)];
      const row = local();
      /** Visits the place of each row of each panel, one after the other. */
      const places = (base: Local, stride: Local, panelStride: Local, visit: (sum: readonly Local[]) => Code): Code =>
        sums.map((ofPanel, panel) => [
          panel === 0 ? [] : move([base], panelStride.get),
          ofPanel.map((sum, number) => [row.set(number === 0 ? base.get : i32.add(row.get, stride.get)), visit(sum)]),
        ]);
      return [
        places(init, initStride, initPanel, (sum) => sum.map((part, j) => part.set(v128.load(row.get, 16 * j)))),
        inPanels ? [] : at.slice(1).map((p, number) => p.set(i32.add(at[number]!.get, strideA.get))),
        panels.slice(1).map((p, number) => p.set(i32.add(panels[number]!.get, bPanel.get))),
        if_(k.get, doWhile(steps, k.get)),
        places(c, cStride, cPanel, (sum) => storesOf(sum.map((part, j) => v128.store(row.get, part.get, 16 * j)))),
      ];
    }),
  );
}
