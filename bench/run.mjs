/**
 * usage: npm run bench -- [--case NAME[,NAME]] [--rounds N] [--json FILE] [--node 20|24] [--engine node|chromium] [--threads 1,2]
 *                         [--no-peers] [--pytorch-avx2]
 *
 * Times cases on Longshort and its peers, side by side: same shapes, same numbers, results compared, every measurement in a fresh
 * process, ours and theirs in turn. A peer runs with 1, 2 and as many threads as ours: ratio is its best median of this run over ours,
 * sameThreadsRatio that on as many threads as ours. Figures are medians over the rounds. Ends with 1 when a peer or a comparison fails.
 */
import { writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";
import { casesNamed } from "../dist/cli/bench/cases.js";
import { cases } from "./cases.mjs";
import { measureIn } from "./child.mjs";
import { withData } from "./data.mjs";
import { openEngine } from "./engine.mjs";
import { measureGrowth } from "./growth.mjs";
import { readOptions } from "./options.mjs";
import { install, peerCommand, threadsOf } from "./peers.mjs";
import { combine, failed, rowsOf } from "./rows.mjs";
import { measureStart } from "./start.mjs";
import { sayRow } from "./table.mjs";

/** A measurement that took longer than this is not repeated. */
const LONG_MS = 15_000;

const options = readOptions(process.argv.slice(2));
const names = [...new Set(options.cases.flatMap((word) => casesNamed(word, Object.keys(cases))))];
const engine = openEngine(options);
const about = {
  processor: cpus()[0]?.model.trim() ?? "unknown",
  cores: availableParallelism(),
  engine: options.engine,
  ...(options.avx2 && { pytorch: "avx2" }),
};
console.log(`${about.processor}, ${about.cores} threads, load ${loadavg()[0].toFixed(2)}; ours on ${engine.say}`);

const whyNot = new Map();
const rows = [];
for (const name of names) {
  const { work } = cases[name];
  const own = { name, engine, threads: options.threads, rounds: options.rounds, about };
  const measured = work ? await measureCase(name) : await (name === "growth" ? measureGrowth : measureStart)(own);
  for (const row of measured) console.log(sayRow(row));
  rows.push(...measured);
  if (options.json) writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
}
process.exitCode = failed(rows) ? 1 : 0;

async function measureCase(name) {
  const { work } = cases[name];
  const peers = options.peers ? cases[name].peers : [];
  for (const system of peers) if (!whyNot.has(system)) whyNot.set(system, install(system));
  return withData(work, async (data) => {
    const ours = options.threads.map((threads) => run("longshort", threads));
    const theirs = peers
      .filter((system) => !whyNot.get(system))
      .flatMap((system) => threadsOf(system, options.threads).map((threads) => run(system, threads)));
    let turn = [...ours, ...theirs];
    for (let round = 0; round < options.rounds; round++) {
      for (const one of round % 2 ? [...turn].reverse() : turn) await measureOnce(one, data);
      turn = turn.filter((one) => !one.slow);
    }
    return rowsOf({
      ...{ name, about, int8: work.int8 },
      ours: ours.map(combine),
      peers: peers.map((system) => ({
        ...{ system, error: whyNot.get(system) },
        runs: theirs.filter((one) => one.system === system).map(combine),
      })),
    });
  });
}

function run(system, threads) {
  return { system, threads, results: [], slow: false };
}

async function measureOnce(one, data) {
  const { program, env } =
    one.system === "longshort"
      ? { program: engine.case(data, one.threads), env: {} }
      : peerCommand(one.system, data, one.threads, options);
  const start = performance.now();
  one.results.push(await measureIn(program, env));
  one.slow = performance.now() - start > LONG_MS;
}
