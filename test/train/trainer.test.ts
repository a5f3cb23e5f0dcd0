import { describe, expect, test, vi } from "vitest";
import { platform } from "#platform";
import { openReference } from "../../src/compute/reference/machine.ts";
import type { BatchSource } from "../../src/data/batch-source.ts";
import { linear } from "../../src/layers/linear.ts";
import { variable } from "../../src/math/expression.ts";
import { adam } from "../../src/optimizers/adam.ts";
import { sgd } from "../../src/optimizers/sgd.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { sumAll } from "../../src/tensor/operations.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import type { Evaluator, Metrics } from "../../src/train/evaluator.ts";
import type {
  EpochEvent,
  EvaluationEvent,
  ProgressEvent,
  TrainEvent,
  ValidationEvent,
} from "../../src/train/events.ts";
import { reduceOnPlateau } from "../../src/train/plateau.ts";
import { stepRate } from "../../src/train/schedules.ts";
import { openTrainer } from "../../src/train/trainer.ts";
import type { TrainerOptions } from "../../src/train/trainer-options.ts";
import { difference } from "../support/difference.ts";
import { describeOnMachines } from "../support/machines.ts";
import { eventsOf, opened, ragged, sum, timelessOf } from "./learning-to-add.ts";

/** An evaluator that says what it is told to. */
function scripted(values: readonly number[], name = "loss"): Evaluator {
  let next = 0;
  return { run: async () => ({ [name]: values[next++ % values.length]! }), close: () => undefined };
}
const measurements = (all: readonly TrainEvent[]) =>
  all.filter((e): e is EpochEvent | EvaluationEvent => e.type === "epoch" || e.type === "evaluation");

describeOnMachines("a training of one's own batches", (m) => {
  test.each([Number.NaN, Number.POSITIVE_INFINITY])(
    "a schedule that gives %d is refused, the parameters stay",
    async (rate) => {
      const { trainer, parameters } = await opened(m, {
        learningRate: undefined,
        schedule: (step) => (step < 2 ? 0.05 : rate),
      });
      await expect(trainer.run()).rejects.toMatchObject({ code: "not-a-number" });
      for (const { data } of (await parameters.toTensors()).values()) expect(data.every(Number.isFinite)).toBe(true);
    },
  );

  test("goes through one loop at a time; of two one is refused, which changes nothing", async () => {
    const [alone, twice] = [await opened(m), await opened(m)];
    await alone.trainer.run();
    const ends = await Promise.allSettled([twice.trainer.run(), twice.trainer.run()]);
    expect(ends.find(({ status }) => status === "fulfilled")).toMatchObject({ value: { reason: "done" } });
    expect(ends.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "busy" } });
    expect(await twice.parameters.toTensors()).toEqual(await alone.parameters.toTensors());
  });

  test("learns from batches of different length, each shape by a plan of its own", async () => {
    const { trainer } = await opened(m, { epochs: 15, measured: true });
    const all = await eventsOf(trainer);
    const epochs = measurements(all);
    expect(all[0]).toMatchObject({ type: "start", step: 0, stepsPerEpoch: 7, totalSteps: 105 });
    expect(epochs).toHaveLength(15);
    expect(epochs[14]!.validationLoss).toBeLessThan(epochs[0]!.validationLoss! / 3);
    expect(epochs[14]!.metrics).toEqual({ loss: epochs[14]!.validationLoss });
    trainer.close();
  });

  test("is the same whether it is interrupted, saved and put back anywhere or not", async () => {
    const options = {
      measured: true,
      accumulate: 2,
      average: 0.7,
      evaluateEvery: 3,
      schedule: reduceOnPlateau({ learningRate: 0.05, patience: 0 }),
    };
    const whole = await opened(m, { ...options, learningRate: undefined });
    const expected = timelessOf(await eventsOf(whole.trainer));
    const weights = await whole.parameters.toTensors();
    for (const stop of [1, 4, 6, 12]) {
      const first = await opened(m, { ...options, learningRate: undefined });
      const before = await eventsOf(first.trainer, stop);
      // Through JSON, as in a file.
      const { tensors, ...rest } = await first.trainer.snapshot();
      const second = await opened(m, { ...options, learningRate: undefined, seed: 0 });
      await second.trainer.restore({ tensors, ...(JSON.parse(JSON.stringify(rest)) as typeof rest) });
      const after = await eventsOf(second.trainer);
      expect(after[0]).toMatchObject({ type: "start", step: first.trainer.step });
      expect(timelessOf([...before, ...after.slice(1)])).toEqual(expected);
      expect(await second.parameters.toTensors()).toEqual(weights);
      first.trainer.close();
      second.trainer.close();
    }
    whole.trainer.close();
  });

  test("with `average` everybody sees means of the weights, and learning goes on from the weights", async () => {
    const each = { average: undefined, epochs: 2, logEvery: 1 };
    const [plain, mean] = [await opened(m, each), await opened(m, { ...each, average: 0.8 })];
    const name = "head.weight";
    let expected: readonly number[] = [];
    const means = new Map<number, readonly number[]>();
    for await (const event of plain.trainer) {
      if (event.type !== "progress") continue;
      const now = Array.from(await plain.parameters.read(name));
      const share = Math.max(0.2, 9 / (event.step + 8));
      expected = now.map((w, k) => (expected[k] ?? 0) + share * (w - (expected[k] ?? 0)));
      means.set(event.step, expected);
    }
    let seen = 0;
    for await (const event of mean.trainer) {
      if (!("step" in event) || event.step === 0) continue;
      expect(difference(await mean.parameters.read(name), means.get(event.step)!)).toBeLessThan(
        m.name === "wasm" ? 1e-6 : 1e-12,
      );
      seen++;
    }
    // 14 steps, two epochs and moments to save, the end.
    expect(seen).toBe(19);
    expect(Array.from(await mean.parameters.read(name, "moment.average"))).toEqual(
      Array.from(await plain.parameters.read(name)),
    );
  });

  test("adds gradients of several batches up as one batch of all of them would give them", async () => {
    const small = await opened(m, {
      optimizer: sgd(),
      accumulate: 3,
      epochs: 1,
      clipNorm: Number.POSITIVE_INFINITY,
      batches: even(2),
    });
    const large = await opened(m, {
      optimizer: sgd(),
      epochs: 1,
      clipNorm: Number.POSITIVE_INFINITY,
      batches: even(6),
    });
    const [a, b] = [await eventsOf(small.trainer), await eventsOf(large.trainer)];
    // 24 examples: four updates of three batches of two, or of one batch of six; dropout draws by the example alike.
    expect(a[0]).toMatchObject({ totalSteps: 4 });
    expect(measurements(a)[0]!).toMatchObject({ step: 4 });
    const losses = [a, b].map((all) => (measurements(all)[0] as EpochEvent).trainLoss);
    expect(losses[0]).toBeCloseTo(losses[1]!, m.name === "wasm" ? 5 : 12);
    for (const [name, { data }] of await small.parameters.toTensors()) {
      const other = await large.parameters.read(name);
      expect(difference(data, other)).toBeLessThan(m.name === "wasm" ? 1e-4 : 1e-10);
    }
  });
});

/** Examples of equal length in their order. */
function even(rows: number): BatchSource {
  const steps = 4;
  const x = new RandomStream(1, "even").uniform(24 * steps);
  return {
    batchesPerEpoch: 24 / rows,
    batch(_, index) {
      const own = Array.from({ length: rows }, (_, b) => x.subarray((index * rows + b) * steps).subarray(0, steps));
      const inputs = {
        x: Float64Array.from({ length: rows * steps }, (_, k) => own[k % rows]![Math.floor(k / rows)]!),
        mask: new Float64Array(rows * steps).fill(1),
        y: Float64Array.from(own, sum),
      };
      return { inputs, rows, steps };
    },
  };
}

describe("how a training goes", () => {
  const machine = openReference();

  test("stops early when the metric that decides gets no better by minDelta", async () => {
    const run = async (values: number[], options: Partial<TrainerOptions>) => {
      const { trainer } = await opened({ machine }, { epochs: 9, evaluator: scripted(values), ...options });
      const all = await eventsOf(trainer);
      return [measurements(all).length, (all.at(-1) as { reason: string }).reason];
    };
    const values = [5, 4, 4.5, 3.9, 3.8, 3.7, 3.6, 3.5, 1];
    expect(await run(values, { earlyStopping: { patience: 2 } })).toEqual([9, "done"]);
    expect(await run(values, { earlyStopping: { patience: 1 } })).toEqual([3, "stopped-early"]);
    // Better than 5 by more than 1 is 3.9, and better than that nothing before the end.
    expect(await run(values, { earlyStopping: { patience: 3, minDelta: 1 } })).toEqual([7, "stopped-early"]);
    const monitor = { metric: "loss", mode: "max" } as const;
    expect(await run(values, { earlyStopping: { patience: 2 }, monitor })).toEqual([3, "stopped-early"]);
    expect(await run([Number.NaN], { earlyStopping: { patience: 3 } })).toEqual([3, "stopped-early"]);
  });

  test("says what is best by the metric that decides", async () => {
    const evaluator = scripted([0.5, 0.7, 0.6], "accuracy");
    const { trainer } = await opened({ machine }, { evaluator, monitor: { metric: "accuracy", mode: "max" } });
    const all = measurements(await eventsOf(trainer));
    expect(all.map(({ best, metrics }) => [best, metrics])).toEqual([
      [true, { accuracy: 0.5 }],
      [true, { accuracy: 0.7 }],
      [false, { accuracy: 0.6 }],
    ]);
    expect("validationLoss" in all[0]!).toBe(false);
    const other = await opened({ machine }, { evaluator, monitor: { metric: "f1", mode: "max" } });
    await expect(eventsOf(other.trainer)).rejects.toThrow(/measured accuracy, but no "f1"/);
  });

  test("of equal values takes that of the lower loss, which early stopping counts, too", async () => {
    const monitor = { metric: "accuracy", mode: "max" } as const;
    const told = async (measured: readonly Metrics[], minDelta?: number) => {
      let next = 0;
      const evaluator = { run: async () => measured[next++]!, close: () => undefined };
      const earlyStopping = { patience: 2, ...(minDelta !== undefined && { minDelta }) };
      const { trainer } = await opened({ machine }, { epochs: measured.length, evaluator, monitor, earlyStopping });
      return measurements(await eventsOf(trainer)).map(({ best }) => best);
    };
    const [right, less] = [1, 0.9];
    const falling = [0.5, 0.4, 0.3, 0.2].map((loss) => ({ accuracy: right, loss }));
    expect(await told(falling)).toEqual([true, true, true, true]);
    expect(await told(falling, 0.01)).toEqual([true, true, true]);
    const mixed = [
      { accuracy: less, loss: 0.3 },
      { accuracy: right, loss: 0.5 },
      { accuracy: less, loss: 0.1 },
      { accuracy: right, loss: 0.4 },
      { accuracy: right, loss: 0.4 },
      { accuracy: right, loss: 0.6 },
    ];
    expect(await told(mixed)).toEqual([true, true, false, true, false, false]);
    expect(await told([1, 1, 1].map((accuracy) => ({ accuracy })))).toEqual([true, false, false]);
  });

  test("without an evaluator takes the latest weights, and stops early by the loss of training", async () => {
    const { trainer } = await opened({ machine }, { epochs: 9, earlyStopping: { patience: 2, minDelta: 1e6 } });
    expect(trainer.validates).toBe(false);
    const all = await eventsOf(trainer);
    expect(all[0]).not.toHaveProperty("monitor");
    expect(measurements(all).map(({ best }) => best)).toEqual([true, true, true]);
    expect(all.at(-1)).toMatchObject({ reason: "stopped-early" });
    await expect(opened({ machine }, { monitor: { metric: "accuracy", mode: "max" } })).rejects.toThrow(
      /monitor: "accuracy" is measured on validation data, and there are none/,
    );
  });

  test("says at the start what decides", async () => {
    const monitor = { metric: "accuracy", mode: "max" } as const;
    const { trainer } = await opened({ machine }, { evaluator: scripted([1], "accuracy"), monitor });
    expect(trainer.validates).toBe(true);
    expect((await eventsOf(trainer))[0]).toMatchObject({ type: "start", monitor });
    const other = await opened({ machine }, { evaluator: scripted([1]) });
    expect((await eventsOf(other.trainer))[0]).toMatchObject({ monitor: { metric: "loss", mode: "min" } });
  });

  test("a plateau that takes the other direction for better is refused", async () => {
    const schedule = reduceOnPlateau({ learningRate: 0.1 });
    const monitor = { metric: "accuracy", mode: "max" } as const;
    const options = { learningRate: undefined, evaluator: scripted([1], "accuracy"), monitor };
    await expect(opened({ machine }, { ...options, schedule })).rejects.toThrow(
      /accuracy is better when it is higher; give reduceOnPlateau mode: "max"/,
    );
    const max = reduceOnPlateau({ learningRate: 0.1, mode: "max" });
    await expect(opened({ machine }, { ...options, schedule: max })).resolves.toBeDefined();
    const own = { initial: max.initial, next: max.next };
    await expect(opened({ machine }, { ...options, schedule: own })).resolves.toBeDefined();
  });

  test("lowers the rate on a plateau of that metric", async () => {
    const schedule = reduceOnPlateau({ learningRate: 0.1, patience: 0, factor: 0.5 });
    const { trainer } = await opened(
      { machine },
      { learningRate: undefined, schedule, evaluator: scripted([1, 1, 0.5]), logEvery: 7, epochs: 4 },
    );
    const rates = (await eventsOf(trainer)).filter((e): e is ProgressEvent => e.type === "progress");
    expect(rates.map((e) => e.learningRate)).toEqual([0.1, 0.1, 0.05, 0.05]);
  });

  test.each([
    [{}, [0.1, 0.1, 0.1, 0.1]],
    [{ schedule: "linear" }, [0.1, 0.075, 0.05, 0.025]],
    [{ schedule: "cosine" }, [0, 1, 2, 3].map((k) => 0.05 * (1 + Math.cos((Math.PI * k) / 4)))],
    [{ warmupSteps: 2 }, [0.1 / 3, 0.2 / 3, 0.1, 0.1]],
    [{ schedule: "linear", warmupSteps: 2 }, [0.1 / 3, 0.2 / 3, 0.1, 0.05]],
  ] as const)("takes the rate of a schedule by name, over all steps of the training: %o", async (options, expected) => {
    const { trainer } = await opened({ machine }, { ...options, learningRate: 0.1, maxSteps: 4, logEvery: 1 });
    const rates = (await eventsOf(trainer)).filter((e): e is ProgressEvent => e.type === "progress");
    expect(rates).toHaveLength(4);
    rates.forEach(({ learningRate }, k) => {
      expect(learningRate).toBeCloseTo(expected[k]!, 12);
    });
  });

  test("calls callbacks by the type of event and waits for them", async () => {
    const { trainer } = await opened({ machine }, { epochs: 2 });
    const seen: string[] = [];
    const end = await trainer.run({
      start: (event) => seen.push(`start ${event.totalSteps}`),
      epoch: async (event) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        seen.push(`epoch ${event.epoch} at ${trainer.step}`);
      },
    });
    expect(seen).toEqual(["start 14", "epoch 1 at 7", "epoch 2 at 14"]);
    expect(end.reason).toBe("done");
  });

  test("tells moments to save after steps, after seconds and after each measurement", async () => {
    const moments = async (checkpointEvery: TrainerOptions["checkpointEvery"]) => {
      const { trainer } = await opened({ machine }, { epochs: 2, checkpointEvery });
      return (await eventsOf(trainer)).flatMap((e) => (e.type === "checkpoint" ? [e.step] : []));
    };
    expect(await moments(undefined)).toEqual([7, 14]);
    expect(await moments({})).toEqual([7, 14]);
    expect(await moments({ steps: 5 })).toEqual([5, 7, 10, 14]);
    expect((await moments({ seconds: 1e-9 })).length).toBe(14);
    expect(await moments({ seconds: 1e9 })).toEqual([7, 14]);
  });

  describe("where a measurement takes long", () => {
    const told = (all: readonly TrainEvent[]) => all.filter((e): e is ValidationEvent => e.type === "validation");

    test("it says how far it is, at most once a second", async () => {
      let now = 0;
      const clock = vi.spyOn(platform, "now").mockImplementation(() => now);
      const evaluator: Evaluator = {
        async run({ onProgress } = {}) {
          for (let part = 1; part <= 7; part++) {
            now += 400;
            await onProgress?.({ done: part, total: 7 });
          }
          return { loss: 1 };
        },
        close: () => undefined,
      };
      const { trainer } = await opened({ machine }, { evaluator, epochs: 1, logEvery: 100 });
      const all = await eventsOf(trainer);
      clock.mockRestore();
      expect(all.map((e) => e.type)).toEqual(["start", "validation", "validation", "epoch", "checkpoint", "end"]);
      expect(told(all)).toMatchObject([
        { step: 7, epoch: 1, done: 3, total: 7 },
        { step: 7, epoch: 1, done: 6, total: 7 },
      ]);
      // 1.2 seconds for three of seven parts.
      expect(told(all)[0]!.secondsLeft).toBeCloseTo(1.6, 10);
    });

    test("whoever leaves then and comes again gets the same measurement", async () => {
      const { trainer: plain } = await opened({ machine }, { measured: true, epochs: 1 });
      const expected = measurements(await eventsOf(plain));
      let now = 0;
      const clock = vi.spyOn(platform, "now").mockImplementation(() => (now += 2000));
      try {
        const { trainer } = await opened({ machine }, { measured: true, epochs: 1 });
        for await (const event of trainer) if (event.type === "validation" && event.done === 3) break;
        const rest = await eventsOf(trainer);
        expect(told(rest).map((e) => e.done)).toEqual([1, 2, 3, 4, 5, 6]);
        expect(timelessOf(measurements(rest))).toEqual(timelessOf(expected));
      } finally {
        clock.mockRestore();
      }
    });
  });

  test("keeps a measurement that was broken off for later", async () => {
    const controller = new AbortController();
    let asked = 0;
    const evaluator: Evaluator = {
      async run({ signal } = {}) {
        if (asked++ === 1) controller.abort();
        signal?.throwIfAborted();
        return { loss: 1 / asked };
      },
      close: () => undefined,
    };
    const { trainer } = await opened({ machine }, { evaluator, signal: controller.signal, logEvery: 100 });
    const all = await eventsOf(trainer);
    expect(all.map((e) => e.type)).toEqual(["start", "epoch", "checkpoint", "end"]);
    expect(all[3]).toMatchObject({ reason: "aborted", step: 14 });
    const snapshot = await trainer.snapshot();
    const other = await opened({ machine }, { evaluator: scripted([0.5]), logEvery: 100 });
    await other.trainer.restore(snapshot);
    expect((await eventsOf(other.trainer)).slice(0, 2)).toMatchObject([{ step: 14 }, { type: "epoch", epoch: 2 }]);
  });
});

describe("updates that are left out", () => {
  const machine = openReference();
  /** loss = Σ (w x + b), whose gradient is x; 1e39 is more than a norm may be. */
  async function linearOn(xs: readonly number[], resumedAt?: number) {
    const layer = linear({ inputSize: 1, outputSize: 1 });
    const model = { parts: { layer } };
    const open = async () => {
      const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 2 });
      parameters.write("layer.weight", [1e-9]);
      return openTrainer({
        ...{ machine, parameters, epochs: 1, logEvery: 1, learningRate: 1e-12, clipNorm: Number.POSITIVE_INFINITY },
        batches: { batchesPerEpoch: xs.length, batch: (_, k) => ({ inputs: { x: [xs[k]!] }, rows: 1 }) },
        record: (graph) => ({ loss: sumAll({ out: layer.forward(graph.input("x", [1, 1])) }, variable("out")) }),
      });
    };
    let trainer = await open();
    if (resumedAt !== undefined) {
      for await (const event of trainer) if (event.type === "progress" && event.step === resumedAt) break;
      const snapshot = await trainer.snapshot();
      trainer = await open();
      await trainer.restore(snapshot);
    }
    const all = await eventsOf(trainer);
    const skipped = (all.filter((e) => e.type === "progress").at(-1) as ProgressEvent).skipped;
    return { skipped, weights: await trainer.parameters.toTensors() };
  }

  test("do not count for Adam's corrections", async () => {
    const with2 = await linearOn([1, 1e39, 2, 3, 1e39, 4]);
    const without = await linearOn([1, 2, 3, 4]);
    expect([with2.skipped, without.skipped]).toEqual([2, 0]);
    expect(with2.weights).toEqual(without.weights);
    // Nor after a resume, whose first update has to know of them.
    expect(await linearOn([1, 1e39, 2, 3, 1e39, 4], 3)).toEqual(with2);
  });

  test("and data that are no numbers stop it, named", async () => {
    await expect(linearOn([1, 2, Number.NaN, 3])).rejects.toMatchObject({ code: "diverged" });
    await expect(linearOn([1, 2, Number.NaN, 3])).rejects.toThrow(
      /at step 3 .*data are the cause: element 0 of the input "x" is NaN/,
    );
  });
});

describe("what goes wrong", () => {
  const machine = openReference();

  test.each<[string, Partial<TrainerOptions>, string]>([
    ["no batches", { batches: { batchesPerEpoch: 0, batch: () => ({ inputs: {}, rows: 1 }) } }, "out-of-range"],
    [
      "inputs that are missing",
      { batches: { batchesPerEpoch: 1, batch: () => ({ inputs: { x: [1] }, rows: 1 }) } },
      "missing-input",
    ],
    [
      "a batch without rows",
      { batches: { batchesPerEpoch: 1, batch: () => ({ inputs: {} }) as never } },
      "not-an-integer",
    ],
    [
      "a batch whose weight is no number",
      { batches: { batchesPerEpoch: 1, batch: () => ({ inputs: {}, rows: 1, weight: Number.NaN }) } },
      "out-of-range",
    ],
    ["a list of batches", { batches: [{ inputs: {}, rows: 1 }] as never }, "bad-option"],
    ["a batch that is not there", { batches: { batchesPerEpoch: 1, batch: () => undefined as never } }, "bad-option"],
    ["a batch without inputs", { batches: { batchesPerEpoch: 1, batch: () => ({ rows: 1 }) as never } }, "bad-option"],
    ["half a batch", { accumulate: 0.5 }, "not-an-integer"],
    ["no seconds", { checkpointEvery: { seconds: 0 } }, "out-of-range"],
    ["no patience", { earlyStopping: { patience: 0 } }, "out-of-range"],
    ["a delta below zero", { earlyStopping: { patience: 1, minDelta: -1 } }, "out-of-range"],
    ["an unknown mode", { monitor: { metric: "loss", mode: "least" as never } }, "unknown-choice"],
    ["no mode", { monitor: { metric: "loss" } as never }, "missing-option"],
    ["a schedule that is none", { learningRate: undefined, schedule: {} as never }, "bad-option"],
    ["a schedule of an unknown name", { schedule: "cosin" as never }, "unknown-choice"],
    ["a warmup of half a step", { warmupSteps: 0.5 }, "not-an-integer"],
    ["a warmup beside a function", { learningRate: undefined, schedule: () => 1, warmupSteps: 3 }, "bad-option"],
    ["a value of zero to clip at", { clipValue: 0 }, "out-of-range"],
    ["an optimizer by its name", { optimizer: "adam" as never }, "bad-option"],
    ["an optimizer that was not called", { optimizer: adam as never }, "bad-option"],
    ["no loss", { record: () => ({}) as never }, "bad-option"],
    ["nothing recorded", { record: () => undefined as never }, "bad-option"],
    ["a number for a loss", { record: () => ({ loss: 1 as never }) }, "bad-option"],
  ])("%s is refused", async (_, options, code) => {
    const run = async () => eventsOf((await opened({ machine }, options)).trainer);
    await expect(run()).rejects.toMatchObject({ code, name: "UsageError" });
  });

  test("losses by example are no loss", async () => {
    const record: TrainerOptions["record"] = (graph, { rows }) => ({ loss: graph.input("y", [rows, 1]) });
    await expect(opened({ machine }, { record })).rejects.toThrow(/record: loss: expected .*\[\], got \[\d, 1\]/);
  });

  test("a loss that is returned by itself is told from nothing", async () => {
    const bare: TrainerOptions["record"] = (graph) => graph.input("y", []) as never;
    await expect(opened({ machine }, { record: bare })).rejects.toThrow(/got the tensor itself; return it by its name/);
    await expect(opened({ machine }, { record: () => ({ cost: 1 }) as never })).rejects.toThrow(/the properties cost/);
  });

  test("a snapshot of another training or of other arithmetic is refused with what differs", async () => {
    const { trainer } = await opened({ machine }, { epochs: 1 });
    await eventsOf(trainer, 3);
    const snapshot = await trainer.snapshot();
    const { trainer: other } = await opened({ machine }, { epochs: 1 });
    await expect(other.restore({} as never)).rejects.toThrow(/expected what Trainer.snapshot gives, got an object/);
    await expect(other.restore(JSON.parse(JSON.stringify(snapshot)))).rejects.toThrow(/JSON does not hold its tensors/);
    const restored = async (options: Partial<TrainerOptions>, change: object = {}, more = {}) =>
      (await opened({ machine }, options)).trainer.restore({ ...snapshot, ...change }, more);
    await expect(restored({ seed: 5, batches: ragged({ seed: 9 }) })).rejects.toThrow(
      /seed was 0, now it is 5; data.seed was 3, now it is 9/,
    );
    await expect(restored({ optimizer: sgd() })).rejects.toMatchObject({ code: "other-training" });
    // The best so far is a loss: nothing would be better than it as an accuracy, and no weights be saved again.
    const accuracy = { evaluator: scripted([0.5], "accuracy"), monitor: { metric: "accuracy", mode: "max" as const } };
    await expect(restored(accuracy)).rejects.toThrow(/best was "min loss of training", now it is "max accuracy"/);
    const { best: _, ...older } = snapshot.setup;
    await expect(restored(accuracy, { setup: older })).resolves.toBeUndefined();
    for (const optimizer of [
      adam({ betas: [0.8, 0.999] }),
      adam({ epsilon: 1e-7 }),
      adam({ weightDecay: 0.01 }),
      adam({ lazy: true }),
    ])
      await expect(restored({ optimizer })).rejects.toThrow(/optimizerOptions was/);
    await restored({ optimizer: adam() });
    const fused = { arithmetic: { float: "float64", family: "fused" } };
    await expect(restored({}, fused)).rejects.toMatchObject({ code: "different-arithmetic" });
    await restored({}, fused, { allowDifferentArithmetic: true });
    await restored({ epochs: 7, logEvery: 1 });
  });

  test("a snapshot of another schedule is refused with the rates, unless that is meant", async () => {
    const goneOn = async (rate: Partial<TrainerOptions>, then: Partial<TrainerOptions>, more = {}) => {
      const { trainer } = await opened({ machine }, { epochs: 1, learningRate: undefined, ...rate });
      await eventsOf(trainer, 3);
      const next = await opened({ machine }, { epochs: 1, learningRate: undefined, ...rate, ...then });
      await next.trainer.restore(await trainer.snapshot(), more);
    };
    const cosine = { schedule: "cosine", learningRate: 0.1 } as const;
    await goneOn(cosine, { epochs: 5 });
    await expect(goneOn(cosine, { learningRate: 0.2 })).rejects.toMatchObject({
      code: "different-schedule",
      message: expect.stringContaining("learningRate was 0.1, now it is 0.2"),
    });
    await expect(goneOn(cosine, { schedule: "linear" })).rejects.toThrow(/schedule was "cosine", now it is "linear"/);
    await expect(goneOn(cosine, { warmupSteps: 2 })).rejects.toThrow(/warmup was 0, now it is 2/);
    await goneOn(cosine, { learningRate: 0.2 }, { allowDifferentSchedule: true });
    const steps = { schedule: stepRate({ learningRate: 0.1, stepSize: 2 }) };
    await goneOn(steps, { epochs: 5 });
    await expect(goneOn(steps, { schedule: stepRate({ learningRate: 0.1, stepSize: 3 }) })).rejects.toThrow(
      /rate at step 2 was 0.01, now it is 0.1/,
    );
    await expect(goneOn(steps, { schedule: () => undefined as never })).rejects.toThrow(
      /step 0 was 0.1, now it is null/,
    );
    await expect(goneOn(steps, cosine)).rejects.toThrow(/rate at step 0 was 0.1, now it is not there/);
    const plateau = (options = {}) => ({ schedule: reduceOnPlateau({ learningRate: 0.1, patience: 5, ...options }) });
    await goneOn(plateau(), plateau());
    for (const other of [{ learningRate: 0.2 }, { patience: 6 }, { factor: 0.5 }, { threshold: 1e-3 }])
      await expect(goneOn(plateau(), plateau(other))).rejects.toMatchObject({ code: "different-schedule" });
  });

  test("parameters that are no finite numbers make no snapshot", async () => {
    const { trainer, parameters } = await opened({ machine });
    parameters.write("head.bias", [Number.POSITIVE_INFINITY]);
    await expect(trainer.snapshot()).rejects.toMatchObject({ code: "not-finite" });
  });
});
