import { expect, test } from "vitest";
import { hasDots } from "../../../src/compute/wasm/dots.ts";
import { ModuleBuilder } from "../../../src/print/wasm/assembler.ts";
import { ConstantTable } from "../../../src/print/wasm/constants.ts";
import { i32 } from "../../../src/print/wasm/instructions.ts";
import { packPanels } from "../../../src/print/wasm/pack.ts";
import {
  apartPairs,
  columnsBytes,
  quantizedColumns,
  quantizedProduct,
  quantizeRow,
} from "../../../src/print/wasm/quantized-product.ts";

const STEPS = 8191;
const { fround } = Math;
const wave = (i: number, seed: number): number => Math.sin((i + 1) * 12.9898 * (seed + 1));

interface Setting {
  readonly rows: number;
  readonly k: number;
  readonly n: number;
  readonly bias: boolean;
}

/** Numbers of all magnitudes, the outermost weights among them; a row of zeros and one that is next to nothing. */
function numbersOf({ rows, k, n }: Setting) {
  const a = Float32Array.from({ length: rows * k }, (_, i) => wave(i, 1) * 10 ** (3 * wave(i, 2)));
  if (rows > 2) a.fill(0, k, 2 * k).fill(1e-31, 2 * k, 3 * k);
  const weights = Int8Array.from({ length: n * k }, (_, i) =>
    Math.max(-127, Math.min(127, Math.round(200 * wave(i, 3)))),
  );
  const [scale, bias] = [4, 5].map((seed) => Float32Array.from({ length: n }, (_, i) => wave(i, seed)));
  return { a, weights, scale: scale!, bias: bias! };
}
type Numbers = ReturnType<typeof numbersOf>;

/** The same in JavaScript, rounded to float32 wherever the kernel rounds. */
function expected({ rows, k, n, bias: biased }: Setting, { a, weights, scale, bias }: Numbers): Float32Array {
  const out = new Float32Array(rows * n);
  for (let i = 0; i < rows; i++) {
    const row = a.subarray(i * k, (i + 1) * k);
    const most = row.reduce((x, y) => Math.max(x, Math.abs(y)), 0);
    const largest = most < 1e-30 ? 0 : most;
    const inverse = largest > 0 ? fround(STEPS / largest) : 0;
    const whole = Array.from(row, (v) => fround(fround(v * inverse) + 12582912) - 12582912);
    for (let j = 0; j < n; j++) {
      const sum = whole.reduce((s, v, p) => s + v * weights[j * k + p]!, 0);
      const scaled = fround(fround(fround(sum) * fround(largest / STEPS)) * scale[j]!);
      out[i * n + j] = fround(scaled + (biased ? bias[j]! : 0));
    }
  }
  return out;
}

function computed(
  s: Setting,
  { a, weights, scale, bias }: Numbers,
  o: { split: boolean; wide: boolean; back: boolean },
): Float32Array {
  const { rows, k, n } = s;
  const [words, panels, depth] = [Math.ceil(k / 4), Math.ceil(n / 16), Math.ceil(k / 16) * 16];
  const limits = { initial: 16, maximum: 16 };
  const m = new ModuleBuilder({ memory: { ...limits, shared: false }, wide: o.wide });
  const constants = new ConstantTable(1024, 4096).scope();
  let top = 4096;
  const place = (bytes: number): number => {
    const at = top;
    top += Math.ceil(bytes / 64) * 64;
    return at;
  };
  const at = {
    ...{ a: place(rows * depth * 4), raw: place(n * words * 4), scale: place(panels * 64), bias: place(panels * 64) },
    ...{ packed: place(panels * words * 64), columns: place(columnsBytes(panels)), left: place(rows * depth * 2) },
    ...{ scales: place(rows * 4), out: place(rows * panels * 64) },
  };
  m.func({ name: "run", params: [] }, () => [
    packPanels(m).call(...[at.raw, 4, words * 4, words, n, at.packed].map((x) => i32.const(x))),
    quantizedColumns(m, s).call(
      ...[panels, words, at.packed, at.scale, ...(s.bias ? [at.bias] : []), at.columns].map((x) => i32.const(x)),
    ),
    o.split ? [] : apartPairs(m).call(i32.const(panels * words), i32.const(at.packed)),
    Array.from({ length: rows }, (_, i) =>
      quantizeRow(m, { ...o, constants, steps: STEPS }).call(
        ...[at.a + i * depth * 4, depth, at.left + i * depth * 2, at.scales + 4 * i].map((x) => i32.const(x)),
      ),
    ),
    o.back ? m.turn : [],
    quantizedProduct(m, { ...o, turns: true }).call(
      ...[rows, panels, words, at.left, depth * 2, at.packed, at.scales, at.columns, at.out, panels * 64, 64].map((x) =>
        i32.const(x),
      ),
    ),
  ]);
  const memory = new WebAssembly.Memory(limits);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(m.finish()), { env: { memory } });
  constants.write(memory.buffer);
  const [floats, bytes] = [new Float32Array(memory.buffer), new Int8Array(memory.buffer)];
  for (let i = 0; i < rows; i++) floats.set(a.subarray(i * k, (i + 1) * k), at.a / 4 + i * depth);
  for (let j = 0; j < n; j++) bytes.set(weights.subarray(j * k, (j + 1) * k), at.raw + j * words * 4);
  floats.set(scale, at.scale / 4);
  floats.set(bias, at.bias / 4);
  // What is there before changes nothing.
  floats.fill(7, at.left / 4, top / 4);
  (instance.exports.run as () => void)();
  const out = new Float32Array(rows * n);
  for (let i = 0; i < rows; i++) {
    const from = at.out / 4 + i * panels * 16;
    out.set(floats.subarray(from, from + n), i * n);
  }
  return out;
}

test.for([true, false])(
  "sums of whole numbers are exact (split: %s), whatever the shape and the tile",
  (split, { skip }) => {
    if (split && !hasDots())
      skip("this engine has no right product of 8 and 7 bits (relaxed SIMD), as Node 20 has none");
    for (const rows of [1, 3])
      for (const k of [1, 4, 15, 16, 33, 64, 130])
        for (const n of [1, 16, 17, 48, 80])
          for (const bias of [true, false]) {
            const setting = { rows, k, n, bias };
            const numbers = numbersOf(setting);
            const right = expected(setting, numbers);
            for (const wide of [false, true])
              for (const back of [false, true]) {
                const how = { split, wide, back };
                expect(computed(setting, numbers, how), JSON.stringify({ ...setting, ...how })).toEqual(right);
              }
          }
  },
);
