import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Cell } from "../../../src/cells/define.ts";
import { gru } from "../../../src/cells/gru.ts";
import { layerNormLstm } from "../../../src/cells/layer-norm-lstm.ts";
import { lstm } from "../../../src/cells/lstm.ts";
import { minGru } from "../../../src/cells/min-gru.ts";
import { minLstm } from "../../../src/cells/min-lstm.ts";
import { rnn } from "../../../src/cells/rnn.ts";
import type { SynchronousMachine } from "../../../src/compute/machine.ts";
import type { Kernel, Plan, Range } from "../../../src/compute/plan.ts";
import { openWasm, type WasmOptions } from "../../../src/compute/wasm/machine.ts";
import { layerBits } from "./bits.ts";
import { numbers } from "./compare.ts";

/** Shares everything that can be shared, however little it is. */
const open = (threads: number, options: WasmOptions = {}): Promise<SynchronousMachine> =>
  openWasm({ ...options, threads }, { launch: 0, plan: 0 });

const matmul = (
  m: number,
  k: number,
  n: number,
  more: { batch?: number; transposeA?: boolean; transposeB?: boolean } = {},
): Kernel => ({
  ...{ op: "matmul", batch: 1, m, k, n, transposeA: false, transposeB: false, bias: true, ...more },
});

const whole = numbers(2 ** 16, 1);
/** Runs one product of random numbers; twice, as memory is used again. */
async function product(machine: SynchronousMachine, kernel: Kernel & { op: "matmul" }): Promise<Uint32Array> {
  const { batch, m, k, n } = kernel;
  const sizes = { a: batch * m * k, b: batch * k * n, bias: n, out: batch * m * n };
  let at = 0;
  const operands: Record<string, Range> = {};
  for (const [name, length] of Object.entries(sizes)) {
    operands[name] = { arena: "all", offset: at, length, type: "float" };
    at += length + 3;
  }
  const arena = machine.arena("all", at);
  const plan: Plan = { launches: [{ kernel, operands }], arenas: { all: at }, scalars: {} };
  const prepared = await machine.prepare(plan, { all: arena });
  for (const run of [1, 2]) {
    machine.write(arena, { arena: "all", offset: 0, length: at, type: "float" }, whole.subarray(run, run + at));
    machine.run(prepared);
  }
  const result = (await machine.read(arena, operands.out!)) as Float32Array<ArrayBuffer>;
  prepared.close();
  arena.close();
  return new Uint32Array(result.buffer);
}

const products: Kernel[] = [
  matmul(32, 20, 64),
  matmul(100, 33, 17),
  matmul(70, 300, 5, { transposeA: true }),
  matmul(5, 600, 100, { transposeB: true }),
  matmul(1, 7, 50),
  matmul(9, 8, 21, { batch: 5, transposeB: true }),
];
const cells: Record<string, Cell> = {
  rnn: rnn(),
  lstm: lstm(),
  "lstm projection, peephole": lstm({ projection: true, peephole: true }),
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
      for (const machine of machines) machine.close();
    });

    /** Holds what every machine gives against what one thread gives. */
    async function same<T>(of: (machine: SynchronousMachine) => Promise<T>): Promise<void> {
      const [one, two, three] = machines as [SynchronousMachine, SynchronousMachine, SynchronousMachine];
      const expected = await of(one);
      expect(await of(two)).toEqual(expected);
      expect(await of(three)).toEqual(expected);
    }

    test("products", async () => {
      for (const kernel of products) await same((machine) => product(machine, kernel as Kernel & { op: "matmul" }));
      expect(machines.map((machine) => machine.limits.threads)).toEqual([1, 2, 3]);
    });

    test.each(Object.keys(cells))("%s, forward and backward", async (name) => {
      for (const [batch, hiddenSize] of [
        [1, 33],
        [6, 50],
      ] as const)
        await same((machine) => layerBits(machine, cells[name]!, { batch, hiddenSize }));
    });
  });
