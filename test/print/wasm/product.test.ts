import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { i32 } from "../../../src/print/wasm/instructions.ts";
import { matmulWorkspace, packedBytes, printMatmul, printPackedB } from "../../../src/print/wasm/matmul.ts";
import { packPanels, transposeBlock } from "../../../src/print/wasm/pack.ts";
import { panelProduct, TILES_BYTES, transposedPanelProduct } from "../../../src/print/wasm/panel-product.ts";
import { panelRows } from "../../../src/print/wasm/product.ts";
import { solo } from "../../../src/print/wasm/team.ts";
import { difference } from "../../support/difference.ts";
import { canFuse, families, instantiate } from "./instantiate.ts";

const CANARY = -12345.5;
const START = 4096;

/** Numbers that look random and are the same every time. */
const numbers = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.fround(Math.sin((i + 1) * 12.9898 * (seed + 1)) * 43758.5453) % 1);

/** Places arrays in memory one after the other, a canary of 4 numbers between them. */
function lay(instance: { floats: Float32Array }, arrays: Float32Array[]): number[] {
  let at = START / 4;
  instance.floats.fill(CANARY, at);
  return arrays.map((array) => {
    at += 4 + (at % 4);
    const here = at;
    instance.floats.set(array, here);
    at += array.length;
    return here * 4;
  });
}

interface Product {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly bias: boolean;
  readonly fused: boolean;
  /** `b` is packed before, as weights are. */
  readonly packed?: boolean;
}

function multiply(p: Product, a: Float32Array, b: Float32Array, bias: Float32Array): Float32Array {
  const out = new Float32Array(p.m * p.n).fill(7);
  const bytes = START + 4 * (a.length + b.length + bias.length + out.length) + 4096;
  const workspace = Math.ceil(bytes / 64) * 64;
  const packedAt = workspace + matmulWorkspace(p, solo, p.packed).bytes + 64;
  const pages = Math.ceil((packedAt + (p.packed ? packedBytes(p)! : 0)) / 65536);
  let places: number[] = [];
  const instance = instantiate(
    (builder) =>
      void builder.func({ name: "run", params: ["i32", "i32", "i32", "i32"] }, (_, a, b, bias, out) =>
        printMatmul(builder, {
          ...p,
          ...{ a: a.get, b: b.get, bias: p.bias ? bias.get : undefined, out: out.get, zeros: 256 },
          ...{ workspace: i32.const(workspace), team: solo },
          packedB: p.packed
            ? { at: packedAt, code: printPackedB(builder, { ...p, b: b.get, to: i32.const(packedAt), team: solo }) }
            : undefined,
        }),
      ),
    pages,
  );
  places = lay(instance, [a, b, bias, out]);
  const before = instance.floats.slice(0, workspace / 4);
  instance.call("run", ...places);
  const at = places[3]! / 4;
  const came = instance.floats.slice(at, at + out.length);
  const after = instance.floats.slice(0, workspace / 4);
  after.set(before.subarray(at, at + out.length), at);
  expect(Buffer.compare(Buffer.from(after.buffer), Buffer.from(before.buffer)), "memory outside of the result").toBe(0);
  const end = packedAt / 4 - 16;
  expect(instance.floats[end], "memory behind the workspace").toBe(CANARY);
  return came;
}

function exact(p: Product, a: Float32Array, b: Float32Array, bias: Float32Array): Float64Array {
  const out = new Float64Array(p.m * p.n);
  for (let i = 0; i < p.m; i++)
    for (let j = 0; j < p.n; j++) {
      let sum = p.bias ? bias[j]! : 0;
      for (let q = 0; q < p.k; q++)
        sum += a[p.transposeA ? q * p.m + i : i * p.k + q]! * b[p.transposeB ? j * p.k + q : q * p.n + j]!;
      out[i * p.n + j] = sum;
    }
  return out;
}

const check = (p: Product, limit = 3e-6): void => {
  const [a, b, bias] = [numbers(p.m * p.k, 1), numbers(p.k * p.n, 2), numbers(p.n, 3)];
  const came = multiply(p, a, b, bias);
  expect(difference(came, exact(p, a, b, bias)), JSON.stringify(p)).toBeLessThan(limit);
};

describe("matmul", () => {
  const sizes = [1, 3, 4, 5, 8, 15, 16, 17, 33, 100];
  test.each(families)("every size of rows and columns, fused %s", (fused) => {
    for (const m of sizes)
      for (const n of sizes) {
        const flags = sizes.indexOf(m) * 3 + sizes.indexOf(n);
        const k = sizes[(flags * 7) % sizes.length]!;
        check({ m, k, n, transposeA: flags % 2 > 0, transposeB: flags % 3 > 0, bias: flags % 5 > 1, fused });
      }
  });

  test("every combination of transposes and bias at every length of the sum", () => {
    for (const k of [0, ...sizes, 256, 384, 385, 700])
      for (const flags of [0, 1, 2, 3, 4, 5, 6, 7])
        check({
          m: 7,
          k,
          n: 19,
          transposeA: !!(flags & 1),
          transposeB: !!(flags & 2),
          bias: !!(flags & 4),
          fused: canFuse,
        });
  });

  test("more rows than a block, and nothing at all", () => {
    check({ m: 251, k: 390, n: 21, transposeA: true, transposeB: false, bias: true, fused: canFuse });
    check({ m: 0, k: 3, n: 5, transposeA: false, transposeB: false, bias: true, fused: canFuse });
    check({ m: 3, k: 3, n: 0, transposeA: false, transposeB: true, bias: false, fused: canFuse });
  });

  test.each([false, true])(
    "sums in blocks over more columns than are worked on together, packed before %s",
    (packed) => {
      const p = { k: 770, n: 1061, transposeB: false, bias: true, fused: canFuse, packed };
      check({ ...p, m: 126, transposeA: false });
      check({ ...p, m: 9, transposeA: true, transposeB: true });
    },
  );

  test("a sum of more columns than are packed at once", () => {
    check({ m: 2, k: 70000, n: 83, transposeA: false, transposeB: true, bias: true, fused: canFuse }, 1e-5);
  });

  test("a row has the same bits whatever rows stand beside it", () => {
    const p = { k: 300, n: 37, transposeA: false, transposeB: false, bias: true, fused: canFuse };
    const [a, b, bias] = [numbers(13 * p.k, 4), numbers(p.k * p.n, 5), numbers(p.n, 6)];
    const all = multiply({ ...p, m: 13 }, a, b, bias);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 1, max: 13 }), (first, count) => {
        const m = Math.min(count, 13 - first);
        const some = multiply({ ...p, m }, a.slice(first * p.k, (first + m) * p.k), b, bias);
        expect(some).toEqual(all.slice(first * p.n, (first + m) * p.n));
      }),
      { numRuns: 8 },
    );
  });
});

describe("panelRows", () => {
  interface Setting {
    readonly rows: number;
    readonly k: number;
    readonly layout: "rows" | "panels";
    readonly init?: "rows" | "same" | "row";
    readonly tileRows?: number;
    /** Whether the printer is told how many rows there are. */
    readonly known?: boolean;
    readonly wide?: boolean;
  }
  /** The numbers of a matrix [rows, k] where a layout has them, and its stride in bytes. */
  function lie(a: Float32Array, rows: number, k: number, layout: Setting["layout"]): [Float32Array, number] {
    const place = {
      rows: (i: number, p: number) => i * k + p,
      panels: (i: number, p: number) => (p >> 4) * rows * 16 + i * 16 + (p & 15),
    }[layout];
    const stored = a.slice();
    for (let i = 0; i < rows; i++) for (let p = 0; p < k; p++) stored[place(i, p)] = a[i * k + p]!;
    return [stored, 4 * { rows: k, panels: rows * 16 }[layout]];
  }

  /** A product, compared with its float64 sums. @returns its bits */
  function run({ rows, k, layout, init = "rows", tileRows, known = false, wide = false }: Setting): number[] {
    const [a, b, start] = [numbers(rows * k, 1), numbers(k * 16, 2), numbers(rows * 16, 3)];
    const [stored, stride] = lie(a, rows, k, layout);
    const options = { layout, fused: canFuse, ...(tileRows && { tileRows }), ...(known && { rows }) };
    const instance = instantiate(
      (m) =>
        void m.func({ name: "run", params: new Array(9).fill("i32") }, (_, ...args) =>
          panelRows(m, options).call(...args.map((x) => x.get)),
        ),
      16,
      wide,
    );
    const c = init === "same" ? start.slice() : new Float32Array(rows * 20).fill(CANARY);
    const places = lay(instance, [stored, b, start, c]) as [number, number, number, number];
    const cStride = init === "same" ? 64 : 80;
    const first = init === "same" ? [places[3], cStride] : [places[2], init === "row" ? 0 : 64];
    instance.call("run", rows, k, places[0], stride, places[1], ...first, places[3], cStride);
    const came: number[] = [];
    const expected: number[] = [];
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < 16; j++) {
        let sum = start[(init === "row" ? 0 : i * 16) + j]!;
        for (let p = 0; p < k; p++) sum += a[i * k + p]! * b[p * 16 + j]!;
        expected.push(sum);
        came.push(instance.floats[(places[3] + i * cStride) / 4 + j]!);
        if (init !== "same" && j < 4) expect(instance.floats[(places[3] + i * cStride) / 4 + 16 + j]).toBe(CANARY);
      }
    expect(difference(came, expected)).toBeLessThan(2e-6);
    return came;
  }

  test.each([false, true])("every layout of A, sums of every length, every kind of start, wide %s", (wide) => {
    for (const rows of [0, 1, 2, 3, 4, 5, 6, 9, 11, 16])
      for (const init of ["rows", "same", "row"] as const) {
        for (const k of [0, 1, 2, 7, 32]) run({ rows, k, layout: "rows", init, wide });
        for (const k of [0, 16, 48]) run({ rows, k, layout: "panels", init, wide });
      }
  });

  test("the shape of the tile and the layout of A do not change a bit", () => {
    for (const k of [32, 48]) {
      const expected = run({ rows: 11, k, layout: "rows", tileRows: 5 });
      for (const tileRows of [1, 2, 3, 4, 5, 6])
        for (const layout of ["rows", "panels"] as const)
          for (const wide of [false, true]) expect(run({ rows: 11, k, layout, tileRows, wide })).toEqual(expected);
    }
    const expected = run({ rows: 11, k: 31, layout: "rows" });
    expect(run({ rows: 11, k: 31, layout: "rows", wide: true })).toEqual(expected);
  });

  test("the tiles of a known number of rows are enough and give the same bits", () => {
    for (let rows = 1; rows <= 13; rows++)
      for (const layout of ["rows", "panels"] as const)
        expect(run({ rows, k: 16, layout, known: true })).toEqual(run({ rows, k: 16, layout }));
  });

  test.each([
    ["rows", 37],
    ["panels", 304],
  ] as const)(
    "panels that are fetched ahead give the same bits, %s, and nothing behind the last one is read",
    (layout, k) => {
      const [panels, pages] = [3, 4];
      for (const rows of [1, 5, 13, 121]) {
        const [stored, stride] = lie(numbers(rows * k, 1), rows, k, layout);
        const b = numbers(panels * k * 16, 2);
        const bits = (far: boolean): Float32Array => {
          const instance = instantiate(
            (m) =>
              void m.func({ name: "run", params: new Array(3).fill("i32") }, (_, a, b, c) => {
                const n = (value: number) => i32.const(value);
                return panelProduct(m, { layout, fused: canFuse, far }).call(
                  ...[n(panels), n(rows), n(k), a.get, n(stride), b.get, n(64 * k)],
                  ...[n(256), n(0), n(0), c.get, n(64), n(64 * rows)],
                );
              }),
            pages,
            true,
          );
          const c = new Float32Array(panels * rows * 16);
          const [a, to] = lay(instance, [stored, c]) as [number, number];
          instance.floats.fill(0, 64, 80);
          const atTheEnd = instance.floats.length - b.length;
          instance.floats.set(b, atTheEnd);
          instance.call("run", a, 4 * atTheEnd, to);
          return instance.floats.slice(to / 4, to / 4 + c.length);
        };
        expect(bits(true)).toEqual(bits(false));
      }
    },
  );

  test.each([false, true])("so do those of a transposed product, descending %s", (descending) => {
    const [panels, rows, k] = [3, 125, 301];
    const [source, b] = [numbers(rows * k, 1), numbers(panels * k * 16, 2)];
    const bits = (far: boolean): Float32Array => {
      const instance = instantiate(
        (m) =>
          void m.func({ name: "run", params: new Array(4).fill("i32") }, (_, a, b, c, tiles) => {
            const n = (value: number) => i32.const(value);
            return transposedPanelProduct(m, { fused: canFuse, far, zeros: 256, descending, keep: false }).call(
              ...[n(panels), n(rows), n(k), a.get, n(4 * rows), b.get, n(64 * k), c.get, n(64 * rows), tiles.get],
            );
          }),
        8,
        true,
      );
      const arrays = [source, new Float32Array(panels * rows * 16), new Float32Array(TILES_BYTES / 4)];
      const [a, c, tiles] = lay(instance, arrays) as [number, number, number];
      instance.floats.fill(0, 64, 80);
      const atTheEnd = instance.floats.length - b.length;
      instance.floats.set(b, atTheEnd);
      instance.call("run", a, 4 * atTheEnd, c, tiles);
      return instance.floats.slice(c / 4, c / 4 + panels * rows * 16);
    };
    expect(bits(true)).toEqual(bits(false));
  });

  test("panels of a known number of rows, up to several blocks of them", () => {
    const [panels, k] = [3, 5];
    const bits = (rows: number, known: boolean, back = false): Float32Array => {
      const instance = instantiate((m) => {
        const call = (o: Parameters<typeof panelProduct>[1]) =>
          m.func({ name: "run", params: new Array(4).fill("i32") }, (_, a, b, init, c) => {
            const n = (value: number) => i32.const(value);
            return [
              back ? m.turn : [],
              panelProduct(m, o).call(
                ...[n(panels), n(rows), n(k), a.get, n(4 * k), b.get, n(64 * k)],
                ...[init.get, n(0), n(64), c.get, n(64), n(64 * rows)],
              ),
            ];
          });
        call({ layout: "rows", fused: canFuse, turns: back, ...(known && { rows }) });
      }, 8);
      const c = new Float32Array(panels * rows * 16).fill(CANARY);
      const places = lay(instance, [numbers(rows * k, 1), numbers(panels * k * 16, 2), numbers(panels * 16, 3), c]);
      instance.call("run", ...places);
      return instance.floats.slice(places[3]! / 4, places[3]! / 4 + c.length);
    };
    for (const rows of [1, 2, 3, 4, 5, 16, 119, 120, 121, 125, 240, 247]) {
      const expected = bits(rows, false);
      expect(expected).not.toContain(CANARY);
      expect(bits(rows, true)).toEqual(expected);
      expect(bits(rows, true, true), "on the way back").toEqual(expected);
    }
  });
});

describe("packing", () => {
  test.each([
    ["rows", 1],
    ["transposed", 2],
    ["any strides", 3],
  ])("panels from %s", (_, kind) => {
    for (const [K, N] of [
      [1, 1],
      [3, 16],
      [4, 16],
      [5, 17],
      [8, 40],
      [9, 32],
      [33, 20],
      [70, 37],
      [0, 5],
    ] as const) {
      const source = numbers(K * N * 3, 1);
      const [row, column] = kind === 1 ? [N, 1] : kind === 2 ? [1, K] : [2, 3 * K];
      const panels = new Float32Array(Math.ceil(N / 16) * K * 16);
      const instance = instantiate(
        (m) =>
          void m.func({ name: "run", params: new Array(6).fill("i32") }, (_, ...args) =>
            packPanels(m).call(...args.map((x) => x.get)),
          ),
      );
      const [from, to] = lay(instance, [source, panels]) as [number, number];
      instance.call("run", from, row * 4, column * 4, K, N, to);
      for (let n = 0; n < Math.ceil(N / 16) * 16; n++)
        for (let k = 0; k < K; k++)
          panels[((n >> 4) * K + k) * 16 + (n & 15)] = n < N ? source[k * row + n * column]! : 0;
      expect(instance.floats.slice(to / 4, to / 4 + panels.length)).toEqual(panels);
      expect(instance.floats[to / 4 + panels.length]).toBe(CANARY);
    }
  });

  test("a block transposed", () => {
    for (const [rows, columns] of [
      [1, 1],
      [4, 4],
      [5, 9],
      [8, 3],
      [13, 16],
    ] as const) {
      const source = numbers(rows * (columns + 2), 1);
      const target = new Float32Array(columns * (rows + 1)).fill(CANARY);
      const instance = instantiate(
        (m) =>
          void m.func({ name: "run", params: ["i32", "i32"] }, (_, from, to) =>
            transposeBlock(m).call(
              ...[from.get, i32.const((columns + 2) * 4), i32.const(rows), i32.const(columns)],
              ...[to.get, i32.const((rows + 1) * 4)],
            ),
          ),
      );
      const [from, to] = lay(instance, [source, target]) as [number, number];
      instance.call("run", from, to);
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < columns; j++) target[j * (rows + 1) + i] = source[i * (columns + 2) + j]!;
      expect(instance.floats.slice(to / 4, to / 4 + target.length)).toEqual(target);
    }
  });
});
