import { ModuleBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import { ConstantTable } from "../../print/wasm/constants.ts";
import { forRange } from "../../print/wasm/control.ts";
import { i32, v128 } from "../../print/wasm/instructions.ts";
import { panelRows } from "../../print/wasm/product.ts";
import { sigmoid, tanh } from "../../print/wasm/transcendental.ts";
import { storesOf, Vectors } from "../../print/wasm/vectors.ts";
import { waitsAfter } from "./upper-halves.ts";

/*
 * Whether the engine joins neighbouring vectors of 128 bits to registers of 256 (V8's --experimental-wasm-revectorize, Node 24
 * and later). Nothing tells but time: the wide tile is either twice as fast as the narrow one or slower. Both give the
 * same bits, so that the choice may depend on a measurement; and as the flag is experimental, that they do is looked at.
 */

const [ROWS, DEPTH, PANELS] = [60, 128, 4];
const FLOATING_POINT_OPERATIONS = 2 * ROWS * DEPTH * PANELS * 16;
/** Milliseconds. Optimised code is there after some of them; until then rates are a fifth or less of what they become. */
const [WINDOW, WINDOWS, RISE] = [0.5, 24, 3.5];
const FIRST_CALLS = 3;
/** What the wide tile gains where vectors are joined is more than this; where they are not it loses. In between nothing is known yet. */
const GAIN = 1.3;
/** Windows that a clear answer is waited for. On a busy machine optimised code may come late: taken for slow, the wide tile would be lost for good. */
const PATIENCE = 60;
/** Addresses: constants, zeros, both operands, the product of one panel, and functions of it. */
const [CONSTANTS, ZEROS, A, B, C, D] = [0, 2048, 4096, 40960, 81920, 90112];
const END = D + ROWS * 64;

/** One build of the kernels: runs them once, and shows what they came to. */
export interface Trial {
  readonly run: () => void;
  readonly results: Uint32Array;
}

/** A product of the size of a recurrent step, and a little of the pointwise part of a cell. */
export function openTrial(wide: boolean, fused: boolean): Trial {
  const m = new ModuleBuilder({ memory: { initial: 2, maximum: 2, shared: false }, wide });
  const constants = new ConstantTable(CONSTANTS, ZEROS).scope();
  m.func({ name: "run", params: [] }, (f): Code => {
    const products = Array.from({ length: PANELS }, (_, panel) =>
      panelRows(m, { layout: "rows", fused }).call(
        ...[ROWS, DEPTH, A, DEPTH * 4, B + panel * DEPTH * 64, ZEROS, 0, C, 64].map((n) => i32.const(n)),
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
    const pointwise = [parts.map(({ code }) => code), storesOf(parts.map(({ store }) => store))];
    return [products, forRange(i, i32.const(0), i32.const(ROWS * 64), 16 * parts.length, pointwise)];
  });
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 2 });
  constants.write(memory.buffer);
  new Float32Array(memory.buffer, A, (C - A) / 4).forEach((_, k, numbers) => {
    numbers[k] = Math.sin(k * k);
  });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(m.finish()), { env: { memory } });
  return { run: instance.exports.run as () => void, results: new Uint32Array(memory.buffer, C, (END - C) / 4) };
}

/** Measures one build, window by window. */
class Meter {
  readonly #trial: Trial;
  /** Of the very first calls, before the optimising compiler has seen anything: the best of them, as another program may have held one up. */
  readonly #cold: number;
  readonly #rates: number[] = [];

  constructor(trial: Trial) {
    this.#trial = trial;
    this.#cold = Math.max(...Array.from({ length: FIRST_CALLS }, () => this.#window(0)));
  }

  measure(): void {
    this.#rates.push(this.#window(WINDOW));
  }

  /** In floating-point operations a millisecond. */
  get best(): number {
    return Math.max(...this.#rates);
  }

  /** Whether optimised code has taken over. */
  get risen(): boolean {
    return this.best > RISE * this.#cold;
  }

  /** Whether that has happened, and three windows agree. */
  get settled(): boolean {
    const [last, { best }] = [this.#rates.slice(-3), this];
    return this.risen && last.length === 3 && last.every((rate) => rate > 0.9 * best);
  }

  #window(length: number): number {
    const start = performance.now();
    let [calls, time] = [0, 0];
    do {
      this.#trial.run();
      calls++;
      time = performance.now() - start;
    } while (time < length);
    return (calls * FLOATING_POINT_OPERATIONS) / time;
  }
}

/** Whether this process was started with the flag; pages and other hosts are not asked, nor slowed by a measurement. */
export function mayBeWide(): boolean {
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
  /** Whether JavaScript waits for what wide kernels leave in registers, so that these are cleaned after every run; where it is not known, they are. */
  readonly waits?: boolean;
}

/** Takes the wide build where it is faster and right. Both are measured in turn until they have settled. */
export function compareTrials(narrow: Trial, wide: Trial): TileChoice {
  const [slow, fast] = [new Meter(narrow), new Meter(wide)];
  const isClear = (): boolean => fast.best < slow.best || fast.best > GAIN * slow.best;
  const enough = (window: number): boolean =>
    isClear()
      ? (slow.settled && fast.settled) || window >= (slow.risen && fast.risen ? WINDOWS : PATIENCE)
      : window >= PATIENCE;
  for (let window = 0; !enough(window); window++) {
    slow.measure();
    fast.measure();
  }
  const rates = { narrow: 1000 * slow.best, wide: 1000 * fast.best };
  const right = wide.results.every((bits, k) => bits === narrow.results[k]);
  return { asked: true, wide: right && rates.wide > 1.15 * rates.narrow, rates, right };
}

function measured(fused: boolean): TileChoice {
  const wide = openTrial(true, fused);
  const choice = compareTrials(openTrial(false, fused), wide);
  return choice.wide ? { ...choice, waits: waitsAfter(wide.run) } : choice;
}

/** By whether they multiply and add at once. */
const known = new Map<boolean, TileChoice>();

/** Measures once per process, 6 to 24 ms (60 where optimised code comes late), and only where the flag was given. */
export function chooseTiles(fused: boolean): TileChoice {
  const choice = known.get(fused) ?? (mayBeWide() ? measured(fused) : { asked: false, wide: false });
  known.set(fused, choice);
  return choice;
}
