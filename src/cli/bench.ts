import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { checkChoice } from "../schema/check.ts";
import { integer, number, text, type ValuesOf } from "../schema/fields.ts";
import { VERSION } from "../shared/version.ts";
import { type Case, cases, casesNamed, operationsOf } from "./bench/cases.ts";
import { isWide, type Limit, limitFor } from "./bench/limits.ts";
import { type Measurement, measure } from "./bench/measure.ts";
import { numbersOf } from "./bench/numbers.ts";
import { ownLibrary } from "./bench/own-library.ts";
import { openWorkload, shapesOf } from "./bench/workloads.ts";
import { defineCommand } from "./command.ts";
import { counted, jsonLine, table, wholePercent } from "./format.ts";
import { type Io, isLive } from "./io.ts";
import { common } from "./options.ts";
import { processor } from "./processor.ts";

/** A training step, a layer, a streamed step and a product: a minute at most, together. */
const USUAL = ["char-lstm", "forecast", "sequence-256", "stream-64", "stream-256", "gemm"] as const;

const fields = {
  case: text({ about: "cases, separated by commas", unit: "names", default: USUAL.join(",") }),
  seconds: number({ about: "seconds to measure each case", unit: "number", above: 0, max: 600, default: 1 }),
  threads: integer({
    about: "number of threads",
    ...{ unit: "count", min: 1, max: 64, otherwise: "LONGSHORT_THREADS, or what the machine chooses" },
  }),
  json: common.json,
} as const;
type BenchFlags = ValuesOf<typeof fields>;

/** A line of `longshort bench --json`; `npm run bench` in a clone writes the same of every system. */
interface BenchRow extends Measurement, Limit {
  readonly case: string;
  readonly system: "longshort";
  readonly version: string;
  readonly node: string;
  readonly processor: string;
  readonly threads: number;
  readonly spread: number;
  readonly family: "fused" | "portable";
  readonly wide: boolean;
  readonly gflops: number;
}

export const benchCommand = (io: Io): Command =>
  defineCommand(io, {
    name: "bench",
    summary: "measure how fast this machine trains and runs networks",
    description: `Measures training steps, layers, streamed steps and products on this machine: time, CPU time, and the share of the processor's limit, which is measured beside it. Nothing is installed or sent; other software is measured by \`npm run bench\` in a clone of the repository.\nCases: ${Object.keys(cases).join(", ")}, or a group of them such as stream.`,
    fields,
    examples: ["bench", "bench --case char-lstm,gemm --json"],
    run: (values) => bench(values, io),
  });

async function bench(flags: BenchFlags, io: Io): Promise<void> {
  const live = isLive(io) && !flags.json;
  const names = [...new Set(flags.case.split(",").flatMap((word) => namesOf(word.trim())))];
  const rows: BenchRow[] = [];
  if (!flags.json)
    await io.stdout.write(`${processor()}, ${counted(availableParallelism(), "thread")}, Node ${process.version}\n`);
  for (const name of names) {
    if (live) await io.stderr.write(`\r\x1b[Kmeasuring ${name}`);
    const row = await measureCase(name, cases[name]!, flags);
    rows.push(row);
    if (flags.json) await io.stdout.write(jsonLine(row));
  }
  if (flags.json) return;
  if (live) await io.stderr.write("\r\x1b[K");
  const head = ["case", "threads", "time", "CPU time", "spread", "GFLOP/s", ""];
  await io.stdout.write(`${table([head, ...rows.map(lineOf)], io.stdout)}\n`);
}

function namesOf(word: string): string[] {
  const found = casesNamed(word);
  if (found.length === 0) checkChoice("--case", word, Object.keys(cases));
  return found;
}

async function measureCase(name: string, c: Case, { seconds, threads: wanted }: BenchFlags): Promise<BenchRow> {
  using machine = await ownLibrary.openMachine("wasm", { threads: wanted });
  const numbers = numbersOf(c, shapesOf(ownLibrary, c));
  const workload = await openWorkload({ library: ownLibrary, machine, numbers, c });
  await workload.check();
  const times = await measure(workload.run, { seconds, singles: c.kind === "stream" });
  const { family, threads } = machine.limits;
  const facts = { family, threads, wide: isWide(machine) };
  return {
    ...{ case: name, system: "longshort", version: VERSION, node: process.version, processor: processor() },
    ...times,
    ...{ spread: times.within, gflops: operationsOf(c) / times.medianMs / 1e6 },
    ...facts,
    ...(await limitFor(c, { ...times, ...facts })),
  };
}

function lineOf(row: BenchRow): string[] {
  const limit = row.timesBound
    ? `${row.timesBound.toFixed(2)} × the time to read its weights`
    : `${wholePercent(row.share)} of ${row.limitGflops!.toFixed(0)} GFLOP/s`;
  return [
    ...[row.case, String(row.threads), time(row.medianMs), row.cpuMs === null ? "–" : time(row.cpuMs)],
    ...[wholePercent(row.spread), row.gflops.toFixed(1), limit],
  ];
}

const time = (ms: number): string => (ms < 1 ? `${(1000 * ms).toPrecision(3)} µs` : `${ms.toPrecision(4)} ms`);
