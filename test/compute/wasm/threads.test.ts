import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Cell } from "../../../src/cells/define.ts";
import { gru } from "../../../src/cells/gru.ts";
import { layerNormLstm } from "../../../src/cells/layer-norm-lstm.ts";
import { lstm } from "../../../src/cells/lstm.ts";
import { minGru } from "../../../src/cells/min-gru.ts";
import { minLstm } from "../../../src/cells/min-lstm.ts";
import { rnn } from "../../../src/cells/rnn.ts";
import type { SynchronousMachine } from "../../../src/compute/machine.ts";
import { operandsOf } from "../../../src/compute/operands.ts";
import type { Kernel, MatMul, Plan, Range } from "../../../src/compute/plan.ts";
import { openWasm, type WasmOptions } from "../../../src/compute/wasm/machine.ts";
import * as x from "../../../src/math/expression.ts";
import { bitsOf, layerBits } from "./bits.ts";
import { numbers } from "./compare.ts";

/** Shares everything that can be shared, however little it is. */
const open = (threads: number, options: WasmOptions = {}): Promise<SynchronousMachine> =>
  openWasm({ ...options, threads }, { launch: 0, plan: 0 });

const [a, b] = [x.variable("a"), x.variable("b")];
const matmul = (m: number, k: number, n: number, more: Partial<MatMul> = {}): Kernel => ({
  ...{ op: "matmul", batch: 1, m, k, n, transposeA: false, transposeB: false, bias: true, ...more },
});
const values = { out: { value: x.add(x.tanh(a), b), strides: [70, 1] } };
const reduce = (shape: number[], over: boolean[], strides: number[], combine: "sum" | "max" = "sum"): Kernel => ({
  ...{ op: "reduce", shape, inputs: { a: strides }, value: x.mul(a, a), over, combine },
});

const kernels: Record<string, readonly Kernel[]> = {
  products: [
    ...[matmul(32, 20, 64), matmul(100, 33, 17), matmul(1, 7, 50)],
    ...[matmul(70, 300, 5, { transposeA: true }), matmul(5, 600, 100, { transposeB: true })],
    matmul(9, 8, 21, { batch: 5, transposeB: true }),
    matmul(24, 50_000, 100),
  ],
  pointwise: [
    { op: "pointwise", shape: [9, 70], inputs: { a: [70, 1], b: [0, 1] }, outputs: values },
    { op: "pointwise", shape: [9, 70], inputs: { a: [1, 9], b: [1, 0] }, outputs: values },
    { op: "pointwise", shape: [1, 70], inputs: { a: [0, 1], b: [0, 0] }, outputs: values },
    { op: "pointwise", shape: [], inputs: {}, outputs: { out: { value: x.constant(3), strides: [] } } },
  ],
  reductions: [
    ...[reduce([1, 100_000], [true, true], [0, 1]), reduce([7, 33], [true, false], [33, 1])],
    ...[reduce([50, 40_000], [false, true], [1, 50]), reduce([7, 33], [true, true], [33, 1])],
    reduce([40_000], [true], [1], "max"),
  ],
  rows: [
    { op: "gather", rows: 31, vocabulary: 9, columns: 5 },
    { op: "gather", tables: 7, rows: 5, vocabulary: 9, columns: 1 },
    { op: "scatterAdd", tables: 7, rows: 31, vocabulary: 9, columns: 1, skip: 4 },
    { op: "scatterAdd", rows: 31, vocabulary: 9, columns: 5 },
    { op: "scatterAdd", rows: 31, vocabulary: 9, columns: 50, skip: 4 },
    { op: "scatterAdd", rows: 31, vocabulary: 9, columns: 50, touched: { lead: 100 } },
  ],
  "random numbers": [
    { op: "random", shape: [5, 3, 20], strides: [60, 20, 1], draw: { kind: "uniform" } },
    { op: "random", shape: [2, 9, 20], strides: [180, 20, 1], draw: { kind: "keep", rate: 0.3, scale: 2 } },
  ],
};

const whole = numbers(5_000_002, 1);

/** What a launch makes of random numbers, as bits; twice, as memory is used again. */
async function run(machine: SynchronousMachine, kernel: Kernel): Promise<Uint32Array> {
  let at = 0;
  const operands: Record<string, Range> = {};
  for (const [name, { length, type }] of Object.entries(operandsOf(kernel, machine.savedSize))) {
    operands[name] = { arena: "all", offset: at, length, type: type === "any" ? "float" : type };
    at += length + 3;
  }
  const arena = machine.arena("all", at);
  const plan: Plan = { launches: [{ kernel, operands }], arenas: { all: at }, scalars: {} };
  const prepared = await machine.prepare(plan, { all: arena });
  for (const turn of [1, 2]) {
    for (const range of Object.values(operands))
      machine.write(
        arena,
        range,
        range.type === "int"
          ? Int32Array.from({ length: range.length }, (_, k) => (k * k * turn) % 9)
          : whole.subarray(turn, turn + range.length),
      );
    machine.run(prepared);
  }
  const result = await machine.read(arena, operands.out!);
  prepared.close();
  arena.close();
  return bitsOf(result);
}

/** Short, so that what differs is told at once. */
const digests = (bits: Uint32Array | Uint32Array[]): string[] =>
  [bits].flat().map((one) => createHash("sha256").update(one).digest("hex"));

const cells: Record<string, Cell> = {
  rnn: rnn(),
  lstm: lstm(),
  "lstm projection, peephole": lstm({ projection: true, peephole: true }),
  "lstm, recurrent dropout": lstm({ recurrentDropout: 0.3 }),
  "lstm, zoneout": lstm({ zoneout: 0.3 }),
  gru: gru(),
  "gru reset before": gru({ resetAfter: false }),
  "min-gru": minGru(),
  "min-lstm": minLstm(),
  "layer-norm-lstm": layerNormLstm(),
};

for (const fused of [undefined, false])
  describe(`1, 2 and 3 threads give the same bits${fused === false ? ", portable" : ""}`, () => {
    const machines: SynchronousMachine[] = [];
    beforeAll(async () => {
      for (const threads of [1, 2, 3]) machines.push(await open(threads, fused === undefined ? {} : { fused }));
    });
    afterAll(() => {
      expect(machines.map((machine) => machine.limits.threads)).toEqual([1, 2, 3]);
      for (const machine of machines) machine.close();
    });

    /** Holds what every machine gives against what one thread gives. */
    async function same(of: (machine: SynchronousMachine) => Promise<Uint32Array | Uint32Array[]>): Promise<void> {
      const [one, two, three] = machines as [SynchronousMachine, SynchronousMachine, SynchronousMachine];
      const expected = digests(await of(one));
      expect(digests(await of(two))).toEqual(expected);
      expect(digests(await of(three))).toEqual(expected);
    }

    test.each(Object.keys(kernels))("%s", async (name) => {
      for (const kernel of kernels[name]!) await same((machine) => run(machine, kernel));
    });

    test.each(Object.keys(cells))("%s, forward and backward", async (name) => {
      for (const [batch, hiddenSize] of [
        [1, 33],
        [6, 50],
        [8, 20],
        [13, 50],
        [16, 64],
      ] as const)
        await same((machine) => layerBits(machine, cells[name]!, { batch, hiddenSize }));
    });
  });
