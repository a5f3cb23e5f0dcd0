import { expect, test } from "vitest";
import type { Case } from "../../src/cli/bench/cases.ts";
import { limitFor, multiplyAddLimit, readBandwidth } from "../../src/cli/bench/limits.ts";
import { numbersOf } from "../../src/cli/bench/numbers.ts";
import { ownLibrary } from "../../src/cli/bench/own-library.ts";
import { openWorkload, shapesOf } from "../../src/cli/bench/workloads.ts";
import { openMachine } from "../../src/compute/open.ts";

const text = { kind: "train", V: 11, E: 5, H: 6, L: 2, B: 3, T: 4 } as const;
const small: readonly Case[] = [
  { ...text, cell: "lstm" },
  { ...text, cell: "gru" },
  { ...text, cell: "gru", resetAfter: false },
  { ...text, cell: "rnn" },
  { kind: "regress", D: 3, H: 5, B: 2, T: 4 },
  { kind: "sequence", H: 5, B: 2, T: 4 },
  { kind: "stream", H: 7 },
  { kind: "stream", H: 7, int8: true },
  { kind: "gemm", m: 5, k: 6, n: 7 },
];

test.each(small)("what the benchmark compares is what the reference gives: %o", async (c) => {
  const results = [];
  for (const name of ["wasm", "reference"] as const) {
    const machine = await openMachine(name);
    const numbers = numbersOf(c, shapesOf(ownLibrary, c));
    const workload = await openWorkload({ library: ownLibrary, machine, numbers, c });
    results.push(await workload.check());
    workload.run();
    machine.close();
  }
  const [wasm, reference] = results as [number[], number[]];
  expect(wasm.length).toBe(reference.length);
  expect(wasm.some((x) => x !== 0)).toBe(true);
  for (const [k, x] of wasm.entries()) expect(x).toBeCloseTo(reference[k]!, 4);
});

test("the other GRU is another function", async () => {
  const losses = [];
  for (const c of [small[1]!, small[2]!]) {
    const machine = await openMachine("wasm");
    const numbers = numbersOf(c, shapesOf(ownLibrary, c));
    losses.push((await (await openWorkload({ library: ownLibrary, machine, numbers, c })).check())[0]!);
    machine.close();
  }
  expect(Math.abs(losses[0]! - losses[1]!)).toBeGreaterThan(1e-4);
});

test("what the bandwidth is measured on was written before: pages that were not are one page to the system", async () => {
  const memories: WebAssembly.Memory[] = [];
  const { Memory } = WebAssembly;
  WebAssembly.Memory = class extends Memory {
    constructor(size: WebAssembly.MemoryDescriptor) {
      super(size);
      memories.push(this);
    }
  };
  try {
    await readBandwidth(2 ** 18);
  } finally {
    WebAssembly.Memory = Memory;
  }
  expect(memories.length).toBeGreaterThan(0);
  for (const { buffer } of memories) {
    const words = new Uint32Array(buffer);
    expect(words.length * 4).toBeGreaterThan(2 ** 18);
    for (let at = 0; at < words.length; at += 1024) expect(words[at]).not.toBe(0);
  }
});

test("limits are measured in plausible units", async () => {
  const gflops = (await multiplyAddLimit({ fused: false, wide: false })) / 1e9;
  const reading = (await readBandwidth(2 ** 15)) / 1e9;
  for (const value of [gflops, reading]) expect(value > 0.5 && value < 2000).toBe(true);
  const ours = { medianMs: 1, family: "portable", wide: false, threads: 1 } as const;
  const limit = await limitFor({ kind: "stream", H: 64 }, ours);
  expect(limit.timesBound).toBeCloseTo(1 / limit.boundMs!);
  expect(limit.share).toBe(limit.boundMs);
  expect(limit.boundMs).toBeCloseTo((1000 * 131072) / (limit.bandwidthGBs! * 1e9));
  const bound = await limitFor({ kind: "stream", H: 64, int8: true }, ours);
  expect(bound.weightBytes).toBe(32768);
  expect(bound.dotGmacs! > 0.5 && bound.dotGmacs! < 2000).toBe(true);
  expect(bound.boundMs).toBeCloseTo(Math.max(32768 / (bound.bandwidthGBs! * 1e6), 32768 / (bound.dotGmacs! * 1e6)));
  const sequence = await limitFor({ kind: "sequence", H: 64, B: 16, T: 50 }, ours);
  expect(sequence.gflops).toBeCloseTo((50 * 16 * 8 * 64 * 128) / 1e6);
  expect(sequence.share).toBeCloseTo(sequence.gflops! / sequence.limitGflops!);
});
