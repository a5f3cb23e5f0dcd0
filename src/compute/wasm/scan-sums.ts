import type { Code } from "../../print/wasm/code.ts";
import { doWhile, forRange, type Local } from "../../print/wasm/control.ts";
import { f32x4, i32, v128 } from "../../print/wasm/instructions.ts";
import { offset } from "../../print/wasm/product.ts";
import { share } from "../../print/wasm/team.ts";
import { storesOf } from "../../print/wasm/vectors.ts";
import type { ScanBackward } from "../plan.ts";
import type { ScanLayout } from "./scan-layout.ts";
import type { ScanContext } from "./scan-memory.ts";

const number = (n: number): Code => i32.const(n);

/**
 * Adds a slot's gradients of all steps to a sum, each thread those of its panels, in the order of steps that sum them themselves: what the
 * batch gives, step after step.
 */
export function sumSlot(
  { m, kernel, team }: ScanContext<ScanBackward>,
  layout: ScanLayout,
  slot: number,
  sum: number,
): Code {
  const { batch, steps, reverse } = kernel;
  const { from, to } = share(team, layout.panels("hidden"));
  const descending = !reverse;
  const add = m.memo(`sumSlot ${batch} ${descending}`, () =>
    m.func({ params: ["i32", "i32", "i32", "i32"] }, (f, panels, steps, rows, sum) => {
      const [panel, t, row, end] = [0, 1, 2, 3].map(() => f.local("i32")) as [Local, Local, Local, Local];
      const quads = [0, 16, 32, 48].map((at) => ({ at, sum: f.local("v128"), part: f.local("v128") }));
      const block = number(batch * 64);
      return forRange(panel, number(0), panels.get, 1, [
        row.set(descending ? offset(rows.get, i32.sub(steps.get, number(1)), block) : rows.get),
        quads.map((quad) => quad.sum.set(v128.load(sum.get, quad.at))),
        forRange(t, number(0), steps.get, 1, [
          quads.map(({ part }) => part.set(v128.const(0, 0, 0, 0))),
          end.set(i32.add(row.get, block)),
          doWhile(
            [
              quads.map(({ at, part }) => part.set(f32x4.add(part.get, v128.load(row.get, at)))),
              row.set(i32.add(row.get, number(64))),
            ],
            i32.ne(row.get, end.get),
          ),
          quads.map(({ sum, part }) => sum.set(f32x4.add(sum.get, part.get))),
          descending ? row.set(i32.sub(row.get, number(2 * batch * 64))) : [],
        ]),
        storesOf(quads.map((quad) => v128.store(sum.get, quad.sum.get, quad.at))),
        sum.set(i32.add(sum.get, number(64))),
        rows.set(offset(rows.get, steps.get, block)),
      ]);
    }),
  );
  return add.call(
    ...[i32.sub(to, from), number(steps)],
    offset(number(slot), from, number(layout.rows * 64)),
    offset(number(sum), from, number(64)),
  );
}
