import { availableParallelism, freemem, loadavg, totalmem } from "node:os";
import type { Command } from "commander";
import { engineFlags } from "../../scripts/flags.mjs";
import { diagnoseWasm, type WasmDiagnosis } from "../compute/diagnose.ts";
import type { Limits } from "../compute/machine.ts";
import { openMachine } from "../compute/open.ts";
import { VERSION } from "../shared/version.ts";
import { cases } from "./bench/cases.ts";
import { isWide, multiplyAddLimit, readBandwidth } from "./bench/limits.ts";
import { measure } from "./bench/measure.ts";
import { numbersOf } from "./bench/numbers.ts";
import { ownLibrary } from "./bench/own-library.ts";
import { openWorkload } from "./bench/workloads.ts";
import { defineCommand } from "./command.ts";
import { type Check, selfTest } from "./doctor/self-test.ts";
import { doctorText } from "./doctor/text.ts";
import { Ended } from "./failure.ts";
import { jsonLine } from "./format.ts";
import { EXIT, type Io } from "./io.ts";
import { common } from "./options.ts";
import { processor } from "./processor.ts";

/** What `doctor` found; `--json` prints it in one line. */
export interface Diagnosis {
  readonly version: string;
  readonly node: string;
  readonly v8: string;
  /** What runs this, for people: Node, or who says of itself that it is Node as well. */
  readonly host: string;
  readonly platform: string;
  readonly processor: string;
  readonly cores: number;
  readonly load: number;
  readonly memory: { readonly totalBytes: number; readonly freeBytes: number };
  /** Flags that this version of Node takes for full speed, and whether this process has them. */
  readonly flags: readonly { readonly flag: string; readonly given: boolean }[];
  readonly wasm: WasmDiagnosis;
  /** Of the machine as it opens by default; undefined when it does not work. */
  readonly machine?: Limits & { readonly wide: boolean };
  /** Why the machine does not open, or what broke down while it was examined. */
  readonly error?: string;
  readonly speed?: {
    /** A product as in the recurrence of 64 examples and 256 units, on one thread. */
    readonly gflops: number;
    readonly limitGflops: number;
    readonly share: number;
    /** Reading 32 kB, 512 kB, 8 MB and 128 MB again and again, in 10⁹ bytes a second. */
    readonly readingGBs: Readonly<Record<string, number>>;
    /** `Math.exp` in JavaScript before any kernel ran, and right after one: an engine that joins vectors can leave registers in a state that slows it. */
    readonly exponentialNs: { readonly before: number; readonly after: number };
  };
  readonly selfTest: { readonly passed: boolean; readonly checks: readonly Check[] };
}

const READING = { "32 kB": 2 ** 15, "512 kB": 2 ** 19, "8 MB": 2 ** 23, "128 MB": 2 ** 27 };

/** @param compare for tests: what stands in for the comparison with the reference */
export const doctorCommand = (io: Io, compare: typeof selfTest = selfTest): Command =>
  defineCommand(io, {
    name: "doctor",
    summary: "show what this machine offers and what was chosen, and test the kernels",
    description:
      "Reports what this host offers (flags, vectors, fused multiply-add, threads, memory), what the machine chose and why, and how fast it is relative to the limit of the processor, and compares its kernels with the float64 reference. Exit code 1 if they differ.",
    fields: { json: common.json },
    examples: ["doctor", "doctor --json"],
    async run({ json }) {
      const diagnosis = await diagnose(compare);
      await io.stdout.write(json ? jsonLine(diagnosis) : doctorText(diagnosis, io.program));
      if (!diagnosis.selfTest.passed) throw new Ended(EXIT.failure);
    },
  });

/** Bun and Deno give the version of the Node that they stand for. */
export function hostOf({ bun, deno, node, v8 }: Readonly<Record<string, string | undefined>>): string {
  if (bun) return `Bun ${bun}`;
  return deno ? `Deno ${deno} (V8 ${v8})` : `Node v${node} (V8 ${v8})`;
}

async function diagnose(compare: typeof selfTest): Promise<Diagnosis> {
  const before = exponentialNs(() => undefined);
  const host = {
    ...{ version: VERSION, node: process.version, v8: process.versions.v8, host: hostOf(process.versions) },
    ...{ platform: `${process.platform} ${process.arch}`, processor: processor() },
    ...{ cores: availableParallelism(), load: loadavg()[0] ?? 0 },
    memory: { totalBytes: totalmem(), freeBytes: freemem() },
    flags: engineFlags().map((flag) => ({ flag, given: process.execArgv.includes(flag) })),
    wasm: await diagnoseWasm(),
  };
  try {
    return { ...host, ...(await examine(compare, before)) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ...host, error: message, selfTest: { passed: false, checks: [] } };
  }
}

async function examine(
  compare: typeof selfTest,
  before: number,
): Promise<Required<Pick<Diagnosis, "machine" | "speed" | "selfTest">>> {
  using machine = await openMachine("wasm");
  using reference = await openMachine("reference");
  const checks = await compare(machine, reference);
  // Tiles are chosen once plans have run.
  const limits = { ...machine.limits, wide: isWide(machine) };
  return {
    machine: limits,
    speed: await speedOf(limits, before),
    selfTest: { passed: checks.every(({ passed }) => passed), checks },
  };
}

/** What `Math.exp` takes right after `run`: the least of several windows, long enough for the compiler to take the loop. */
function exponentialNs(run: () => void): number {
  const [windows, count] = [200, 2000];
  let [least, sum] = [Number.POSITIVE_INFINITY, 0];
  for (let window = 0; window < windows; window++) {
    run();
    const start = performance.now();
    for (let k = 0; k < count; k++) sum += Math.exp(-k / count);
    least = Math.min(least, performance.now() - start);
  }
  // The sum is used, so that no engine leaves it out.
  return sum > 0 ? (least / count) * 1e6 : Number.NaN;
}

async function speedOf(
  { family, wide }: Limits & { readonly wide: boolean },
  before: number,
): Promise<NonNullable<Diagnosis["speed"]>> {
  const c = cases["gemm-64x256x1024"]!;
  // The limit is that of one thread.
  using machine = await openMachine("wasm", { threads: 1 });
  const workload = await openWorkload({ library: ownLibrary, machine, numbers: numbersOf(c, {}), c });
  await workload.check();
  const { fastestMs } = await measure(workload.run, { seconds: 0.1, warmup: 0.1 });
  const gflops = (2 * 64 * 256 * 1024) / fastestMs / 1e6;
  const after = exponentialNs(workload.run);
  const limitGflops = (await multiplyAddLimit({ fused: family === "fused", wide })) / 1e9;
  const readingGBs: Record<string, number> = {};
  for (const [name, bytes] of Object.entries(READING)) readingGBs[name] = (await readBandwidth(bytes)) / 1e9;
  return { gflops, limitGflops, share: gflops / limitGflops, readingGBs, exponentialNs: { before, after } };
}
