import { describe, expect, it } from "vitest";
import { openMachine } from "../../src/compute/open.ts";
import { studyCell } from "../../src/study/cells.ts";
import { beginWithLongMemories } from "../../src/study/chrono.ts";
import { gradientByLag } from "../../src/study/gradients.ts";
import { TaskNetwork } from "../../src/study/network.ts";
import { settingsOf } from "../../src/study/settings.ts";
import { summarize, type TrialRecord } from "../../src/study/summary.ts";
import { runTrial } from "../../src/study/trial.ts";
import { adding } from "../../src/tasks/arithmetic.ts";
import { taskSequence } from "../../src/tasks/batch.ts";
import { longLag } from "../../src/tasks/long-lag.ts";
import { tasks } from "../../src/tasks/registry.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";

const settings = { ...settingsOf(tasks.anbn!), hiddenSize: 8, budget: 12_000, checkEvery: 25, testSequences: 32 };

describe("a trial", () => {
  it("ends where the criterion is met, at a look at the test sequences", async () => {
    const machine = await openMachine("wasm", { threads: 1 });
    const looks: number[] = [];
    const result = await runTrial({
      ...{ machine, task: adding(6), cell: "gru", seed: 0, settings },
      onCheck: (_, error) => looks.push(error),
    });
    expect(result).toMatchObject({ solved: true, error: looks.at(-1) });
    expect(looks.at(-1)).toBeLessThanOrEqual(0.01);
    expect(Math.min(...looks.slice(0, -1))).toBeGreaterThan(0.01);
    expect(result!.sequences).toBe(looks.length * 25 * 32);
    expect(result!.curve.map(([, error]) => error)).toEqual(looks);
    machine.close();
  });

  it("is given up when the sequences are spent", async () => {
    const machine = await openMachine("wasm", { threads: 1 });
    const few = { ...settings, budget: 900 };
    const result = await runTrial({ machine, task: longLag(50), cell: "rnn", seed: 0, settings: few, gradients: true });
    expect(result).toMatchObject({ solved: false, sequences: 928, error: 1 });
    expect(result!.gradients!.start).toHaveLength(50);
    expect(result!.gradients!.trained).not.toEqual(result!.gradients!.start);
    machine.close();
  });

  it("that diverges is a failure that says so; one that is aborted rejects with the signal's reason", async () => {
    const machine = await openMachine("wasm", { threads: 1 });
    const wild = { ...settings, learningRate: 1e38 };
    expect(await runTrial({ machine, task: adding(6), cell: "rnn", seed: 0, settings: wild })).toMatchObject({
      ...{ solved: false, diverged: true },
    });
    const signal = AbortSignal.abort();
    const trial = runTrial({ machine, task: adding(6), cell: "rnn", seed: 0, settings, signal });
    await expect(trial).rejects.toBe(signal.reason);
    machine.close();
  });
});

/** A network on the reference machine. */
async function opened(cell: string, hiddenSize: number) {
  const machine = await openMachine("reference");
  const network = new TaskNetwork({ task: adding(12), cell: studyCell(cell), hiddenSize, initialize: "pytorch" });
  const parameters = await createParameters({ machine, layout: layoutParameters(network), seed: 2 });
  return { machine, network, parameters };
}

it("gradients by lag are those of the chain rule by hand", async () => {
  const H = 4;
  const { machine, network, parameters } = await opened("rnn", H);
  const sequence = taskSequence(network.task, 1, "test", 0);
  const [W, U, b, c, v] = await Promise.all(
    ["rnn.weight_ih_l0", "rnn.weight_hh_l0", "rnn.bias_ih_l0", "rnn.bias_hh_l0", "head.weight"].map((name) =>
      parameters.read(name),
    ),
  );
  const units = [0, 1, 2, 3];
  const states: number[][] = [[0, 0, 0, 0]];
  for (let t = 0; t < 12; t++) {
    const h = states.at(-1)!;
    const fromInput = (u: number): number =>
      W![2 * u]! * sequence.inputs[2 * t]! + W![2 * u + 1]! * sequence.inputs[2 * t + 1]!;
    states.push(
      units.map((u) =>
        Math.tanh(fromInput(u) + b![u]! + c![u]! + units.reduce((s, k) => s + U![u * H + k]! * h[k]!, 0)),
      ),
    );
  }
  let gradient = units.map((u) => v![u]! / Math.hypot(...Array.from(v!)));
  const expected: number[] = [];
  for (let t = 12; t >= 1; t--) {
    expected.push(Math.hypot(...gradient));
    const below = units.map((u) => gradient[u]! * (1 - states[t]![u]! ** 2));
    gradient = units.map((k) => units.reduce((s, u) => s + below[u]! * U![u * H + k]!, 0));
  }
  const found = await gradientByLag(network, parameters, [sequence]);
  for (const [lag, norm] of expected.entries()) expect(found[lag]).toBeCloseTo(norm, 12);
  machine.close();
});

it.each([
  ["lstm", { i: -1, f: 1, g: 0, o: 0 }],
  ["gru", { r: 0, z: 1, n: 0 }],
  ["min-gru", { z: -1, n: 0 }],
  ["min-lstm", { f: 1, i: -1, n: 0 }],
  ["rnn", { a: 0 }],
  ["lstm-cifg", { i: -1, g: 0, o: 0 }],
])("%s begins with memories up to 100 steps, and nothing else changes", async (cell, signs) => {
  const { machine, network, parameters } = await opened(cell, 50);
  const before = await parameters.read("rnn.bias_ih_l0");
  await beginWithLongMemories(parameters, network.parts.rnn.options.cell, { memory: 100, seed: 3 });
  const after = await parameters.read("rnn.bias_ih_l0");
  expect(network.parts.rnn.options.cell.gates.map(({ name }) => name)).toEqual(Object.keys(signs));
  for (const [k, sign] of Object.values(signs).entries()) {
    const added = Array.from({ length: 50 }, (_, u) => after[k * 50 + u]! - before[k * 50 + u]!);
    if (sign === 0) expect(added.every((value) => value === 0)).toBe(true);
    else {
      const lengths = added.map((value) => Math.exp(sign * value));
      expect(Math.min(...lengths)).toBeGreaterThanOrEqual(1);
      expect(Math.max(...lengths)).toBeLessThanOrEqual(99);
      expect(Math.max(...lengths)).toBeGreaterThan(80);
    }
  }
  machine.close();
});

describe("summary", () => {
  const trial = (seed: number, more: Partial<TrialRecord>): TrialRecord => ({
    ...{ task: "t", cell: "gru", seed, cpuSeconds: 2, parameters: 5, solved: true, sequences: 100, error: 0 },
    ...{ curve: [[100, 0]], ...more },
  });

  it("counts successes, and takes the median of their sequences alone", () => {
    const one = summarize([
      trial(0, {
        sequences: 300,
        curve: [
          [100, 1],
          [200, 0.5],
          [300, 0],
        ],
      }),
      trial(1, { sequences: 100, reach: 4 }),
      trial(2, {
        solved: false,
        sequences: 900,
        error: 0.6,
        diverged: true,
        curve: [
          [100, 0.8],
          [200, 0.6],
        ],
      }),
      trial(3, { sequences: 500, reach: 9 }),
    ]);
    expect(one).toMatchObject({ trials: 4, solved: 3, diverged: 1, cpuSeconds: 8, reach: 6.5 });
    expect(one.sequences).toEqual({ median: 300, least: 100, most: 500 });
    expect(one.error).toBeCloseTo(0.15, 12);
    expect(one.curve.map(([sequences]) => sequences)).toEqual([100, 200, 300]);
    expect(one.curve[2]![1]).toBeCloseTo(0.6 / 4, 12);
  });

  it("nothing solved has no sequences to criterion", () => {
    expect(summarize([trial(0, { solved: false })]).sequences).toBeUndefined();
  });
});
