import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { gru } from "../../../src/cells/gru.ts";
import { lstm } from "../../../src/cells/lstm.ts";
import { loadElements, storeElements } from "../../../src/compute/wasm/elements.ts";
import { openWasm } from "../../../src/compute/wasm/machine.ts";
import { compareTrials, openTrial, type Trial } from "../../../src/compute/wasm/wide.ts";
import { ModuleBuilder } from "../../../src/print/wasm/assembler.ts";
import { flatten } from "../../../src/print/wasm/code.ts";
import { v128 } from "../../../src/print/wasm/instructions.ts";
import { layerBits } from "./bits.ts";

async function bits(wide: boolean, batch: number, hiddenSize: number, fused: boolean): Promise<Uint32Array[]> {
  const machine = await openWasm(fused ? { wide } : { wide, fused });
  const cell = batch % 2 ? lstm({ projection: true, peephole: true }) : gru({ resetAfter: batch % 4 === 0 });
  const results = await layerBits(machine, cell, { batch, hiddenSize });
  machine.close();
  return results;
}

test.each([
  [1, 5],
  [4, 16],
  [6, 33],
  [13, 20],
])("wide tiles change no bit: batch %i, hidden size %i", async (batch, hiddenSize) => {
  for (const fused of [true, false])
    expect(await bits(true, batch, hiddenSize, fused)).toEqual(await bits(false, batch, hiddenSize, fused));
});

/** Milliseconds that have gone by for whoever asks. */
let clock = 0;
beforeEach(() => {
  clock = 0;
  vi.spyOn(performance, "now").mockImplementation(() => clock);
});
afterEach(() => void vi.restoreAllMocks());

/** A trial that takes some microseconds and leaves these results. */
const trial = (microseconds: number, ...results: number[]): Trial => ({
  run() {
    clock += microseconds / 1000;
  },
  results: Uint32Array.from(results),
});

test("the wide build is taken where it is faster and gives the same bits", () => {
  expect(compareTrials(trial(200, 1, 2, 3), trial(20, 1, 2, 3)).wide).toBe(true);
  expect(compareTrials(trial(20, 1, 2, 3), trial(200, 1, 2, 3)).wide).toBe(false);
  expect(compareTrials(trial(200, 1, 2, 3), trial(20, 1, 2, 4))).toMatchObject({
    asked: true,
    wide: false,
    right: false,
  });
});

/** One that takes two hundred microseconds, and fewer from a moment on, as if its optimised code came then; its first call is held up. */
const late = (milliseconds: number, microseconds: number, heldUp = 0): Trial => {
  const [before, after] = [trial(200, 1), trial(microseconds, 1)];
  const begin = clock;
  let wait = heldUp;
  return {
    ...before,
    run() {
      clock += wait;
      wait = 0;
      (clock - begin < milliseconds ? before : after).run();
    },
  };
};

test("optimised code that comes late is waited for, also if another program had the processor at first", () => {
  for (const heldUp of [0, 1, 5]) expect(compareTrials(late(8, 40), late(40, 10, heldUp)).wide).toBe(true);
});

/** One whose calls take so many milliseconds in turn, the first of them, the next, and so on. */
const stepped = (...steps: readonly (readonly [calls: number, milliseconds: readonly number[]])[]): Trial => {
  let call = 0;
  return {
    results: Uint32Array.of(1),
    run() {
      let at = call++;
      for (const [calls, times] of steps) {
        if (at < calls) {
          clock += times[at % times.length]!;
          return;
        }
        at -= calls;
      }
    },
  };
};
const EVER = Number.POSITIVE_INFINITY;
const COLD = [3, [1]] as const;
/** Milliseconds that a comparison takes beside the first calls of both. */
const timeOf = (narrow: Trial, wide: Trial): number => {
  const start = clock;
  compareTrials(narrow, wide);
  return clock - start - 6;
};

test("one window tells nothing while the rate rises", () => {
  // Both have left the first compiler behind; the wide one does so in two steps.
  const wide = stepped(COLD, [7, [0.105]], [EVER, [0.04]]);
  expect(compareTrials(stepped(COLD, [EVER, [0.1]]), wide).wide).toBe(true);
});

test("a little faster than at first is not optimised", () => {
  const narrow = stepped([3, [0.25]], [40, [0.2]], [EVER, [0.05]]);
  expect(compareTrials(narrow, stepped([3, [0.25]], [60, [0.22]], [EVER, [0.02]])).wide).toBe(true);
});

test("less than a seventh is no gain; what stays unclear comes to an end", () => {
  const [narrow, wide] = [() => stepped(COLD, [EVER, [0.125]]), () => stepped(COLD, [EVER, [0.11]])];
  const { rates, wide: taken } = compareTrials(narrow(), wide());
  expect(taken).toBe(false);
  // A product of 60 × 128 by 128 × 64.
  expect(rates!.narrow).toBeCloseTo((2 * 60 * 128 * 64) / 0.125e-3, -3);
  expect(rates!.wide).toBeCloseTo((2 * 60 * 128 * 64) / 0.11e-3, -3);
  // Sixty windows of half a millisecond, and of five calls.
  expect(timeOf(narrow(), wide())).toBeCloseTo(60 * (0.5 + 5 * 0.11), 5);
});

test("what is clear is over soon; rates that do not agree are watched a little longer", () => {
  const wide = () => stepped(COLD, [EVER, [1 / 16]]);
  expect(timeOf(stepped(COLD, [EVER, [1 / 8]]), wide())).toBe(3 * 2 * 0.5);
  // Every other window has a lower rate.
  const uneven = stepped(COLD, [EVER, [1 / 4, 1 / 4, 3 / 16, 3 / 16, 3 / 16]]);
  expect(timeOf(uneven, wide())).toBe(24 * 0.5 + 12 * (2 / 4 + 9 / 16));
});

test("what is looked at for it is not empty, and the same in both builds", async () => {
  const [narrow, wide] = [openTrial(false, false), openTrial(true, false)];
  narrow.run();
  wide.run();
  expect(new Set(narrow.results).size).toBeGreaterThan(1000);
  expect(wide.results).toEqual(narrow.results);
});

test("neighbours in a tensor differ by nothing but the offset of their instructions: engines join no others", () => {
  const m = new ModuleBuilder({ memory: { initial: 1, maximum: 1, shared: false }, wide: true });
  m.func({ name: "run", params: ["i32"] }, (f, pointer) => {
    const x = pointer.get;
    for (const stride of [1, 0])
      expect(flatten(loadElements(x, stride, "float", 4, 8))).toEqual(
        flatten(stride === 1 ? v128.load(x, 32) : v128.load32_splat(x)),
      );
    expect(flatten(storeElements(f, x, 1, "float", 4, x, 8))).toEqual(flatten(v128.store(x, x, 32)));
    expect(flatten(loadElements(x, 3, "float", 1, 2))).toEqual(flatten(v128.load32_splat(x, 24)));
    return [];
  });
});
