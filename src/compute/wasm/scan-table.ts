import type { Func, ModuleBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import { forRange, if_, type Local, unreachable } from "../../print/wasm/control.ts";
import { f32x4, i32, memory, v128 } from "../../print/wasm/instructions.ts";
import { offset } from "../../print/wasm/product.ts";
import { share } from "../../print/wasm/team.ts";
import { storesOf } from "../../print/wasm/vectors.ts";
import type { StepProgram } from "../../scan/program.ts";
import type { ScanBackward } from "../plan.ts";
import type { ScanLayout } from "./scan-layout.ts";
import type { ScanContext, ScanMemory } from "./scan-memory.ts";

/*
 * Scans whose input is rows of a table. What a row gives to the gates, its part, is multiplied once, in panels [gate · units / 16][V][16]: steps
 * take the parts of their tokens, and on the way back the gradients of parts are summed token by token before anything is multiplied.
 */

const ROW = 64;
const QUADS = [0, 16, 32, 48];

/**
 * For every panel and row r, from the first to the last or `descending`: the 64 bytes at row `tokens[r]` of the parts, and at row r of the other.
 * `visit` is given both addresses.
 */
function overRows(
  m: ModuleBuilder,
  { name, descending }: { name: string; descending: boolean },
  visit: (part: Local, row: Local, quads: readonly Local[]) => Code,
): Func {
  return m.memo(`${name} ${descending}`, () =>
    m.func({ params: new Array(7).fill("i32") }, (f, panels, rows, tokens, parts, partsPanel, other, otherPanel) => {
      const [panel, k, token, row, part] = [0, 1, 2, 3, 4].map(() => f.local("i32")) as [
        ...[Local, Local, Local, Local, Local],
      ];
      const quads = QUADS.map(() => f.local("v128"));
      const first = descending ? i32.sub(rows.get, i32.const(1)) : i32.const(0);
      const onward = (p: Local, bytes: number): Code => p.set(i32.add(p.get, i32.const(descending ? -bytes : bytes)));
      return forRange(panel, i32.const(0), panels.get, 1, [
        token.set(offset(tokens.get, first, i32.const(4))),
        row.set(offset(other.get, first, i32.const(ROW))),
        forRange(k, i32.const(0), rows.get, 1, [
          part.set(offset(parts.get, i32.load(token.get), i32.const(ROW))),
          visit(part, row, quads),
          onward(token, 4),
          onward(row, ROW),
        ]),
        parts.set(i32.add(parts.get, partsPanel.get)),
        other.set(i32.add(other.get, otherPanel.get)),
      ]);
    }),
  );
}

/** Row r of each panel becomes the part of `tokens[r]`. Parameters, i32, in bytes: `panels, rows, tokens, parts, partsPanel, to, toPanel`. */
export const takeParts = (m: ModuleBuilder): Func =>
  overRows(m, { name: "takeParts", descending: false }, (part, row, quads) => [
    quads.map((quad, k) => quad.set(v128.load(part.get, QUADS[k]!))),
    storesOf(quads.map((quad, k) => v128.store(row.get, quad.get, QUADS[k]!))),
  ]);

/**
 * The part of `tokens[r]` of each panel grows by row r, from the first to the last or `descending`. Parameters, i32, in bytes: `panels, rows, tokens,
 * parts, partsPanel, from, fromPanel`.
 */
export const addToParts = (m: ModuleBuilder, descending: boolean): Func =>
  overRows(m, { name: "addToParts", descending }, (part, row, quads) => [
    quads.map((quad, k) => quad.set(f32x4.add(v128.load(part.get, QUADS[k]!), v128.load(row.get, QUADS[k]!)))),
    storesOf(quads.map((quad, k) => v128.store(part.get, quad.get, QUADS[k]!))),
  ]);

/** Stops the run where a token is not in [0, vocabulary): what lies there belongs to others. */
export const checkTokens = (m: ModuleBuilder, tokens: number, count: number, vocabulary: number): Code => {
  const check = m.memo("checkTokens", () =>
    m.func({ params: ["i32", "i32", "i32"] }, (_, from, to, below) =>
      forRange(from, from.get, to.get, 4, if_(i32.ge_u(i32.load(from.get), below.get), unreachable)),
    ),
  );
  return check.call(i32.const(tokens), i32.const(tokens + 4 * count), i32.const(vocabulary));
};

/** Where gradients of parts are summed up, gate after gate as slots of panels of V rows. */
export function gradientsOfParts({ kernel, address }: ScanContext<ScanBackward>, layout: ScanLayout, V: number) {
  const base = Math.ceil(address("d.parts") / 64) * 64;
  return {
    rows: V,
    slots: kernel.cell.gates.map((_, g) => g),
    slot: (g: number): number => base + g * layout.panels("hidden") * V * ROW,
    // Sums over all parts of a sequence, multiplied once.
    keep: false,
  };
}

/** Sums gradients of all rows up, from the last step to the first, each thread those of its units. */
export function addUpParts(
  context: ScanContext<ScanBackward>,
  layout: ScanLayout<StepProgram>,
  mem: ScanMemory,
  { rows: V, slots, slot }: ReturnType<typeof gradientsOfParts>,
): Code {
  const { m, kernel, team, address } = context;
  const { from, to } = share(team, layout.panels("hidden"));
  const panels = i32.sub(to, from);
  const bytes = (rows: number): Code => i32.const(rows * ROW);
  return slots.map((g) => {
    const parts = offset(i32.const(slot(g)), from, bytes(V));
    const gradients = i32.const(mem.slot(layout.program.inputGradientSlots[g]!));
    return [
      kernel.keep ? [] : memory.fill(parts, i32.const(0), i32.mul(panels, bytes(V))),
      addToParts(m, !kernel.reverse).call(
        ...[panels, i32.const(layout.rows), i32.const(address("tokens")), parts, bytes(V)],
        ...[offset(gradients, from, bytes(layout.rows)), bytes(layout.rows)],
      ),
    ];
  });
}
