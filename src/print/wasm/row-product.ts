import type { Func, ModuleBuilder } from "./assembler.ts";
import type { Code, ValueType } from "./code.ts";
import { doWhile, forRange, if_, type Local } from "./control.ts";
import { f32x4, i32, v128 } from "./instructions.ts";
import { offset } from "./product.ts";

const i32s = (count: number): ValueType[] => new Array<ValueType>(count).fill("i32");
/** Panels that are worked on together: sixteen sums of four columns hide the latency of each addition. */
const TOGETHER = 4;

/**
 * One row times many panels: `c[panel][0 … 15] = init[panel] + Σ_p a(p) · b[panel][p]`. Every element is one running sum over p, so its
 * bits are those of `panelRows`. Bound by the memory that holds `b`: it is read as four streams, each a quarter of the panels in their
 * order, so that a stream never jumps. Four neighbouring panels at a time, three of every four passed by, were read at 85 in place of
 * 138 GB/s from the second-level cache (H 128), at 45 in place of 51 from the third (H 512; Zen 4, Node 24).
 *
 * Parameters, all i32, in bytes: `panels, k, a, columnStrideA, b, bPanelStride, init, initPanelStride, c, cPanelStride`.
 */
export function rowProduct(m: ModuleBuilder, fused: boolean): Func {
  return m.memo(`rowProduct ${fused}`, () =>
    m.func({ params: i32s(10) }, (f, panels, k, a, strideA, b, bPanel, init, initPanel, c, cPanel) => {
      const [panel, quarter] = [f.local("i32"), f.local("i32")];
      /** `count` panels from `panel` on, each `apart` panels behind the one before. */
      const call = (count: number, apart: Code): Code =>
        groupOf(m, count, fused).call(
          ...[k.get, a.get, strideA.get],
          ...[
            [b, bPanel],
            [init, initPanel],
            [c, cPanel],
          ].flatMap(([base, stride]) => [offset(base!.get, panel.get, stride!.get), i32.mul(stride!.get, apart)]),
        );
      return [
        quarter.set(i32.div_u(panels.get, i32.const(TOGETHER))),
        forRange(panel, i32.const(0), quarter.get, 1, call(TOGETHER, quarter.get)),
        forRange(panel, i32.mul(quarter.get, i32.const(TOGETHER)), panels.get, 1, call(1, i32.const(0))),
      ];
    }),
  );
}

/** `count` panels at once; parameters as `rowProduct` without the first, strides from one panel to the next. */
function groupOf(m: ModuleBuilder, count: number, fused: boolean): Func {
  return m.memo(`rowProduct of ${count} ${fused}`, () =>
    m.func({ params: i32s(9) }, (f, k, a, strideA, b, bPanel, init, initPanel, c, cPanel) => {
      const each = <T>(make: (panel: number) => T): T[] => Array.from({ length: count }, (_, panel) => make(panel));
      const sums = each(() => [0, 1, 2, 3].map(() => f.local("v128")));
      const x = f.local("v128");
      const at = each((panel) => (panel === 0 ? b : f.local("i32")));
      const mac = (sum: Local, column: Code): Code =>
        sum.set(fused ? f32x4.relaxed_madd(x.get, column, sum.get) : f32x4.add(sum.get, f32x4.mul(x.get, column)));
      const next = (pointer: Local, stride: Local, panel: number): Code =>
        panel === 0 ? [] : pointer.set(i32.add(pointer.get, stride.get));
      const step: Code = [
        x.set(v128.load32_splat(a.get)),
        each((panel) => sums[panel]!.map((sum, j) => mac(sum, v128.load(at[panel]!.get, 16 * j)))),
        at.map((p) => p.set(i32.add(p.get, i32.const(64)))),
        a.set(i32.add(a.get, strideA.get)),
        k.set(i32.sub(k.get, i32.const(1))),
      ];
      return [
        each((panel) => [next(init, initPanel, panel), sums[panel]!.map((s, j) => s.set(v128.load(init.get, 16 * j)))]),
        at.slice(1).map((p, panel) => p.set(i32.add(at[panel]!.get, bPanel.get))),
        if_(k.get, doWhile(step, k.get)),
        each((panel) => [next(c, cPanel, panel), sums[panel]!.map((s, j) => v128.store(c.get, s.get, 16 * j))]),
      ];
    }),
  );
}
