/**
 * usage: npm run bench -- [--case NAME[,NAME]] [--rounds N] [--json FILE] [--node VERSION]
 *
 * Times cases on Longshort and its peers, side by side: same shapes, same numbers, results compared first, every
 * measurement in a fresh process, ours and theirs in turn. A peer runs with 1 and with 2 threads; what counts is its
 * better time. Figures are medians over the rounds; ratio is the peer's median over ours.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { engineFlags } from "../scripts/flags.mjs";
import { cases, peers } from "./cases.mjs";
import { writeData } from "./data.mjs";
import { command, install } from "./peers.mjs";

const { values: options } = parseArgs({
  options: {
    case: { type: "string", default: Object.keys(cases).join(",") },
    rounds: { type: "string", default: "3" },
    json: { type: "string" },
    node: { type: "string", default: "24" },
  },
});
const names = options.case.split(",");
const unknown = names.filter((name) => !(name in cases));
if (unknown.length > 0) {
  console.error(`no case "${unknown[0]}"; there are ${Object.keys(cases).join(", ")}`);
  process.exit(2);
}
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  console.error(`--rounds: expected a whole number from 1 on, got ${options.rounds}`);
  process.exit(2);
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
const node = nodeCommand(options.node);

/** Our own Node: the version asked for, with the flags it takes for full speed. */
function nodeCommand(major) {
  if (process.versions.node.startsWith(`${major}.`)) return [process.execPath, ...engineFlags()];
  const found = spawnSync(
    "npx",
    ["-y", "-p", `node@${major}`, "node", "-p", "process.execPath + ' ' + process.versions.node"],
    {
      encoding: "utf8",
    },
  );
  const [execPath, version] = (found.stdout ?? "").trim().split(" ");
  if (!execPath) {
    console.error(`Node ${major} cannot be had through npx; measuring ${process.version}`);
    return [process.execPath, ...engineFlags()];
  }
  return [execPath, ...engineFlags({ execPath, version })];
}

function once(system, setting) {
  const { program, env } = command(system, setting);
  // A kernel that this machine's environment chose for old programs would slow a peer down: it is to find its own best one.
  const { OPENBLAS_CORETYPE: _, OPENBLAS_L2_SIZE: __, ...inherited } = process.env;
  const { status, stdout, stderr } = spawnSync(program[0], program.slice(1), {
    ...{ encoding: "utf8", env: { ...inherited, ...env }, maxBuffer: 1e8 },
  });
  const line = stdout.trim().split("\n").at(-1);
  if (status !== 0 || !line) return { error: (stderr || stdout).trim().split("\n").at(-1) ?? `exit code ${status}` };
  return JSON.parse(line);
}

/** Largest difference of the numbers that must agree, relative to the largest of them. */
function disagreement(a, b) {
  const scale = Math.max(1e-3, ...b.map(Math.abs));
  return Math.max(...a.map((x, k) => Math.abs(x - b[k]) / scale));
}
const AGREE = 1e-4;

const rows = [];
let failed = false;
console.log(
  `${cpus()[0]?.model ?? "unknown processor"}, ${availableParallelism()} threads, load ${loadavg()[0].toFixed(2)}; ours on ${node.join(" ")}`,
);
for (const name of names) {
  const data = mkdtempSync(join(tmpdir(), "longshort-bench-"));
  writeData(data, cases[name]);
  const settings = [{ system: "longshort", threads: 1 }];
  for (const system of peers[cases[name].kind]) {
    const error = install(system);
    if (error) rows.push({ case: name, system, error });
    else settings.push(...[1, 2].map((threads) => ({ system, threads })));
  }
  const runs = settings.map((s) => ({ ...s, results: [] }));
  for (let round = 0; round < rounds; round++)
    for (const run of round % 2 ? [...runs].reverse() : runs)
      run.results.push(once(run.system, { data, threads: run.threads, node }));
  rmSync(data, { recursive: true });
  const summary = runs.map(({ system, threads, results }) => {
    const good = results.filter((r) => !r.error);
    if (good.length === 0) return { system, threads, error: results[0].error };
    const times = good.map((r) => r.medianMs);
    return {
      ...{
        system,
        threads,
        medianMs: median(times),
        cpuMs: median(good.map((r) => r.cpuMs)),
        p99Ms: median(good.map((r) => r.p99Ms)),
      },
      ...{ spread: (Math.max(...times) - Math.min(...times)) / median(times), first: good[0] },
    };
  });
  const ours = summary[0];
  if (ours.error) {
    failed = true;
    rows.push({ case: name, system: "longshort", threads: 1, error: ours.error });
    console.log(`${name}: ${ours.error}`);
    continue;
  }
  const common = { case: name, threads: 1 };
  rows.push({
    ...{ ...common, system: "longshort", version: ours.first.version, node: ours.first.node, medianMs: ours.medianMs },
    ...{ cpuMs: ours.cpuMs, p99Ms: ours.p99Ms, spread: ours.spread, wide: ours.first.wide, family: ours.first.family },
  });
  console.log(
    `\n${name.padEnd(14)} longshort ${ours.first.version}, ${ours.first.node}, 1 thread: ${ours.medianMs.toFixed(4)} ms (cpu ${ours.cpuMs.toFixed(4)}, spread ${(100 * ours.spread).toFixed(0)} %)`,
  );
  for (const system of peers[cases[name].kind]) {
    const tried = summary.filter((s) => s.system === system);
    const best = tried.filter((s) => !s.error).sort((a, b) => a.medianMs - b.medianMs)[0];
    if (!best) {
      if (tried.length > 0) {
        failed = true;
        rows.push({ ...common, system, error: tried[0].error });
      }
      console.log(`${"".padEnd(14)} ${system}: ${rows.find((r) => r.case === name && r.system === system)?.error}`);
      continue;
    }
    const difference = disagreement(ours.first.agree, best.first.agree);
    const agrees = difference <= AGREE;
    if (!agrees) failed = true;
    rows.push({
      ...{ ...common, system, version: best.first.version, node: best.first.node, peerThreads: best.threads },
      ...{
        medianMs: best.medianMs,
        cpuMs: best.cpuMs,
        p99Ms: best.p99Ms,
        spread: best.spread,
        ratio: best.medianMs / ours.medianMs,
        agrees,
      },
    });
    console.log(
      `${"".padEnd(14)} ${system} ${best.first.version}, ${best.threads} thread${best.threads > 1 ? "s" : ""}: ${best.medianMs.toFixed(4)} ms → ratio ${(best.medianMs / ours.medianMs).toFixed(2)}${agrees ? "" : `  RESULTS DIFFER by ${difference.toExponential(1)}`}`,
    );
  }
}
if (options.json) writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
process.exit(failed ? 1 : 0);
