import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { type RecurrentResult, runRecurrent } from "../support/recurrent.ts";
import { expectNear, randomCase } from "../support/recurrent-cases.ts";
import { type LawCell, lawCells } from "../support/recurrent-cells.ts";

/*
 * Sizes that small golden cases cannot reach, against the float64 reference: panels of 16 units that are just full, just
 * not full or many; blocks of rows of every remainder; longer sums. Forward and all gradients.
 */

const hidden = [1, 15, 16, 17, 64, 100, 257];
const batches = [1, 4, 5, 6, 7, 16, 20, 33];
const steps = [1, 2, 65];
const inputs = [1, 3, 16, 33];

interface Size {
  readonly H: number;
  readonly B: number;
  readonly T: number;
  readonly D: number;
}
/** Multiplications of the reference, per gate and per pass. */
const work = ({ H, B, T, D }: Size): number => T * B * H * (H + D);

/** Every pair of H and B, with T and D dealt out in turn; T no longer than the reference can bear. */
function everyPair(limit: number): Size[] {
  let k = 0;
  return hidden.flatMap((H) =>
    batches.map((B) => {
      k++;
      const sizes = steps.map((_, i) => ({ H, B, T: steps[(k + i) % 3]!, D: inputs[(k + (k >> 2)) % 4]! }));
      return sizes.find((s) => work(s) <= limit) ?? { H, B, T: 1, D: inputs[k % 4]! };
    }),
  );
}

/** A smaller cover: every H, every B, every T and every D at least once. */
const cover: readonly Size[] = [
  { H: 1, B: 5, T: 2, D: 1 },
  { H: 15, B: 7, T: 65, D: 16 },
  { H: 16, B: 6, T: 65, D: 3 },
  { H: 17, B: 33, T: 2, D: 33 },
  { H: 64, B: 16, T: 2, D: 3 },
  { H: 100, B: 20, T: 1, D: 33 },
  { H: 257, B: 4, T: 1, D: 16 },
  { H: 64, B: 1, T: 65, D: 1 },
];

const pick = (name: string): LawCell => lawCells.find((c) => c.name === name)!;
const whole: readonly (readonly [string, number])[] = [
  ["lstm", 3e6],
  ["gru", 3e6],
  ["gru, reset before", 3e6],
  ["rnn, tanh", 3e6],
];
const rest = lawCells.filter((c) => !whole.some(([name]) => name === c.name));

describe("the size grid: wasm against the reference", () => {
  let reference: SynchronousMachine;
  let wasm: SynchronousMachine;
  beforeAll(async () => {
    reference = await openMachine("reference");
    wasm = await openMachine("wasm");
  });
  afterAll(() => {
    reference.close();
    wasm.close();
  });

  async function check(cell: LawCell, { H, B, T, D }: Size, more: { masked?: boolean } = {}): Promise<void> {
    const projectionSize = cell.projectionSize && Math.max(1, H >> 1);
    const sized = { ...cell, projectionSize };
    const c = randomCase(sized, { steps: T, batch: B, inputSize: D, hiddenSize: H, reverse: (H + B) % 2 === 1 }, H * B);
    const mask = Array.from({ length: T * B }, (_, k) => (Math.sin(k * 1.7 + B) > -0.4 ? 1 : 0));
    const full = { ...c, ...(more.masked && { mask }) };
    const [came, expected] = [await runRecurrent(wasm, full), await runRecurrent(reference, full)];
    const values = (r: RecurrentResult) => ({ output: r.output, ...r.final });
    const what = `H${H} B${B} T${T} D${D}`;
    expectNear(values(came), values(expected), 2e-6, what);
    expectNear(came.gradients, expected.gradients, 1e-5, what);
  }

  describe.each(whole)("%s", (name, limit) => {
    test.each(hidden)("H %d with every B", async (H) => {
      const sizes = everyPair(limit).filter((s) => s.H === H);
      expect(sizes.map((s) => s.B)).toEqual(batches);
      for (const size of sizes) await check(pick(name), size, { masked: size.B % 2 === 0 });
    });
  });

  test.each(rest)("$name", async (cell) => {
    for (const size of cover) await check(cell, size, { masked: size.T === 2 });
  });

  // Slow: the reference takes some seconds for each.
  test.each(["lstm", "gru"])("%s at the shape of the benchmark", async (name) => {
    await check(pick(name), { H: 256, B: 32, T: 64, D: 64 });
  });

  test("the pairs hold every T and every D", () => {
    const sizes = everyPair(3e6);
    expect(sizes).toHaveLength(hidden.length * batches.length);
    expect(new Set(sizes.map((s) => s.T))).toEqual(new Set(steps));
    expect(new Set(sizes.map((s) => s.D))).toEqual(new Set(inputs));
  });
});
