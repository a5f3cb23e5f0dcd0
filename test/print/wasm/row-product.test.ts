import { describe, expect, test } from "vitest";
import { i32 } from "../../../src/print/wasm/instructions.ts";
import { panelRows } from "../../../src/print/wasm/product.ts";
import { rowProduct } from "../../../src/print/wasm/row-product.ts";
import { difference } from "../../support/difference.ts";
import { families, instantiate } from "./instantiate.ts";

const PANEL = 16;
/** Panels of the result lie further apart than they are wide, as those of a scan do: what lies between them is nobody's. */
const APART = 24;
const CANARY = -12345.5;
const numbers = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.fround(Math.sin((i + 1) * 12.9898 * (seed + 1)) * 43758.5453) % 1);

/** The row by `rowProduct`, and by `panelRows` panel after panel. */
function multiply(o: { panels: number; k: number; initPanel: number; fused: boolean }) {
  const { panels, k, initPanel, fused } = o;
  const [a, b] = [numbers(k, 1), numbers(panels * k * PANEL, 2)];
  const init = numbers(initPanel === 0 ? PANEL : panels * PANEL, 3);
  const instance = instantiate((m) => {
    const params = new Array<"i32">(5).fill("i32");
    const bytes = (n: number) => i32.const(4 * n);
    m.func({ name: "row", params }, (_, a, b, init, c, c2) => [
      rowProduct(m, fused).call(
        ...[i32.const(panels), i32.const(k), a.get, bytes(1), b.get, bytes(k * PANEL)],
        ...[init.get, bytes(initPanel), c.get, bytes(APART)],
      ),
      Array.from({ length: panels }, (_, panel) =>
        panelRows(m, { layout: "rows", fused }).call(
          ...[i32.const(1), i32.const(k), a.get, bytes(k), i32.add(b.get, bytes(panel * k * PANEL))],
          ...[
            i32.add(init.get, bytes(panel * initPanel)),
            bytes(0),
            i32.add(c2.get, bytes(panel * APART)),
            bytes(APART),
          ],
        ),
      ),
    ]);
  }, 4);
  let at = 1024;
  const places = [a, b, init].map((array) => {
    const here = at;
    instance.floats.set(array, here);
    at += array.length + PANEL;
    return here;
  });
  const [row, single] = [at, at + panels * APART + PANEL];
  instance.floats.fill(CANARY, row - 1);
  instance.call("row", ...[...places, row, single].map((place) => 4 * place));
  const took = (from: number) => instance.floats.slice(from - 1, from + panels * APART + 1);
  const exact = Float64Array.from({ length: panels * PANEL }, (_, n) => {
    const [panel, column] = [Math.floor(n / PANEL), n % PANEL];
    let sum = init[panel * initPanel + column]!;
    for (let p = 0; p < k; p++) sum += a[p]! * b[(panel * k + p) * PANEL + column]!;
    return sum;
  });
  return { row: took(row), single: took(single), exact };
}

describe.each(families)("one row times many panels, fused %s", (fused) => {
  test("every number of panels: near the exact sums, with the bits of one panel at a time, nothing between them touched", () => {
    for (const panels of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 15, 16, 21])
      for (const k of [0, 1, 7, 64])
        for (const initPanel of [0, PANEL]) {
          const { row, single, exact } = multiply({ panels, k, initPanel, fused });
          const at = `${panels} panels, k ${k}, init ${initPanel}`;
          expect(row, at).toEqual(single);
          const own = (n: number) => row[1 + Math.floor(n / PANEL) * APART + (n % PANEL)]!;
          expect(
            difference(
              Float32Array.from(exact, (_, n) => own(n)),
              exact,
            ),
            at,
          ).toBeLessThan(3e-6);
          expect(row[0], at).toBe(CANARY);
          expect(row.at(-1), at).toBe(CANARY);
        }
  });
});
