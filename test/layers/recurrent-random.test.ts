import { expect, test } from "vitest";
import { type Cell, defineCell, input } from "../../src/cells/define.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { add, mul, sub } from "../../src/math/expression.ts";
import { difference } from "../support/difference.ts";
import { describeOnMachines } from "../support/machines.ts";
import { type RecurrentCase, runRecurrent } from "../support/recurrent.ts";
import { example, expectSameBits, randomCase } from "../support/recurrent-cases.ts";

/** Shows its mask: the input part is the bias alone, 1. */
const shows = (per: "sequence" | "step", kind: "dropout" | "zoneout", rate: number): Cell =>
  defineCell({
    name: `shows a ${kind} mask per ${per}`,
    gates: { a: input() },
    state: ["h"],
    masks: { m: { per, rate, kind } },
    step: ({ a }, previous, { masks }) => ({ h: add(mul(masks.m, a), mul(0, previous.h)) }),
  });

const steps = 20;
const batch = 6;
const hiddenSize = 70;
const caseOf = (cell: Cell, more: Partial<RecurrentCase> = {}): RecurrentCase => ({
  options: { cell, inputSize: 1, hiddenSize },
  ...{ steps, batch, input: new Float64Array(steps * batch) },
  parameters: { weight_ih_l0: new Float64Array(hiddenSize), bias_ih_l0: new Float64Array(hiddenSize).fill(1) },
  ...{ training: true, seed: 5, update: 9 },
  ...more,
});
const share = (v: ArrayLike<number>, of: number): number => Array.from(v).filter((x) => x === of).length / v.length;
const count = steps * batch * hiddenSize;

describeOnMachines("random masks of cells", (m) => {
  test("the same seed and update draw the same bits, another seed or update others", async () => {
    const at = async (seed: number, update: number) =>
      (await runRecurrent(m.machine, caseOf(shows("step", "dropout", 0.5), { seed, update }))).output;
    const one = await at(5, 9);
    expectSameBits({ m: await at(5, 9) }, { m: one });
    for (const other of [await at(6, 9), await at(5, 10)]) {
      const equal = Array.from(other).filter((v, k) => v === one[k]).length / count;
      expect(equal).toBeGreaterThan(0.45);
      expect(equal).toBeLessThan(0.55);
    }
  });

  test.each([0.1, 0.5, 0.8])("dropout drops a fraction of %d and scales the rest", async (rate) => {
    const { output } = await runRecurrent(m.machine, caseOf(shows("step", "dropout", rate)));
    const kept = output.length - Math.round(share(output, 0) * output.length);
    const scale = Math.fround(1 / (1 - rate));
    expect(Array.from(output).every((v) => v === 0 || Math.abs(v - scale) < 1e-6)).toBe(true);
    // Five standard deviations.
    expect(Math.abs(kept / count - (1 - rate))).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / count));
  });

  test("zoneout keeps a fraction of its rate, with ones and zeros", async () => {
    const rate = 0.3;
    const { output } = await runRecurrent(m.machine, caseOf(shows("step", "zoneout", rate)));
    expect(share(output, 0) + share(output, 1)).toBe(1);
    expect(Math.abs(share(output, 1) - rate)).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / count));
  });

  test("a mask per sequence is one for all steps, a mask per step another at each; examples and layers differ", async () => {
    const { output: once } = await runRecurrent(m.machine, caseOf(shows("sequence", "dropout", 0.5)));
    const { output: each } = await runRecurrent(m.machine, caseOf(shows("step", "dropout", 0.5)));
    const step = (v: ArrayLike<number>, t: number) =>
      Array.from(v).slice(t * batch * hiddenSize, (t + 1) * batch * hiddenSize);
    for (let t = 1; t < steps; t++) {
      expect(step(once, t)).toEqual(step(once, 0));
      expect(step(each, t)).not.toEqual(step(each, 0));
    }
    expect(example(each, steps, batch, 1)).not.toEqual(example(each, steps, batch, 0));
    // The second layer is given 0s and 2s, a bias of 1 and no weights: only its own mask shows.
    const two = caseOf(shows("sequence", "dropout", 0.5));
    const { output: second } = await runRecurrent(m.machine, {
      ...two,
      options: { ...two.options, numLayers: 2 },
      parameters: {
        ...two.parameters,
        weight_ih_l1: new Float64Array(hiddenSize ** 2),
        bias_ih_l1: new Float64Array(hiddenSize).fill(1),
      },
    });
    expect(Array.from(second)).not.toEqual(Array.from(once));
    expect(share(second, 0)).toBeGreaterThan(0.3);
  });

  test("evaluation uses what a mask is on average: 1 for dropout, its rate for zoneout", async () => {
    const off = { training: false };
    const dropout = await runRecurrent(m.machine, caseOf(shows("step", "dropout", 0.5), off));
    expect(Array.from(dropout.output).every((v) => v === 1)).toBe(true);
    const zoneout = await runRecurrent(m.machine, caseOf(shows("step", "zoneout", 0.25), off));
    expect(Array.from(zoneout.output).every((v) => v === 0.25)).toBe(true);
  });

  test("recurrent dropout touches what the matrices read, not the state that is carried", async () => {
    const none = { projectionSize: 0, drawsPerStep: false, minSize: 1 };
    const sizes = { steps: 4, batch: 3, inputSize: 2, hiddenSize: 5 };
    const plain = randomCase({ name: "", make: () => lstm(), ...none }, sizes, 1);
    const cell = lstm({ recurrentDropout: 0.5 });
    const dropped = { ...plain, options: { ...plain.options, cell } };
    const run = (c: RecurrentCase) => runRecurrent(m.machine, c);
    expectSameBits(
      (await run({ ...dropped, training: false })).final,
      (await run({ ...plain, training: false })).final,
    );
    expect(difference((await run(dropped)).output, (await run(plain)).output)).toBeGreaterThan(1e-3);
    // Without recurrent matrices nothing is left for it to do.
    const weight_hh_l0 = new Float64Array(4 * 5 * 5);
    const cut = (c: RecurrentCase): RecurrentCase => ({ ...c, parameters: { ...c.parameters, weight_hh_l0 } });
    expectSameBits((await run(cut(dropped))).final, (await run(cut(plain))).final);
  });

  test("zoneout keeps units as they were, and in evaluation mixes by its rate", async () => {
    const cell = defineCell({
      name: "counts up unless zoned out",
      gates: { a: input() },
      state: ["h"],
      masks: { keep: { per: "step", rate: 0.5, kind: "zoneout" } },
      step: ({ a }, previous, { masks }) => ({
        h: add(mul(masks.keep, previous.h), mul(sub(1, masks.keep), add(previous.h, a))),
      }),
    });
    const counted = (await runRecurrent(m.machine, caseOf(cell))).final.h!;
    expect(Array.from(counted).every(Number.isInteger)).toBe(true);
    const mean = Array.from(counted).reduce((s, v) => s + v, 0) / counted.length;
    expect(Math.abs(mean - steps / 2)).toBeLessThan(5 * Math.sqrt(steps / 4 / counted.length));
    const expected = (await runRecurrent(m.machine, caseOf(cell, { training: false }))).final.h!;
    expect(Array.from(expected).every((v) => v === steps / 2)).toBe(true);
  });
});
