import { ModuleBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import { i32 } from "../../print/wasm/instructions.ts";
import { panelRows } from "../../print/wasm/product.ts";

/*
 * Whether the engine joins neighbouring vectors of 128 bits to registers of 256 (V8's --experimental-wasm-revectorize, Node 24
 * and later). Nothing tells but time: the wide tile is either twice as fast as the narrow one or slower. Both give the
 * same bits, so that the choice may depend on a measurement.
 */

const [ROWS, DEPTH, PANELS] = [60, 128, 4];
const FLOATING_POINT_OPERATIONS = 2 * ROWS * DEPTH * PANELS * 16;
/** Optimised code is there after a few milliseconds; until then rates rise. */
const [WINDOW, WINDOWS] = [1.5, 8];

/** A product of the size of a recurrent step, over zeros. */
async function open(wide: boolean, fused: boolean): Promise<() => void> {
  const m = new ModuleBuilder({ memory: { initial: 2, maximum: 2, shared: false }, wide });
  const [a, b, c] = [0, 32768, 65536];
  m.func(
    { name: "run", params: [] },
    (): Code =>
      Array.from({ length: PANELS }, (_, panel) =>
        panelRows(m, { blocked: false, fused }).call(
          ...[ROWS, DEPTH, a, DEPTH * 4, 4, b + panel * DEPTH * 64, c, 64, c, 64].map((n) => i32.const(n)),
        ),
      ),
  );
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 2 });
  const { instance } = await WebAssembly.instantiate(m.finish(), { env: { memory } });
  return instance.exports.run as () => void;
}

/** The best rate of several short windows, in operations a millisecond. */
function rate(run: () => void): number {
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
}

let known: Promise<TileChoice> | undefined;

/** Measures once per process, about 25 ms, and only where the flag was given. */
export function chooseTiles(fused: boolean): Promise<TileChoice> {
  known ??= (async () => {
    if (!mayBeWide()) return { asked: false, wide: false };
    const runs = [await open(false, fused), await open(true, fused)] as const;
    const [narrow, wide] = [rate(runs[0]), rate(runs[1])];
    return { asked: true, wide: wide > 1.15 * narrow, rates: { narrow: narrow * 1000, wide: wide * 1000 } };
  })();
  return known;
}

export const hasWideRegisters = async (fused: boolean): Promise<boolean> => (await chooseTiles(fused)).wide;
