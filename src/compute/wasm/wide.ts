import { ModuleBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import { ConstantTable } from "../../print/wasm/constants.ts";
import { forRange } from "../../print/wasm/control.ts";
import { i32, v128 } from "../../print/wasm/instructions.ts";
import { panelRows } from "../../print/wasm/product.ts";
import { sigmoid, tanh } from "../../print/wasm/transcendental.ts";
import { Vectors } from "../../print/wasm/vectors.ts";

/*
 * Whether the engine joins neighbouring vectors of 128 bits to registers of 256 (V8's --experimental-wasm-revectorize, Node 24
 * and later). Nothing tells but time: the wide tile is either twice as fast as the narrow one or slower. Both give the
 * same bits, so that the choice may depend on a measurement; and as the flag is experimental, that they do is looked at.
 */

const [ROWS, DEPTH, PANELS] = [60, 128, 4];
const FLOATING_POINT_OPERATIONS = 2 * ROWS * DEPTH * PANELS * 16;
/** Optimised code is there after a few milliseconds; until then rates rise. */
const [WINDOW, WINDOWS] = [1.5, 8];
/** Addresses: constants, zeros, both operands, the product of one panel, and functions of it. */
const [CONSTANTS, ZEROS, A, B, C, D] = [0, 2048, 4096, 40960, 81920, 90112];
const END = D + ROWS * 64;

/** One build of the kernels: runs them once, and shows what they came to. */
export interface Trial {
  readonly run: () => void;
  readonly results: Uint32Array;
}

/** A product of the size of a recurrent step, and a little of the pointwise part of a cell. */
export async function openTrial(wide: boolean, fused: boolean): Promise<Trial> {
  const m = new ModuleBuilder({ memory: { initial: 2, maximum: 2, shared: false }, wide });
  const constants = new ConstantTable(CONSTANTS, ZEROS).scope();
  m.func({ name: "run", params: [] }, (f): Code => {
    const products = Array.from({ length: PANELS }, (_, panel) =>
      panelRows(m, { blocked: false, fused }).call(
        ...[ROWS, DEPTH, A, DEPTH * 4, 4, B + panel * DEPTH * 64, ZEROS, 0, C, 64].map((n) => i32.const(n)),
      ),
    );
    const i = f.local("i32");
    const loaded = new Map<number, Code>();
    const parts = (wide ? [0, 16] : [0]).map((skip) => {
      const v = new Vectors({ f, constants, fused, loaded });
      const x = v.keep(v128.load(i.get, C + skip));
      const y = v.keep(tanh(v, v.keep(sigmoid(v, x))));
      return { code: v.code, store: v128.store(i.get, y, D + skip) };
    });
    const pointwise = [parts.map(({ code }) => code), parts.map(({ store }) => store)];
    return [products, forRange(i, i32.const(0), i32.const(ROWS * 64), 16 * parts.length, pointwise)];
  });
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 2 });
  constants.write(memory.buffer);
  new Float32Array(memory.buffer, A, (C - A) / 4).forEach((_, k, numbers) => {
    numbers[k] = Math.sin(k * k);
  });
  const { instance } = await WebAssembly.instantiate(m.finish(), { env: { memory } });
  return { run: instance.exports.run as () => void, results: new Uint32Array(memory.buffer, C, (END - C) / 4) };
}

/** The best rate of several short windows, in operations a millisecond. */
function rate({ run }: Trial): number {
  let best = 0;
  for (let window = 0; window < WINDOWS; window++) {
    const start = performance.now();
    let calls = 0;
    let time = 0;
    while (time < WINDOW) {
      run();
      calls++;
      time = performance.now() - start;
    }
    best = Math.max(best, (calls * FLOATING_POINT_OPERATIONS) / time);
  }
  return best;
}

/** Whether this process was started with the flag; pages and other hosts are not asked, nor slowed by a measurement. */
function mayBeWide(): boolean {
  const { process } = globalThis as { process?: { execArgv?: string[]; env?: Record<string, string | undefined> } };
  const flags = [...(process?.execArgv ?? []), process?.env?.NODE_OPTIONS ?? ""];
  return flags.some((flag) => flag.includes("wasm-revectorize"));
}

/** How the tiles were chosen. */
export interface TileChoice {
  /** Whether the process was started with the flag that joins vectors; without it nothing is measured. */
  readonly asked: boolean;
  readonly wide: boolean;
  /** What the narrow and the wide tile reached, in floating-point operations a second. */
  readonly rates?: { readonly narrow: number; readonly wide: number };
  /** Whether the wide build, optimised as it was by then, gave the bits of the narrow one. If not, it is not taken. */
  readonly right?: boolean;
}

/** Takes the wide build where it is faster and right. */
export function compareTrials(narrow: Trial, wide: Trial): TileChoice {
  const rates = { narrow: 1000 * rate(narrow), wide: 1000 * rate(wide) };
  const right = wide.results.every((bits, k) => bits === narrow.results[k]);
  return { asked: true, wide: right && rates.wide > 1.15 * rates.narrow, rates, right };
}

let known: Promise<TileChoice> | undefined;

/** Measures once per process, about 25 ms, and only where the flag was given. */
export function chooseTiles(fused: boolean): Promise<TileChoice> {
  known ??= (async () =>
    mayBeWide()
      ? compareTrials(await openTrial(false, fused), await openTrial(true, fused))
      : { asked: false, wide: false })();
  return known;
}

export const hasWideRegisters = async (fused: boolean): Promise<boolean> => (await chooseTiles(fused)).wide;
