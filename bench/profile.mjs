/**
 * `node bench/profile.mjs CASE [THREADS] [NODE]`: where the time of one repetition of a case goes.
 *
 * Every launch of every plan is prepared alone, over the same memory; then they run one after the other as in their plan, each timed by
 * itself: in CPU milliseconds on one thread, in those of the clock on several. (Repeating one launch alone would mislead: a scan's backward pass
 * would take the gradients that it left for activations, and these soon become denormal numbers, which are slow.) The line "derived" is what a
 * plan makes of its weights before a run (packed panels). A launch that runs alone adds one barrier.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ensureBuilt } from "../scripts/bootstrap.mjs";
import { openEngine } from "./engine.mjs";

const [name = "char-lstm", threads = "1", version = "24"] = process.argv.slice(2);
if (!process.env.LONGSHORT_PROFILE) {
  ensureBuilt();
  const [program, ...words] = [
    ...openEngine({ engine: "node", node: version }).node,
    ...[fileURLToPath(import.meta.url), name, threads, version],
  ];
  const { status } = spawnSync(program, words, {
    stdio: "inherit",
    env: { ...process.env, LONGSHORT_PROFILE: "1" },
  });
  process.exit(status ?? 1);
}

const { cases, operationsOf } = await import("../dist/cli/bench/cases.js");
const { numbersOf } = await import("../dist/cli/bench/numbers.js");
const { measure } = await import("../dist/cli/bench/measure.js");
const { median } = await import("../dist/cli/bench/statistics.js");
const { openWorkload, shapesOf } = await import("../dist/cli/bench/workloads.js");
const { openWasm } = await import("../dist/compute/wasm/machine.js");
const library = await import("../dist/index.js");

const c = cases[name];
if (!c) {
  console.error(`there is no case "${name}"; there are ${Object.keys(cases).join(", ")}`);
  process.exit(2);
}
// Launches that are worth little are to be shared among threads, too, when they are prepared alone.
const machine = await openWasm({ threads: Number(threads) }, { launch: 500_000, plan: 500_000 });
const plans = [];
const watched = new Proxy(machine, {
  get(target, key) {
    const value = target[key];
    if (key === "prepare")
      return async (plan, arenas) => {
        const prepared = await target.prepare(plan, arenas);
        plans.push({ plan, arenas, prepared });
        return prepared;
      };
    return typeof value === "function" ? value.bind(target) : value;
  },
});
const workload = await openWorkload({ library, machine: watched, numbers: numbersOf(c, shapesOf(library, c)), c });
await workload.check();

const time = async (run) => {
  const { medianMs, cpuMs } = await measure(run, { seconds: 0.4, warmup: 0.15 });
  return Number(threads) === 1 ? (cpuMs ?? medianMs) : medianMs;
};
// Timed alone, a plan of updates goes on with one gradient until all units are saturated: what it leaves is not what the next is timed with.
const started = [];
for (const arena of new Set(plans.map(({ arenas }) => arenas.parameters).filter(Boolean))) {
  const range = { arena: "parameters", offset: 0, length: arena.length, type: "float" };
  started.push({ arena, range, numbers: await machine.read(arena, range) });
}
const restart = () => {
  for (const { arena, range, numbers } of started) machine.write(arena, range, numbers);
};
const step = await time(workload.run);
let sum = 0;
const say = (label, ms, operations = 0) =>
  console.log(
    `${ms.toFixed(3).padStart(10)} ms ${((100 * ms) / step).toFixed(1).padStart(5)} % ${(operations ? (operations / ms / 1e6).toFixed(1) : "").padStart(6)}  ${label}`,
  );
console.log(`${name}, ${threads} thread(s), Node ${process.versions.node}: time, part of the step, GFLOP/s`);
for (const { plan, arenas, prepared } of plans) {
  restart();
  const alone = [];
  for (const launch of plan.launches) alone.push(await machine.prepare({ ...plan, launches: [launch] }, arenas));
  const times = inTurn(alone.map((one) => () => machine.run(one)));
  for (const one of alone) one.close();
  for (const [k, launch] of plan.launches.entries()) {
    sum += times[k];
    if (times[k] > 0.002 * step) say(told(launch), times[k], operations(launch.kernel));
  }
  // A word that is written back as it is: what is made of its arena has to be made again.
  const arena = arenas.parameters;
  if (arena) {
    const range = { arena: "parameters", offset: 0, length: 1, type: "float" };
    const word = await machine.read(arena, range);
    const [with_, without] = [
      await time(() => {
        machine.write(arena, range, word);
        machine.run(prepared);
      }),
      await time(() => machine.run(prepared)),
    ];
    const derived = Math.max(0, with_ - without);
    sum += derived;
    say(`derived, of a plan of ${without.toFixed(3)} ms`, derived);
  }
}
say("all launches alone", sum);
say("the whole", step, operationsOf(c));
process.exit(0);

/** Medians of what each of some runs takes, in milliseconds, when they are made in their order again and again. */
function inTurn(runs) {
  const samples = runs.map(() => []);
  const now = () => {
    const { user, system } = process.cpuUsage();
    return Number(threads) === 1 ? (user + system) / 1000 : performance.now();
  };
  const start = performance.now();
  for (let turn = 0; turn < 8 || performance.now() - start < 1500; turn++)
    runs.forEach((run, k) => {
      const before = now();
      run();
      // The first turns are those of the compiler.
      if (turn > 2) samples[k].push(now() - before);
    });
  return samples.map(median);
}

function operations(kernel) {
  switch (kernel.op) {
    case "matmul":
      return 2 * kernel.batch * kernel.m * kernel.k * kernel.n;
    case "linearCrossEntropy":
      return (
        2 * kernel.rows * kernel.columns * kernel.classes * (1 + kernel.gradients.filter((g) => g !== "bias").length)
      );
    case "scan":
    case "scanBackward": {
      const { cell, steps, batch, inputSize, hiddenSize, vocabulary = steps * batch } = kernel;
      const ofRows = (rows, k) => 2 * cell.gates.length * hiddenSize * k * rows;
      const [input, recurrent] = [ofRows(vocabulary, inputSize), ofRows(steps * batch, hiddenSize)];
      return kernel.op === "scan" ? input + recurrent : (kernel.inputGradient ? 2 : 1) * input + 2 * recurrent;
    }
    default:
      return 0;
  }
}

function told({ kernel, operands }) {
  const { op, shape, rows, columns, classes, vocabulary, steps, batch, inputSize, hiddenSize, m, k, n } = kernel;
  const sizes = { shape, rows, columns, classes, vocabulary, steps, batch, inputSize, hiddenSize, m, k, n };
  const known = Object.entries(sizes).filter(([, value]) => value !== undefined);
  return `${op} ${known.map(([key, value]) => `${key} ${value}`).join(", ")}${operands.out ? ` → ${operands.out.arena}` : ""}`;
}
