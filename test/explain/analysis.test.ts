import { describe, expect, test } from "vitest";
import { defineCell } from "../../src/cells/define.ts";
import { gru } from "../../src/cells/gru.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { rnn } from "../../src/cells/rnn.ts";
import { openMachine } from "../../src/compute/open.ts";
import { openAblation } from "../../src/explain/ablation.ts";
import { changeRate, deadUnits, memoryLength, pace, saturation, unitsThatFollow } from "../../src/explain/analysis.ts";
import { gradientFlow } from "../../src/explain/gradient-flow.ts";
import { nearestStates } from "../../src/explain/nearest-states.ts";
import { trace } from "../../src/explain/trace.ts";
import { inOrder, tanh } from "../../src/math/expression.ts";
import { heldCell, holdable } from "../../src/scan/held-cell.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { describeOnMachines } from "../support/machines.ts";
import { tinyRun } from "../support/tiny-run.ts";

/** Series side by side as an array [T, 1, H]. */
const array = (...units: number[][]) => ({
  shape: [units[0]!.length, 1, units.length] as const,
  data: Float64Array.from(
    { length: units.length * units[0]!.length },
    (_, k) => units[k % units.length]![Math.floor(k / units.length)]!,
  ),
});

describe("measures on a trace", () => {
  test("changeRate tells slow from quick, noise is 1", () => {
    const noise = Array.from(new RandomStream(1, "test").normal(4000));
    const slow = Array.from({ length: 4000 }, (_, t) => Math.sin(t / 300));
    const [a, b, c] = changeRate(
      array(
        noise,
        slow,
        noise.map(() => 3),
      ),
    );
    expect(a).toBeCloseTo(1, 1);
    expect(b).toBeLessThan(0.01);
    expect(c).toBe(0);
    // What is added to every step, or multiplied with it, changes nothing.
    const [moved] = changeRate(array(noise.map((v) => 7 - 3 * v)));
    expect(moved).toBeCloseTo(a!, 10);
    const both = pace(array(slow, noise), array(noise, slow));
    expect(both.slower).toBe(0.5);
    expect(pace(array(slow, slow, noise), array(noise, noise, slow)).slower).toBeCloseTo(2 / 3, 12);
    expect(both.c).toBeCloseTo(both.h, 6);
  });

  test("what lies on a bound is neither open nor closed, and no wider than it", () => {
    const { open, closed } = saturation(array([0.1, 0.9, 0.05, 0.95]));
    expect([[...open], [...closed]]).toEqual([[0.25], [0.25]]);
    expect(deadUnits(array([0, 0.01], [0, 0.02]))).toEqual([0]);
    expect(deadUnits(array([5, 5], [5, 6]), { range: 0 })).toEqual([0]);
  });

  test("memoryLength, saturation, dead units, correlation", () => {
    const f = array([0.5, 0.5, 0.5], [1, 1, 1], [0.95, 0.99, 0.97], [0, 0.5, 1]);
    expect(memoryLength(f)[0]).toBeCloseTo(1 / Math.log(2), 9);
    expect(memoryLength(f)[1]).toBe(Number.POSITIVE_INFINITY);
    expect(memoryLength(f)[3]).toBe(0);
    expect(saturation(f)).toMatchObject({ alwaysOpen: [1, 2], alwaysClosed: [] });
    expect(saturation(f).closed[3]).toBeCloseTo(1 / 3);
    expect(deadUnits(f)).toEqual([0, 1]);
    expect(unitsThatFollow(f, [3, 2, 1])[0]).toEqual({ unit: 3, correlation: -1 });
    expect(() => unitsThatFollow(f, [1])).toThrow(/one a step/);
  });
});

describeOnMachines("openAblation", (on) => {
  test.each(["lstm", "gru"])("of %s: no cut is the model, a cut unit is one that nobody reads", async (cell) => {
    const run = await tinyRun(on.machine, { cell, numLayers: 2 });
    const tokens = run.tokens.slice(0, 12);
    const ablation = await openAblation({ ...run, tokens });
    const whole = (await trace(run, { data: tokens }, { names: [], gradients: true })).loss! / 11;
    expect(await ablation.loss()).toBeCloseTo(whole, 5);
    const cut = await ablation.loss([{ layer: 0, unit: 2 }]);
    // The same by hand: columns of every matrix that reads the unit.
    for (const name of ["rnn.weight_hh_l0", "rnn.weight_ih_l1"]) {
      const w = Float64Array.from(await run.parameters.read(name));
      for (let k = 2; k < w.length; k += 6) w[k] = 0;
      run.parameters.write(name, w);
    }
    const byHand = (await trace(run, { data: tokens }, { names: [], gradients: true })).loss! / 11;
    expect(cut).toBeCloseTo(byHand, 5);
    expect(Math.abs(cut - whole)).toBeGreaterThan(1e-6);
    await expect(ablation.loss([{ layer: 0, unit: 6 }])).rejects.toMatchObject({ code: "out-of-range" });
    ablation.close();
    run.parameters.close();
  });
});

describeOnMachines("a unit of a projected state", (on) => {
  test("gives nothing to it: the loss is that of a projection without its column", async () => {
    const run = await tinyRun(on.machine, { cell: lstm({ projection: true }), numLayers: 2, projectionSize: 3 });
    const tokens = run.tokens.slice(0, 12);
    const ablation = await openAblation({ ...run, tokens });
    const whole = await ablation.loss();
    const unit = 4;
    const cut = await ablation.loss([{ layer: 0, unit }]);
    const name = "rnn.weight_hr_l0";
    const w = Float64Array.from(await run.parameters.read(name));
    for (let k = unit; k < w.length; k += 6) w[k] = 0;
    const held = await trace(run, { data: tokens }, { gradients: true, names: ["h"], hold: [{ name: "h_l0", unit }] });
    run.parameters.write(name, w);
    const byHand = (await trace(run, { data: tokens }, { names: [], gradients: true })).loss! / 11;
    expect(cut).toBeCloseTo(byHand, 5);
    expect(held.loss! / 11).toBeCloseTo(byHand, 5);
    expect(Math.abs(cut - whole)).toBeGreaterThan(1e-6);
    await expect(ablation.loss([{ layer: 0, unit: 6 }])).rejects.toMatchObject({ code: "out-of-range" });
    ablation.close();
    run.parameters.close();
  });
});

describeOnMachines("a gate that is held", (on) => {
  test.each([
    ["lstm", "f", 1, 0, 3],
    ["lstm", "o", 3, 1, undefined],
    ["gru", "z", 1, 1, undefined],
    ["gru", "r", 0, 0, 4],
  ] as const)(
    "of %s, %s (rows %i) at %i, unit %s: the loss is that of weights that say so",
    async (cell, gate, rows, value, unit) => {
      const run = await tinyRun(on.machine, { cell, numLayers: 2 });
      const tokens = run.tokens.slice(0, 12);
      const ablation = await openAblation({ ...run, tokens });
      const whole = await ablation.loss();
      const held = await ablation.loss([{ layer: 0, gate, value, unit }]);
      // The same by hand: nothing reaches the gate but a bias that shuts or opens it.
      const units = unit === undefined ? [0, 1, 2, 3, 4, 5] : [unit];
      for (const name of ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]) {
        const w = Float64Array.from(await run.parameters.read(`rnn.${name}`));
        const width = w.length / run.parameters.shape(`rnn.${name}`)[0]!;
        for (const u of units) {
          const row = rows * 6 + u;
          w.fill(name === "bias_ih_l0" ? (value === 1 ? 80 : -80) : 0, row * width, (row + 1) * width);
        }
        run.parameters.write(`rnn.${name}`, w);
      }
      const byHand = (await trace(run, { data: tokens }, { names: [], gradients: true })).loss! / 11;
      expect(held).toBeCloseTo(byHand, 5);
      expect(Math.abs(held - whole)).toBeGreaterThan(1e-6);
      await expect(ablation.loss([{ layer: 0, gate: "x" }])).rejects.toMatchObject({ code: "unknown-choice" });
      ablation.close();
      run.parameters.close();
    },
  );

  test("what a cell computes from a gate follows it: the reset gate inside the product of a candidate", () => {
    const cell = gru({ resetAfter: false });
    const held = heldCell(cell);
    expect(holdable(cell)).toEqual(["r", "z", "n", "h"]);
    // The candidate's product reads r as it is held, not as it was.
    const inside = inOrder([held.named.n!]).some((node) => node.name === "weight.held.r");
    expect(inside).toBe(true);
  });
});

describe("nearestStates", () => {
  test("are those of a search through the whole trace, one of each neighbourhood", async () => {
    const machine = await openMachine("wasm");
    const run = await tinyRun(machine, { numLayers: 2 });
    const corpus = run.tokens.slice(0, 600);
    const { values } = await trace(run, { data: corpus }, { names: ["h"] });
    const rows = Array.from({ length: 600 }, (_, t) => values.h_l1!.data.slice(t * 6, t * 6 + 6));
    const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
      const dot = (x: ArrayLike<number>, y: ArrayLike<number>) => Array.from(x).reduce((s, v, k) => s + v * y[k]!, 0);
      return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
    };
    const to = rows[321]!;
    const found = await nearestStates(run, { corpus, to, count: 5 });
    const all = rows.map((row, step) => ({ step, similarity: cosine(row, to) }));
    const best = all.sort((a, b) => b.similarity - a.similarity).slice(0, 5);
    expect(found[0]!.similarity).toBeCloseTo(1, 6);
    found.forEach(({ similarity }, k) => {
      expect(similarity).toBeCloseTo(best[k]!.similarity, 5);
    });
    const far = await nearestStates(run, { corpus, to, count: 5, apart: 40, without: (step) => step > 300 });
    const steps = far.map(({ step }) => step).sort((a, b) => a - b);
    expect(Math.max(...steps)).toBeLessThanOrEqual(300);
    for (const [k, step] of steps.slice(1).entries()) expect(step - steps[k]!).toBeGreaterThanOrEqual(40);
    await expect(nearestStates(run, { corpus, to: [1] })).rejects.toMatchObject({ code: "shape-mismatch" });
    await expect(nearestStates(run, { corpus: [], to })).rejects.toMatchObject({ code: "no-tokens" });
    run.parameters.close();
    machine.close();
  });
});

describeOnMachines("gradientFlow", (on) => {
  test("vanishes in an RNN, is kept by an LSTM whose forget gates are open and by a GRU that keeps; explodes with large weights", async () => {
    const options = { machine: on.machine, steps: 100, hiddenSize: 12 };
    const [plain, kept, gated, large] = [
      await gradientFlow({ ...options, cell: rnn() }),
      await gradientFlow({ ...options, cell: lstm(), bias: { f: 4 } }),
      await gradientFlow({ ...options, cell: gru(), bias: { z: 4 } }),
      await gradientFlow({ ...options, cell: rnn({ activation: (x) => x }), scale: 3 }),
    ];
    for (const norms of [plain, kept, gated, large]) expect(norms.at(-1)).toBeCloseTo(1, 5);
    expect(plain[0]).toBeLessThan(1e-12);
    expect(kept[0]).toBeGreaterThan(1e-3);
    expect(gated[0]).toBeGreaterThan(1e-3);
    expect(large[0]).toBeGreaterThan(1e3);
  });
});

test("what a layer gives is its cell's first state, whatever its author calls it", async () => {
  const machine = await openMachine("reference");
  const cell = defineCell({ name: "elman", gates: { a: tanh }, state: ["s"], step: ({ a }) => ({ s: a }) });
  const options = { machine, steps: 10, hiddenSize: 4 };
  expect(await gradientFlow({ ...options, cell })).toEqual(await gradientFlow({ ...options, cell: rnn() }));
  const run = await tinyRun(machine, { cell });
  const corpus = run.tokens.slice(0, 20);
  const { values } = await trace(run, { data: corpus });
  const [place] = await nearestStates(run, { corpus, to: values.s_l0!.data.slice(6 * 7, 6 * 8) });
  expect(place!.similarity).toBeCloseTo(1, 6);
  run.parameters.close();
  machine.close();
});

test("a trace of as many steps as one likes is looked through", () => {
  const steps = 300_000;
  const data = Float32Array.from({ length: 2 * steps }, (_, k) => (k % 2 === 0 ? 0.5 : Math.sin(k)));
  expect(deadUnits({ shape: [steps, 1, 2], data })).toEqual([0]);
});
