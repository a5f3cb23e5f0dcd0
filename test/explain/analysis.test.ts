import { describe, expect, test } from "vitest";
import { gru } from "../../src/cells/gru.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { rnn } from "../../src/cells/rnn.ts";
import { openAblation } from "../../src/explain/ablation.ts";
import { changeRate, deadUnits, memoryLength, pace, saturation, unitsThatFollow } from "../../src/explain/analysis.ts";
import { gradientFlow } from "../../src/explain/gradient-flow.ts";
import { trace } from "../../src/explain/trace.ts";
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
    const both = pace(array(slow, noise), array(noise, slow));
    expect(both.slower).toBe(0.5);
    expect(both.c).toBeCloseTo(both.h, 6);
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
