import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Cell } from "../../../src/cells/define.ts";
import { gru } from "../../../src/cells/gru.ts";
import { layerNormLstm } from "../../../src/cells/layer-norm-lstm.ts";
import { lstm } from "../../../src/cells/lstm.ts";
import { minGru } from "../../../src/cells/min-gru.ts";
import type { SynchronousMachine } from "../../../src/compute/machine.ts";
import { operandsOf } from "../../../src/compute/operands.ts";
import type { Kernel, LinearCrossEntropy, Plan, Range, ScanShape } from "../../../src/compute/plan.ts";
import { openWasm } from "../../../src/compute/wasm/machine.ts";
import * as x from "../../../src/math/expression.ts";
import { doWhile, if_ } from "../../../src/print/wasm/control.ts";
import { i32 } from "../../../src/print/wasm/instructions.ts";
import { bitsOf } from "./bits.ts";

/*
 * Whichever thread is late behind every barrier, the bits are those of one thread: a barrier that is missing lets the others run ahead
 * of it, every time.
 */

const THREADS = 3;
/** The thread that is late, in plans that are printed from now on. */
const late = vi.hoisted(() => ({ thread: 0 }));
vi.mock("../../../src/print/wasm/team.ts", async (original) => {
  const actual = await original<typeof import("../../../src/print/wasm/team.ts")>();
  const teamOf: typeof actual.teamOf = (m, ...more) => {
    const team = actual.teamOf(m, ...more);
    if (team.threads === 1) return team;
    const idle = m.func({ params: [] }, (f) => {
      const left = f.local("i32");
      const turn = left.set(i32.sub(left.get, i32.const(1)));
      return if_(i32.eq(team.thread, i32.const(late.thread)), [left.set(i32.const(50_000)), doWhile(turn, left.get)]);
    });
    return { ...team, barrier: [team.barrier, idle.call()] };
  };
  return { ...actual, teamOf };
});

const [T, B, D] = [3, 5, 5];
const scans = (cell: Cell, hiddenSize: number, more: Partial<ScanShape> = {}): Kernel[] => {
  const projectionSize = cell.states[0]!.width === "projection" ? 17 : 0;
  const shape: ScanShape = {
    ...{ cell, steps: T, batch: B, inputSize: D, hiddenSize, projectionSize, reverse: false, masked: false },
    ...{ maskedOutput: "previous", outputStride: projectionSize || hiddenSize, ...more },
  };
  return [
    { op: "scan", ...shape, save: false, trace: [] },
    { op: "scan", ...shape, save: true, trace: ["c", "h"].filter((name) => name in cell.named) },
    { op: "scanBackward", ...shape, inputGradient: true, trace: [] },
  ];
};
const product = { op: "matmul", batch: 1, transposeA: false, transposeB: true, bias: true } as const;
const loss: LinearCrossEntropy = {
  ...{ op: "linearCrossEntropy", rows: 150, columns: 21, classes: 500, bias: true, weighted: true, masked: false },
  ...{ mean: true, labelSmoothing: 0.1, ignoreIndex: -100, gradients: ["x", "weight", "bias"] },
};
const sum = (of: string, n: number): Kernel => ({
  ...{ op: "reduce", shape: [n], inputs: { [of]: [1] }, value: x.variable(of), combine: "sum", over: [true] },
});

/** Launches of a plan. What number 0 makes is called `0 out`. */
const plans: Record<string, readonly Kernel[]> = {
  "a launch that one thread does, between two that all do": [
    {
      op: "pointwise",
      shape: [3000],
      inputs: { a: [1] },
      outputs: { out: { value: x.tanh(x.variable("a")), strides: [1] } },
    },
    sum("0 out", 3000),
    {
      ...{ op: "pointwise", shape: [3000], inputs: { "0 out": [1], "1 out": [0] } },
      outputs: { out: { value: x.add(x.variable("0 out"), x.variable("1 out")), strides: [1] } },
    },
  ],
  "a product, shared by columns": [{ ...product, m: 24, k: 40, n: 96 }],
  "a product, shared by rows": [{ ...product, m: 100, k: 33, n: 17 }],
  "a product whose packed columns come in several parts": [{ ...product, m: 24, k: 24_000, n: 200 }],
  "sums of chunks": [sum("a", 70_000)],
  "a table's gradient": [{ op: "scatterAdd", rows: 31, vocabulary: 300, columns: 50 }],
  "gradients of tables": [{ op: "scatterAdd", tables: 20, rows: 31, vocabulary: 300, columns: 2 }],
  "a product with 8-bit weights": [{ op: "quantizedMatmul", m: 3, k: 37, n: 75, bias: true }],
  "cross entropy": [loss, { ...loss, gradients: [] }],
  "cross entropy, weights from afar": [{ ...loss, rows: 20, columns: 64, classes: 4111 }],
  "cross entropy, blocks of rows, weights from afar": [{ ...loss, rows: 210, columns: 7, classes: 40_000 }],
  lstm: scans(lstm(), 50),
  "lstm, masked": scans(lstm(), 50, { masked: true, reverse: true }),
  "lstm over a table": scans(lstm(), 50, { vocabulary: 7 }),
  "lstm, each thread with its examples": scans(lstm(), 20, { batch: 16 }),
  "lstm, each thread with its examples of many inputs": scans(lstm(), 20, { batch: 16, inputSize: 2100 }),
  "lstm, projection": scans(lstm({ projection: true }), 50, { batch: 2 }),
  "gru, reset before": scans(gru({ resetAfter: false }), 50),
  "min-gru": scans(minGru(), 50),
  "layer-norm-lstm": scans(layerNormLstm(), 50),
};

async function run(machine: SynchronousMachine, kernels: readonly Kernel[]): Promise<Uint32Array> {
  const ranges: Record<string, Range> = {};
  let end = 0;
  const launches = kernels.map((kernel, at) => ({
    kernel,
    operands: Object.fromEntries(
      Object.entries(operandsOf(kernel, machine.savedSize)).map(([name, { length, type }]) => {
        // Results have places of their own, but for what a backward pass takes over.
        const key = name === "saved" || !/^(out|final|trace|loss|d\.[^of])/.test(name) ? name : `${at} ${name}`;
        ranges[key] ??= { arena: "all", offset: end, length, type: type === "any" ? "float" : type };
        end = Math.max(end, ranges[key].offset + length);
        return [name, ranges[key]];
      }),
    ),
  }));
  const arena = machine.arena("all", end);
  const prepared = await machine.prepare({ launches, arenas: { all: end }, scalars: {} } satisfies Plan, {
    all: arena,
  });
  // With other numbers first: what is left over from a run is wrong in the next one.
  for (const turn of [1, 2]) {
    for (const [name, range] of Object.entries(ranges)) {
      const data = new Float32Array(range.length);
      for (let k = 0; k < data.length; k++) data[k] = ((k * 7919 + 31 * turn * name.length) % 1009) / 1009 - 0.5;
      if (range.type === "int") for (let k = 0; k < data.length; k++) data[k] = Math.floor((data[k]! + 0.5) * 7);
      if (name === "mask") for (let k = 0; k < data.length; k++) data[k] = data[k]! > -0.3 ? 1 : 0;
      machine.write(arena, range, data);
    }
    machine.run(prepared);
  }
  const results = Object.entries(ranges).filter(([name]) => / /.test(name));
  const all = await Promise.all(results.map(async ([, range]) => [...(await machine.read(arena, range))]));
  prepared.close();
  arena.close();
  return bitsOf(all.flat());
}

const machines: SynchronousMachine[] = [];
beforeAll(async () => {
  for (const threads of [1, THREADS]) machines.push(await openWasm({ threads }, { launch: 0, plan: 0 }));
});
afterAll(() => {
  for (const machine of machines) machine.close();
});

test.each(Object.keys(plans))("%s", async (name) => {
  const [alone, together] = machines as [SynchronousMachine, SynchronousMachine];
  const expected = await run(alone, plans[name]!);
  expect(expected.length).toBeGreaterThan(0);
  for (late.thread = 0; late.thread < THREADS; late.thread++)
    expect(
      Buffer.compare(Buffer.from((await run(together, plans[name]!)).buffer), Buffer.from(expected.buffer)),
      `thread ${late.thread} is late`,
    ).toBe(0);
});
