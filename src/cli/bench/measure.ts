import { median, quantile } from "./statistics.ts";

export interface Measurement {
  /** Of one repetition, by the clock. */
  readonly medianMs: number;
  /** Processor time of one repetition, of all threads of the process together; null where the host does not tell (a page). */
  readonly cpuMs: number | null;
  readonly fastestMs: number;
  /** Of repetitions timed one by one; null where there were fewer than a hundred. */
  readonly p99Ms: number | null;
  /** From the tenth to the ninetieth of a hundred measurements, in parts of the median; 0 where there was one. */
  readonly within: number;
  /** Measurements that the median is of, each of `together` repetitions. */
  readonly count: number;
  readonly together: number;
}

export interface MeasureOptions {
  /** How long to measure. Default 1. */
  readonly seconds?: number;
  /** How long to repeat before that, until compilers and caches have settled. Default 0.4. */
  readonly warmup?: number;
  /** Also time repetitions one by one, for the p99. */
  readonly singles?: boolean;
}

/** Short repetitions are timed together until they last this long. */
const WINDOW_MS = 2;
/** A repetition longer than this is timed once: it is its own warm-up. */
const SLOW_MS = 3000;
const LEAST = 3;
/** A p99 needs some hundreds. */
const SINGLES = 200;

/** Times repetitions of `run` in this thread. What it must agree with is checked before, not here. */
export async function measure(run: () => unknown, options: MeasureOptions = {}): Promise<Measurement> {
  const { seconds = 1, warmup = 0.4, singles = false } = options;
  const first = await timed(run, 1);
  if (first.wall > SLOW_MS)
    return {
      ...{ medianMs: first.wall, cpuMs: first.cpu, fastestMs: first.wall, p99Ms: null },
      ...{ within: 0, count: 1, together: 1 },
    };

  let estimate = first.wall;
  const start = performance.now();
  while (performance.now() - start < warmup * 1000) estimate = Math.min(estimate, (await timed(run, 1)).wall);
  const together = Math.max(1, Math.ceil(WINDOW_MS / Math.max(estimate, 1e-5)));
  const samples = await repeat(run, together, seconds);
  const ones = singles ? await repeat(run, 1, seconds / 2, SINGLES) : together === 1 ? samples : [];
  const [wall, cpu] = [samples.map((s) => s.wall), samples.map((s) => s.cpu)];
  return {
    medianMs: median(wall),
    cpuMs: cpu.includes(null) ? null : median(cpu as number[]),
    fastestMs: Math.min(...wall),
    p99Ms:
      ones.length < 100
        ? null
        : quantile(
            ones.map((s) => s.wall),
            0.99,
          ),
    within: (quantile(wall, 0.9) - quantile(wall, 0.1)) / median(wall),
    count: wall.length,
    together,
  };
}

interface Sample {
  readonly wall: number;
  readonly cpu: number | null;
}

async function repeat(run: () => unknown, together: number, seconds: number, least = LEAST): Promise<Sample[]> {
  const samples: Sample[] = [];
  const start = performance.now();
  while (performance.now() - start < seconds * 1000 || samples.length < least) samples.push(await timed(run, together));
  return samples;
}

const host = globalThis as { process?: { cpuUsage?: (before?: unknown) => { user: number; system: number } } };
const cpuUsage = host.process?.cpuUsage?.bind(host.process);

/** Milliseconds of one of `together` repetitions. Only what is a promise is awaited: a turn of the event loop takes longer than a small step. */
async function timed(run: () => unknown, together: number): Promise<Sample> {
  const before = cpuUsage?.();
  const start = performance.now();
  const result = run();
  if (result instanceof Promise) {
    await result;
    for (let k = 1; k < together; k++) await run();
  } else for (let k = 1; k < together; k++) run();
  const wall = (performance.now() - start) / together;
  const used = cpuUsage?.(before);
  return { wall, cpu: used ? (used.user + used.system) / 1000 / together : null };
}
