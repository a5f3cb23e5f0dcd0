import type { Func, ModuleBuilder } from "./assembler.ts";
import type { Code, ValueType } from "./code.ts";
import { drop, type Local } from "./control.ts";
import { f32x4, i32, v128 } from "./instructions.ts";
import { type Layout, offset } from "./product.ts";
import { sweep } from "./sweep.ts";
import { unrolled, unrolledPanels } from "./unroll.ts";
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
  /** All panels together are so large that lines are asked for before they are needed (`isFarForFew`), also a few behind the last one. */
  readonly far?: boolean;
}

/** Bytes of panels that no second cache holds beside everything else. */
const FAR = 2 ** 20;
/** Bytes from what is multiplied to what is asked for, in each panel. */
const AHEAD = 384;

/**
 * Whether a few rows read panels of so many bytes, a thread's own, ahead of themselves: more loads wait for memory then than a processor looks ahead
 * to by itself. Measured (Zen 4, Node 24): 2 MB are read at 89 in place of 83 GB/s, 8 MB at 88 in place of 82, 19 MB at 64 in place of 56; what the
 * second cache holds (up to 1 MB) as fast or by 3 % slower. 320 to 512 bytes are as good, 256 and less are half as good; from 576 on it harms, with
 * more lines on their way than the processor keeps track of. Of a streamed step of 512 units, whose passes turn around, it is 2 %. An Emerald Rapids
 * looks far enough: there steps of 256, 512 and 1024 units took 1.13, 1.02 and 1.01 of the time. What tells the two apart from in here is whether
 * JavaScript waits for registers (`waitsAfter`), and narrow kernels, of which that is not known, are 4 to 8 % slower with it on Zen 4, too.
 */
export const isFarForFew = ({ ahead }: ModuleBuilder, bytes: number): boolean => ahead && bytes > FAR;

/**
 * Panels that are worked on together: eight sums of one register each, enough to hide the latency of additions. Four narrow panels of one row were
 * sixteen, which no processor of sixteen registers holds: streamed steps of 64 to 512 units took 1.2 to 1.4 times as long (Zen 4, Node 20, 22, 24).
 * Three take as long as two, and leave a rest.
 */
export const panelsTogether = ({ wide }: ModuleBuilder, rows: number): number => (wide ? 4 : 2) / rows;

/**
 * A few rows times many panels: `c[panel][i][0 … 15] = init[panel][i] + Σ_p a(i, p) · b[panel][p]`. Bound by the memory that holds `b`: it is read
 * as several streams, each a part of the panels in their order, so that a stream never jumps. Four neighbouring panels at a time, three of every
 * four passed by, were read at 85 in place of 138 GB/s from the second-level cache (H 128), at 45 in place of 51 from the third (H 512; Zen 4,
 * Node 24).
 *
 * Parameters, all i32, in bytes: `panels, k, a, strideA, b, bPanelStride, init, initStride, initPanelStride, c, cStride, cPanelStride`. `a` as
 * in `panelRows`.
 */
export function fewRows(m: ModuleBuilder, options: FewRowsOptions & { readonly turns?: boolean }): Func {
  const { rows, layout, fused, far, turns = false } = options;
  const together = panelsTogether(m, rows);
  return m.memo(`fewRows ${rows} ${layout} ${fused} ${far} ${turns}`, () =>
    m.func(
      { params: i32s(12) },
      (f, panels, k, a, strideA, b, bPanel, init, initStride, initPanel, c, cStride, cPanel) => {
        const part = f.local("i32");
        /** `count` panels from `first` on, each `part` panels behind the one before. */
        const call = (count: number, first: Code): Code => {
          const panel = (index: number): Code => i32.add(first, i32.mul(part.get, i32.const(index)));
          return fewPanels(m, count, options).call(
            ...[k.get, a.get, strideA.get, cStride.get],
            ...Array.from({ length: count }, (_, index) => [
              offset(b.get, panel(index), bPanel.get),
              ...[offset(init.get, panel(index), initPanel.get), initStride.get],
              offset(c.get, panel(index), cPanel.get),
            ]).flat(),
          );
        };
        const over = (from: Code, to: Code, count: number): Code =>
          sweep(m, f, { from, to, turns }, ({ panel }) => call(count, panel.get));
        return [
          part.set(i32.div_u(panels.get, i32.const(together))),
          over(i32.const(0), part.get, together),
          together === 1 ? [] : over(i32.mul(part.get, i32.const(together)), panels.get, 1),
        ];
      },
    ),
  );
}

/**
 * A few rows times `count` panels at once, at most `panelsTogether`. Every element is one running sum over p, so its bits are those of `panelRows`.
 *
 * Parameters, all i32, in bytes: `k, a, strideA, cStride`, then of each panel `b, init, initStride, c`.
 */
export function fewPanels(m: ModuleBuilder, count: number, { rows, layout, fused, far }: FewRowsOptions): Func {
  return m.memo(`fewPanels ${rows} ${layout} ${fused} ${far} of ${count}`, () =>
    m.func({ params: i32s(4 + 4 * count) }, (f, k, a, strideA, cStride, ...ofPanels) => {
      const list = <T>(length: number, make: (index: number) => T): T[] => Array.from({ length }, (_, n) => make(n));
      const local = (): Local => f.local("i32");
      const panels = list(count, (n) => {
        const [b, init, initStride, c] = ofPanels.slice(4 * n, 4 * n + 4) as [Local, Local, Local, Local];
        return { b, init, initStride, c, sums: list(rows, () => list(4, () => f.local("v128"))) };
      });
      const columns = [f.local("v128"), f.local("v128")];
      const xs = list(rows, () => f.local("v128"));
      const inPanels = layout === "panels";
      const at = list(rows, (row) => (row === 0 || inPanels ? a : local()));
      const move = (pointers: readonly Local[], by: Code): Code =>
        [...new Set(pointers)].map((pointer) => pointer.set(i32.add(pointer.get, by)));
      const mac = (sum: Local, x: Local, column: Local): Code =>
        sum.set(
          fused ? f32x4.relaxed_madd(x.get, column.get, sum.get) : f32x4.add(sum.get, f32x4.mul(x.get, column.get)),
        );
      const half = ({ b, sums }: (typeof panels)[number], skip: number, first: number): Code => [
        columns.map((column, j) => column.set(v128.load(b.get, ROW * skip + 16 * (first + j)))),
        xs.map((x, row) => columns.map((column, j) => mac(sums[row]![first + j]!, x, column))),
      ];
      const steps = (count: number): Code => [
        list(count, (skip) => [
          far ? panels.map(({ b }) => drop(i32.load(b.get, ROW * skip + AHEAD))) : [],
          xs.map((x, row) => x.set(v128.load32_splat(at[row]!.get, 4 * skip + (inPanels ? ROW * row : 0)))),
          panels.map((panel) => [half(panel, skip, 0), half(panel, skip, 2)]),
        ]),
        move(
          panels.map(({ b }) => b),
          i32.const(ROW * count),
        ),
        move(at, i32.const(4 * count)),
      ];
      return [
        panels.map(({ init, initStride, sums }) =>
          sums.map((sum, row) => [
            row === 0 ? [] : move([init], initStride.get),
            sum.map((part, j) => part.set(v128.load(init.get, 16 * j))),
          ]),
        ),
        inPanels ? [] : at.slice(1).map((p, number) => p.set(i32.add(at[number]!.get, strideA.get))),
        inPanels ? unrolledPanels(m, f, { k, a, strideA }, steps) : unrolled(m, k, steps),
        panels.map(({ c, sums }) =>
          sums.map((sum, row) => [
            row === 0 ? [] : move([c], cStride.get),
            storesOf(sum.map((part, j) => v128.store(c.get, part.get, 16 * j))),
          ]),
        ),
      ];
    }),
  );
}
