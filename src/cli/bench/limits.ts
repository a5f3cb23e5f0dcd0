import { diagnoseWasm } from "../../compute/diagnose.ts";
import { ModuleBuilder } from "../../print/wasm/assembler.ts";
import type { Code } from "../../print/wasm/code.ts";
import { doWhile, forRange, type Local } from "../../print/wasm/control.ts";
import { f32x4, i32, i32x4, v128 } from "../../print/wasm/instructions.ts";
import { type Case, operationsOf, streamBytes } from "./cases.ts";

/*
 * What this processor and engine can do at most, measured beside the cases: loops that do nothing but multiply and add in registers,
 * or nothing but read. Vectors come in neighbouring pairs, loaded and stored one after the other, so that an engine that joins pairs to
 * registers of 256 bits does it here as it does in the kernels.
 */

const PAGE = 65536;
/** Twelve sums hide the latency of a multiply-add; pairs of vectors are twelve registers where they are joined. */
const SUMS = 12;
const WINDOWS = 12;
const WINDOW_MS = 2;

interface Loop {
  readonly pages: number;
  readonly print: (m: ModuleBuilder) => void;
  /** What one call of `run` does, in the unit of the result. */
  readonly work: number;
}

/** The best rate of several short windows, in `work` a second. Other work on the machine only slows a window down. */
async function bestRate({ pages, print, work }: Loop): Promise<number> {
  const size = { initial: pages, maximum: pages };
  const m = new ModuleBuilder({ memory: { ...size, shared: false } });
  print(m);
  const memory = new WebAssembly.Memory(size);
  // Pages that were never written are one page of zeros to an operating system: however many are read, they come from the first cache.
  new Float32Array(memory.buffer).fill(1);
  const { instance } = await WebAssembly.instantiate(m.finish(), { env: { memory } });
  const run = instance.exports.run as () => void;
  let best = 0;
  for (let window = 0; window < WINDOWS; window++) {
    const start = performance.now();
    let [calls, time] = [0, 0];
    while (time < WINDOW_MS) {
      run();
      calls++;
      time = performance.now() - start;
    }
    best = Math.max(best, (calls * work * 1000) / time);
  }
  return best;
}

const vectors = (count: number): readonly number[] => Array.from({ length: count }, (_, k) => k);
const [A, B, C] = [0, 32, 1024];

/**
 * `sum ← a · b + sum` in registers, as products have it, `wide` in twice as many vectors.
 * @returns floating-point operations a second
 */
export function multiplyAddLimit({ fused, wide }: { fused: boolean; wide: boolean }): Promise<number> {
  const [turns, count] = [20_000, wide ? 2 * SUMS : SUMS];
  const step = (sum: Local, a: Local, b: Local): Code =>
    sum.set(fused ? f32x4.relaxed_madd(a.get, b.get, sum.get) : f32x4.add(f32x4.mul(a.get, b.get), sum.get));
  return bestRate({
    pages: 1,
    work: turns * count * 4 * 2,
    print: (m) =>
      m.func({ name: "run", params: [] }, (f) => {
        const sums = vectors(count).map(() => f.local("v128"));
        const [a, b] = [A, B].map((at) => [0, 16].map((part) => ({ local: f.local("v128"), at: at + part }))) as [
          { local: Local; at: number }[],
          { local: Local; at: number }[],
        ];
        const n = f.local("i32");
        return [
          [...a, ...b].map(({ local, at }) => local.set(v128.load(i32.const(0), at))),
          sums.map((sum, k) => sum.set(v128.load(i32.const(0), C + 16 * k))),
          n.set(i32.const(turns)),
          doWhile(
            [
              // Narrow ones have registers for one factor each.
              sums.map((sum, k) => step(sum, a[wide ? k & 1 : 0]!.local, b[wide ? k & 1 : 0]!.local)),
              n.set(i32.sub(n.get, i32.const(1))),
            ],
            n.get,
          ),
          sums.map((sum, k) => v128.store(i32.const(0), sum.get, C + 16 * k)),
        ];
      }),
  });
}

/** A way to multiply weights of 8 bits with numbers of 14 or 16 bits, and the sums that it has at a time. */
interface Dots {
  readonly sums: number;
  /** Bytes of weights for the sums, and what is added to each of them. */
  readonly bytes: number;
  readonly times: (sum: Local, k: number, at: Local, a: Local) => Code;
}
const widened: Dots = {
  ...{ sums: SUMS, bytes: 8 * SUMS },
  times: (sum, k, at, a) => i32x4.add(sum.get, i32x4.dot_i16x8_s(v128.load8x8_s(at.get, 8 * k), a.get)),
};
/** Both parts of a number with the same weights: of four sums two are of the high parts. */
const split = (sums: number): Dots => ({
  ...{ sums, bytes: 8 * sums },
  times: (sum, k, at, a) =>
    i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(at.get, 32 * (k >> 2) + 16 * (k & 1)), a.get, sum.get),
});

/**
 * Weights of 8 bits from the first-level cache, multiplied with what is finer than 8 bits and added, in the best way that we know
 * (`print/wasm/quantized-product.ts`): widened to 16 bits, or by instructions of relaxed SIMD for either part of a number of 14 bits.
 *
 * @returns multiply-adds a second
 */
async function dotProductLimit(): Promise<number> {
  const { dots } = await diagnoseWasm();
  let best = 0;
  for (const way of [widened, ...(dots ? [split(SUMS), split(2 * SUMS)] : [])])
    best = Math.max(best, await bestRate(multiplying(way)));
  return best;
}

function multiplying({ sums: count, bytes, times }: Dots): Loop {
  const [turns, lines] = [500, 16];
  return {
    pages: 2,
    work: turns * lines * bytes,
    print: (m) =>
      m.func({ name: "run", params: [] }, (f) => {
        const sums = vectors(count).map(() => f.local("v128"));
        const [a, n, at] = [f.local("v128"), f.local("i32"), f.local("i32")];
        return [
          a.set(v128.load32_splat(i32.const(0), A)),
          sums.map((sum, k) => sum.set(v128.load(i32.const(0), C + 16 * k))),
          forRange(
            n,
            i32.const(0),
            i32.const(turns),
            1,
            forRange(
              at,
              i32.const(PAGE),
              i32.const(PAGE + lines * bytes),
              bytes,
              sums.map((sum, k) => sum.set(times(sum, k, at, a))),
            ),
          ),
          sums.map((sum, k) => v128.store(i32.const(0), sum.get, C + 16 * k)),
        ];
      }),
  };
}

/** Streams that memory is read as at the same time, and the pairs of vectors that a turn reads of each: which is best depends on the cache. */
const STREAMS = [
  { streams: 1, pairs: 6 },
  { streams: 2, pairs: 3 },
  { streams: 4, pairs: 2 },
] as const;

/** Reading `bytes` again and again, so from the cache that holds them, in the best way that we know. @returns bytes a second */
export async function readBandwidth(bytes: number): Promise<number> {
  let best = 0;
  for (const way of STREAMS) best = Math.max(best, await bestRate(reading(bytes, way)));
  return best;
}

/** A loop that reads `bytes` in as many parts as there are `streams`, side by side. */
function reading(bytes: number, { streams, pairs }: (typeof STREAMS)[number]): Loop {
  const block = pairs * 32;
  const part = Math.max(1, Math.floor(bytes / streams / block)) * block;
  const whole = streams * part;
  const turns = Math.max(1, Math.round(2 ** 18 / whole));
  return {
    pages: 1 + Math.ceil(whole / PAGE),
    work: turns * whole,
    print: (m) =>
      m.func({ name: "run", params: [] }, (f) => {
        const sums = vectors(SUMS).map(() => f.local("v128"));
        const [turn, at] = [f.local("i32"), f.local("i32")];
        const add = (sum: Local, from: number): Code => sum.set(f32x4.add(sum.get, v128.load(at.get, from)));
        // Of every stream one vector after the other; sums are taken in turn.
        const places = vectors(streams).flatMap((stream) =>
          vectors(2 * pairs).map((k) => PAGE + stream * part + 16 * k),
        );
        return [
          sums.map((sum, k) => sum.set(v128.load(i32.const(0), C + 16 * k))),
          forRange(
            turn,
            i32.const(0),
            i32.const(turns),
            1,
            forRange(
              at,
              i32.const(0),
              i32.const(part),
              block,
              places.map((place, k) => add(sums[k % SUMS]!, place)),
            ),
          ),
          sums.map((sum, k) => v128.store(i32.const(0), sum.get, C + 16 * k)),
        ];
      }),
  };
}

/** Whether a machine computes on registers of 256 bits: once its plans have run, if it can say so. */
export const isWide = (machine: object): boolean => (machine as { readonly wide?: boolean }).wide === true;

/** The limit that holds a case, and how near a measured time comes to it. */
export interface Limit {
  /** Of what the limit allows: the least time in parts of the measured one. */
  readonly share: number;
  /** Floating-point operations a second of its products, in units of 10⁹, and those that the vectors in use allow; of all but streamed steps. */
  readonly gflops?: number;
  readonly limitGflops?: number;
  /** Bytes of weights that a streamed step reads, and how fast the cache that holds them can be read. */
  readonly weightBytes?: number;
  readonly bandwidthGBs?: number;
  /** Multiply-adds of whole numbers a second, in units of 10⁹; of a step in int8. */
  readonly dotGmacs?: number;
  /** Least time of a streamed step, and the measured time in parts of it. */
  readonly boundMs?: number;
  readonly timesBound?: number;
}

/** Measures the limit of a case in this process: reading the weights for a streamed step, multiplying and adding for all others. */
export async function limitFor(
  c: Case,
  ours: {
    readonly medianMs: number;
    readonly family: "fused" | "portable";
    readonly wide: boolean;
    readonly threads: number;
  },
): Promise<Limit> {
  if (c.kind !== "stream") {
    const one = await multiplyAddLimit({ fused: ours.family === "fused", wide: ours.wide });
    const [gflops, limitGflops] = [operationsOf(c) / ours.medianMs / 1e6, (one * ours.threads) / 1e9];
    return { share: gflops / limitGflops, gflops, limitGflops };
  }
  const weightBytes = streamBytes(c);
  const bandwidth = await readBandwidth(weightBytes);
  const dots = c.int8 ? ours.threads * (await dotProductLimit()) : undefined;
  const reading = (1000 * weightBytes) / bandwidth;
  const boundMs = dots === undefined ? reading : Math.max(reading, (1000 * operationsOf(c)) / 2 / dots);
  return {
    share: boundMs / ours.medianMs,
    ...{ weightBytes, bandwidthGBs: bandwidth / 1e9 },
    ...(dots === undefined ? {} : { dotGmacs: dots / 1e9 }),
    ...{ boundMs, timesBound: ours.medianMs / boundMs },
  };
}
