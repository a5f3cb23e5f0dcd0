import { expect, test } from "vitest";
import { cases, operationsOf } from "../../src/cli/bench/cases.ts";
import { selfTest } from "../../src/cli/doctor/self-test.ts";
import { doctorText } from "../../src/cli/doctor/text.ts";
import type { Diagnosis } from "../../src/cli/doctor.ts";
import { doctorCommand, hostOf } from "../../src/cli/doctor.ts";
import { Ended } from "../../src/cli/failure.ts";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { longshort } from "./fake-io.ts";

test("doctor says what was found, in words and as JSON", async () => {
  const { code, stdout } = await longshort(["doctor", "--json"]);
  expect(code).toBe(0);
  const found = JSON.parse(stdout) as Diagnosis;
  expect(found.selfTest.passed).toBe(true);
  expect(found.selfTest.checks.length).toBeGreaterThan(20);
  expect(found.machine!.family).toBe(found.wasm.fused ? "fused" : "portable");
  expect(found.speed!.share).toBeGreaterThan(0.02);
  expect(found.speed!.share).toBeCloseTo(found.speed!.gflops / found.speed!.limitGflops, 10);
  expect(Object.keys(found.speed!.readingGBs)).toEqual(["32 kB", "512 kB", "8 MB", "128 MB"]);
  const { exponentialNs } = found.speed!;
  for (const ns of [exponentialNs.before, exponentialNs.after]) expect(ns > 0.1 && ns < 10_000).toBe(true);
});

/** What doctor may find; a part of it is replaced by what it may find elsewhere. */
const healthy: Diagnosis = {
  ...{ version: "1.2.3", node: "v24.1.0", v8: "13.6", host: "Node v24.1.0 (V8 13.6)", platform: "linux x64" },
  ...{ processor: "Abacus", cores: 2, load: 0.25, memory: { totalBytes: 2 ** 33, freeBytes: 2 ** 30 } },
  flags: [
    { flag: "--wide", given: true },
    { flag: "--fast", given: true },
  ],
  wasm: {
    ...{ simd: true, fused: true, dots: true, dotsChosen: true, sharedMemory: true },
    tiles: { asked: true, wide: true, right: true, rates: { narrow: 54e9, wide: 110e9 } },
  },
  machine: { bytes: 2 ** 32, elementBytes: 4, float: "float32", threads: 2, family: "fused", wide: true },
  speed: {
    ...{ gflops: 101.4, limitGflops: 118, share: 101.4 / 118, readingGBs: { "32 kB": 150.2, "8 MB": 38.4 } },
    exponentialNs: { before: 9.4, after: 21.5 },
  },
  selfTest: {
    passed: true,
    checks: [
      { name: "layer", difference: 1e-6, allowed: 1e-5, passed: true },
      { name: "product", difference: 5e-7, allowed: 2e-6, passed: true },
      { name: "training", difference: 2e-6, allowed: 1e-4, passed: true },
    ],
  },
};
const lineOf = (name: string, part: object): string | undefined =>
  doctorText({ ...healthy, ...part }, "longshort")
    .split("\n")
    .find((line) => line.startsWith(name))
    ?.slice(15);

test("doctor's words are a line for each thing that was found", () => {
  expect(doctorText(healthy, "longshort").split("\n\n")[0]).toBe(
    [
      "longshort      1.2.3, Node v24.1.0 (V8 13.6), linux x64",
      "processor      Abacus, 2 threads, load 0.3",
      "memory         8 GiB, 1 GiB free",
      "engine flags   --wide (given), --fast (given)",
      "vectors        128 bits (SIMD)",
      "multiply-add   fused, rounded once (relaxed SIMD)",
      "8-bit weights  multiplied as they are (relaxed SIMD)",
      "wide kernels   yes: wide tiles reached 110 GFLOP/s, narrow ones 54",
      "shared memory  yes",
      "machine        wasm: 2 threads, family fused, up to 4 GiB",
      "speed          101 GFLOP/s in products on one thread, 86 % of the 118 that registers alone reach",
      "bandwidth      32 kB: 150, 8 MB: 38 GB/s on one thread",
      "JavaScript     Math.exp takes 22 ns after a kernel, 9 before any ran",
      "self-test      passed: 3 comparisons with the float64 reference, largest difference 5.0e-7 where 2e-6 is allowed",
    ].join("\n"),
  );
  expect(doctorText(healthy, "longshort")).toMatch(/\n\nA page has threads only when it is cross-origin isolated/);
});

test("doctor says what a host lacks, why something was not chosen, and what to do", () => {
  const { wasm } = healthy;
  const { tiles } = wasm;
  const none = { passed: false, checks: [] };
  for (const [name, part, said] of [
    ["engine flags", { flags: [] }, /^none that Node v24\.1\.0 \(V8 13\.6\) take/],
    ["engine flags", { flags: [{ flag: "--wide", given: false }] }, /^--wide \(not given\)$/],
    ["vectors", { wasm: { ...wasm, simd: false } }, /^none: WebAssembly without SIMD/],
    ["multiply-add", { wasm: { ...wasm, fused: false } }, /^multiply, then add: /],
    ["8-bit weights", { wasm: { ...wasm, dotsChosen: false } }, /^widened .*: faster here than relaxed SIMD$/],
    ["8-bit weights", { wasm: { ...wasm, dotsChosen: false, dots: false } }, /^widened .* multiplied$/],
    ["wide kernels", { wasm: { ...wasm, tiles: undefined } }, /^no$/],
    ["wide kernels", { wasm: { ...wasm, tiles: { asked: false, wide: false } } }, /^no: .* not started with/],
    [
      "wide kernels",
      { wasm: { ...wasm, tiles: { ...tiles!, wide: false } } },
      /^no: wide .*, so joining .* not pay here$/,
    ],
    ["wide kernels", { wasm: { ...wasm, tiles: { ...tiles!, wide: false, right: false } } }, /^no: .* other results/],
    ["shared memory", { wasm: { ...wasm, sharedMemory: false } }, /^no: one thread$/],
    ["machine", { machine: undefined, error: "no memory" }, /^does not work: no memory$/],
    ["self-test", { selfTest: none }, /^not run$/],
  ] as const)
    expect(lineOf(name, part), name).toMatch(said);
  for (const name of ["machine", "speed", "bandwidth"])
    expect(lineOf(name, { machine: undefined, speed: undefined })).toBeUndefined();
  const flags = [
    { flag: "--wide", given: true },
    { flag: "--fast", given: false },
  ];
  expect(doctorText({ ...healthy, flags }, "x")).toContain("does it with\n  node --wide --fast program.js\n");
  expect(doctorText(healthy, "x")).not.toContain("program.js");
  const wrong = { name: "layer", difference: 0.123, allowed: 1e-5, passed: false };
  const failed = { passed: false, checks: [...healthy.selfTest.checks, wrong] };
  expect(lineOf("self-test", { selfTest: failed })).toBe("FAILED: 1 of 4 comparisons with the float64 reference");
  expect(doctorText({ ...healthy, selfTest: failed }, "x")).toContain(
    "\n  layer  1.2e-1  allowed 1e-5\n\nResults of this machine are wrong. Report it with the output of `x doctor --json`.\n\n",
  );
});

test("doctor names the host that runs it, not the Node that it stands for", () => {
  const node = { node: "26.3.0", v8: "14.6" };
  expect([node, { ...node, bun: "1.4.5" }, { ...node, deno: "2.9.6" }].map(hostOf)).toEqual([
    "Node v26.3.0 (V8 14.6)",
    "Bun 1.4.5",
    "Deno 2.9.6 (V8 14.6)",
  ]);
});

/** A machine whose results are wrong: what is read of it is made another number. */
function wrong(machine: SynchronousMachine, other: (x: number, count: number) => number): SynchronousMachine {
  return new Proxy(machine, {
    get(target, key) {
      const value = Reflect.get(target, key, target) as unknown;
      if (key === "read")
        return async (...words: Parameters<SynchronousMachine["read"]>) =>
          (await target.read(...words)).map((x, _, { length }) => other(x, length));
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("the self-test passes on both families and sees a kernel that is wrong", async () => {
  const reference = await openMachine("reference");
  for (const options of [{}, { fused: false }]) {
    const machine = await openMachine("wasm", options);
    expect((await selfTest(machine, reference)).filter((check) => !check.passed)).toEqual([]);
    machine.close();
  }
  const machine = await openMachine("wasm");
  // A part in a thousand, or no number in anything but the few that tell of an update.
  for (const other of [(x: number) => 1.001 * x, (x: number, count: number) => (count > 6 ? Number.NaN : x)]) {
    const checks = await selfTest(wrong(machine, other), reference);
    const names = checks.map(({ name }) => name);
    const layer = ["output", "gradient of the input", ...["ih", "hh"].map((of) => `gradient of weight_${of}_l0`)];
    expect(names).toEqual(expect.arrayContaining(layer.map((of) => `gru layer, H 33, B 6: ${of}`)));
    expect(new Set(names).size).toBe(5 * 6 + 3);
    // Nothing is compared with itself, or with zeros.
    const passed = checks.filter((check) => check.passed).map(({ name }) => name);
    expect(passed).toEqual(Number.isNaN(other(1, 9)) ? ["language model, three updates: losses"] : []);
  }
  machine.close();
  reference.close();
});

test("a failed self-test ends with 1 and names what differs", async () => {
  let text = "";
  const output = {
    isTTY: false,
    columns: 80,
    async write(more: string) {
      text += more;
    },
  };
  const io = { stdout: output, stderr: output, program: "longshort" } as unknown as Parameters<typeof doctorCommand>[0];
  const command = doctorCommand(io, async () => [
    { name: "lstm layer: output", difference: 0.5, allowed: 2e-6, passed: false },
    { name: "product", difference: 1e-7, allowed: 2e-6, passed: true },
  ]);
  const error = await command.parseAsync([], { from: "user" }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(Ended);
  expect((error as Ended).exitCode).toBe(1);
  expect(text).toContain("FAILED: 1 of 2");
  expect(text).toContain("lstm layer: output");
});

test("bench measures here, and refuses what there is not", async () => {
  const { code, stdout } = await longshort([
    "bench",
    "--case",
    "stream-64,gemm-20x208x832",
    "--seconds",
    "0.02",
    "--threads",
    "1",
    "--json",
  ]);
  expect(code).toBe(0);
  const rows = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(rows.map((row) => row.case)).toEqual(["stream-64", "gemm-20x208x832"]);
  for (const row of rows) expect(row).toMatchObject({ system: "longshort", node: process.version, threads: 1 });
  expect(rows[0].timesBound).toBeGreaterThan(0);
  expect(rows[1].share).toBeGreaterThan(0);
  for (const row of rows) {
    expect(row.gflops).toBeCloseTo(operationsOf(cases[row.case]!) / row.medianMs / 1e6, 6);
    expect(row.spread).toBe(row.within);
  }
  // Streamed steps are timed one by one as well.
  expect([rows[0].p99Ms > 0, rows[1].p99Ms]).toEqual([true, null]);
  const wrong = await longshort(["bench", "--case", "lstm"]);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('got "lstm"');
});

test("bench's table says of each case, once, how long it takes and how near that is to its limit", async () => {
  const names = ["gemm-20x208x832", "stream-64"];
  const asked = ["bench", "--case", ` ${[...names, ...names].join(" , ")}`, "--seconds", "0.02", "--threads", "1"];
  const { stdout, stderr } = await longshort(asked);
  expect(stderr).toBe("");
  const [host, head, ...rows] = stdout.trimEnd().split("\n");
  expect(host).toMatch(/, \d+ threads?, Node v\d+\.\d+\.\d+$/);
  expect(head).toMatch(/^case +threads +time +CPU time +spread +GFLOP\/s$/);
  expect(rows.map((row) => row.split(" ")[0])).toEqual(names);
  const [, time, unit, gflops] =
    /^\S+ +1 +([\d.]+) (µs|ms) +[\d.]+ [µm]s +\d+ % +([\d.]+) +\d+ % of \d+ GFLOP\/s$/.exec(rows[0]!)!;
  const ms = Number(time) * (unit === "µs" ? 1e-3 : 1);
  expect((ms * Number(gflops) * 1e6) / operationsOf(cases[names[0]!]!)).toBeCloseTo(1, 1);
  expect(rows[1]).toMatch(/^stream-64 +1 +[\d.]+ µs .* \d+\.\d\d × the time to read its weights$/);
});
