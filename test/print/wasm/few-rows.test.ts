import { describe, expect, test } from "vitest";
import { FEW, fewRows } from "../../../src/print/wasm/few-rows.ts";
import { i32 } from "../../../src/print/wasm/instructions.ts";
import { panelRows } from "../../../src/print/wasm/product.ts";
import { difference } from "../../support/difference.ts";
import { families, instantiate } from "./instantiate.ts";

const PANEL = 16;
/** Panels of the result lie further apart than their rows are long, as those of a scan do: what lies between them is nobody's. */
const apart = (rows: number): number => rows * PANEL + 8;
const CANARY = -12345.5;
const numbers = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.fround(Math.sin((i + 1) * 12.9898 * (seed + 1)) * 43758.5453) % 1);

/** The rows by `fewRows`, there or on the way back, and by `panelRows` panel after panel. */
function multiply(o: {
  rows: number;
  panels: number;
  k: number;
  initPanel: number;
  fused: boolean;
  wide: boolean;
  layout: "rows" | "panels";
  back: boolean;
}) {
  const { rows, panels, k, initPanel, fused, wide, layout, back } = o;
  const [a, b] = [numbers(rows * k, 1), numbers(panels * k * PANEL, 2)];
  const init = numbers(initPanel === 0 ? PANEL : panels * PANEL, 3);
  const stored = new Float32Array(rows * k);
  const strideA = layout === "rows" ? k : rows * PANEL;
  const place = (i: number, p: number): number =>
    layout === "rows" ? i * k + p : Math.floor(p / PANEL) * strideA + i * PANEL + (p % PANEL);
  for (let i = 0; i < rows; i++) for (let p = 0; p < k; p++) stored[place(i, p)] = a[i * k + p]!;
  const instance = instantiate(
    (m) => {
      const params = new Array<"i32">(5).fill("i32");
      const bytes = (n: number) => i32.const(4 * n);
      m.func({ name: "rows", params }, (_, a, b, init, c, c2) => [
        back ? m.turn : [],
        fewRows(m, { rows, layout, fused, far: back, turns: true }).call(
          ...[i32.const(panels), i32.const(k), a.get, bytes(strideA), b.get, bytes(k * PANEL)],
          ...[init.get, bytes(0), bytes(initPanel), c.get, bytes(PANEL), bytes(apart(rows))],
        ),
        Array.from({ length: panels }, (_, panel) =>
          panelRows(m, { layout, fused }).call(
            ...[i32.const(rows), i32.const(k), a.get, bytes(strideA), i32.add(b.get, bytes(panel * k * PANEL))],
            ...[i32.add(init.get, bytes(panel * initPanel)), bytes(0)],
            ...[i32.add(c2.get, bytes(panel * apart(rows))), bytes(PANEL)],
          ),
        ),
      ]);
    },
    8,
    wide,
  );
  let at = 1024;
  const places = [stored, b, init].map((array) => {
    const here = at;
    instance.floats.set(array, here);
    at += array.length + PANEL;
    return here;
  });
  const [few, single] = [at, at + panels * apart(rows) + PANEL];
  instance.floats.fill(CANARY, few - 1);
  instance.call("rows", ...[...places, few, single].map((place) => 4 * place));
  const took = (from: number) => instance.floats.slice(from - 1, from + panels * apart(rows) + 1);
  const exact = Float64Array.from({ length: panels * rows * PANEL }, (_, n) => {
    const [panel, row, column] = [Math.floor(n / PANEL / rows), Math.floor(n / PANEL) % rows, n % PANEL];
    let sum = init[panel * initPanel + column]!;
    for (let p = 0; p < k; p++) sum += a[row * k + p]! * b[(panel * k + p) * PANEL + column]!;
    return sum;
  });
  return { few: took(few), single: took(single), exact };
}

describe.each(families)("a few rows times many panels, fused %s", (fused) => {
  test.each([
    ["rows", false],
    ["rows", true],
    ["panels", false],
    ["panels", true],
  ] as const)(
    "%s, wide %s: near the exact sums, with the bits of one panel at a time, nothing between them touched",
    (layout, wide) => {
      for (let rows = 1; rows <= FEW; rows++)
        for (const panels of [0, 1, 2, 3, 4, 5, 9])
          for (const k of layout === "rows" ? [0, 1, 7, 64] : [0, 16, 64])
            for (const [initPanel, back] of [
              [0, false],
              [PANEL, false],
              [PANEL, true],
            ] as const) {
              const { few, single, exact } = multiply({ rows, panels, k, initPanel, fused, wide, layout, back });
              const at = `${rows} rows, ${panels} panels, k ${k}, init ${initPanel}, back ${back}`;
              expect(few, at).toEqual(single);
              const ofPanel = PANEL * rows;
              const own = Float32Array.from(
                exact,
                (_, n) => few[1 + Math.floor(n / ofPanel) * apart(rows) + (n % ofPanel)]!,
              );
              expect(difference(own, exact), at).toBeLessThan(3e-6);
              expect(few[0], at).toBe(CANARY);
              expect(few.at(-1), at).toBe(CANARY);
            }
    },
  );
});
