import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { carriedBatches } from "../../src/data/carried-batches.ts";
import { evaluateText } from "../../src/train/evaluate-text.ts";
import type { EndEvent, EpochEvent, ProgressEvent, StartEvent, TrainEvent } from "../../src/train/events.ts";
import { constantRate } from "../../src/train/schedules.ts";
import { type TextFacts, type TrainTextOptions, trainText } from "../../src/train/train-text.ts";
import { tinyModel, tinyRun, tinyText } from "../support/tiny-run.ts";

let machine: SynchronousMachine;
beforeAll(async () => {
  machine = await openMachine("reference");
});
afterAll(() => machine.close());

async function tinyTraining(options: Partial<TrainTextOptions> = {}) {
  const { model, tokens } = await tinyRun(machine);
  return trainText({ model, machine, train: tokens, batchSize: 4, sequenceLength: 10, epochs: 2, ...options });
}

async function events(options: Partial<TrainTextOptions> = {}): Promise<TrainEvent[]> {
  const { trainer } = await tinyTraining(options);
  const all: TrainEvent[] = [];
  for await (const event of trainer) all.push(event);
  trainer.close();
  return all;
}
const ofType = <E extends TrainEvent>(all: readonly TrainEvent[], type: E["type"]): E[] =>
  all.filter((event): event is E => event.type === type);

describe("trainText", () => {
  test("tells where it begins, how it goes and where it ends", async () => {
    const validation = (await tinyRun(machine)).tokens.subarray(0, 101);
    const all = await events({ validation, logEvery: 8 });
    const windows = Math.floor(Math.floor((tinyText.length - 1) / 4) / 10);
    const start = all[0] as StartEvent;
    expect(start).toMatchObject({ type: "start", trainTokens: tinyText.length, validationTokens: 101, batchSize: 4 });
    expect(start).toMatchObject({ sequenceLength: 10, stepsPerEpoch: windows, totalSteps: 2 * windows, epochs: 2 });
    // Embedding 5·4, LSTM 4·6·(4 + 6) + 2·4·6, head 5·6 + 5.
    expect(start.parameters).toBe(5 * 4 + 24 * 10 + 48 + 35);
    expect(start.bytes).toBeGreaterThan(4 * 8 * start.parameters);

    const progress = ofType<ProgressEvent>(all, "progress");
    expect(progress.map((p) => p.step)).toEqual([8, 16, 24, 32, 40]);
    expect(progress[0]!.loss).toBeGreaterThan(progress.at(-1)!.loss);
    for (const p of progress) {
      expect(p.itemsPerSecond).toBeGreaterThan(0);
      expect(p.gradientNorm).toBeGreaterThan(0);
      expect(p).toMatchObject({ learningRate: 2e-3, skipped: 0 });
    }
    const epochs = ofType<EpochEvent>(all, "epoch");
    expect(epochs.map((e) => [e.epoch, e.step])).toEqual([
      [1, windows],
      [2, 2 * windows],
    ]);
    expect(epochs[1]!.validationLoss).toBeLessThan(epochs[0]!.validationLoss!);
    expect(epochs.every((e) => e.best)).toBe(true);
    expect(all.at(-1)).toMatchObject({ type: "end", reason: "done", step: 2 * windows });
  });

  test("reports means of the very losses of the steps, however often it reads them", async () => {
    const each = ofType<ProgressEvent>(await events({ epochs: 1, logEvery: 1 }), "progress").map((p) => p.loss);
    const every5 = await events({ epochs: 1, logEvery: 5 });
    const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    expect(ofType<ProgressEvent>(every5, "progress")[2]!.loss).toBeCloseTo(mean(each.slice(10, 15)), 12);
    expect(ofType<EpochEvent>(every5, "epoch")[0]!.trainLoss).toBeCloseTo(mean(each), 12);
  });

  test("begins each epoch with zero state and carries it in between", async () => {
    // At learning rate 0 nothing is learned, so equal losses mean equal states.
    const options = { learningRate: 0, logEvery: 1 };
    const losses = ofType<ProgressEvent>(await events(options), "progress").map((p) => p.loss);
    const windows = losses.length / 2;
    expect(losses.slice(windows)).toEqual(losses.slice(0, windows));
    const { model, tokens, parameters } = await tinyRun(machine);
    const { trainer } = await trainText({
      ...{ model, machine, parameters, train: tokens, batchSize: 4, sequenceLength: 10, epochs: 1, ...options },
    });
    const own: number[] = [];
    for await (const event of trainer) if (event.type === "progress") own.push(event.loss);
    // The mean loss of all windows is that of the streams read in one go from zero state: only so if the state is carried.
    const { tokensPerEpoch } = carriedBatches({ tokens, streams: 4, steps: 10 });
    const L = Math.floor((tokens.length - 1) / 4);
    expect(tokensPerEpoch).toBe(4 * Math.floor(L / 10) * 10);
    const streams = await Promise.all(
      [0, 1, 2, 3].map((b) => {
        const stream = tokens.subarray(b * L, b * L + Math.floor(L / 10) * 10 + 1);
        return evaluateText({ model, parameters, machine, tokens: stream, batchSize: 1 });
      }),
    );
    const mean = streams.reduce((sum, s) => sum + s.loss, 0) / 4;
    expect(own.reduce((a, b) => a + b, 0) / own.length).toBeCloseTo(mean, 12);
  });

  test("is a function of its seed", async () => {
    const run = (seed: number) => events({ seed, model: tinyModel({ dropout: 0.3 }), epochs: 1 });
    const loss = (all: TrainEvent[]) => ofType<EpochEvent>(all, "epoch")[0]!.trainLoss;
    const [a, b, c] = [loss(await run(3)), loss(await run(3)), loss(await run(4))];
    expect(a).toBe(b);
    expect(a).not.toBe(c);
  });

  test("stops between two steps when it is aborted, and keeps what it learned", async () => {
    const { model, tokens, parameters } = await tinyRun(machine);
    const before = await parameters.read("head.weight");
    const controller = new AbortController();
    const { signal } = controller;
    const { trainer } = await trainText({
      ...{ model, machine, parameters, train: tokens, batchSize: 4, sequenceLength: 10, logEvery: 3, signal },
    });
    const all: TrainEvent[] = [];
    for await (const event of trainer) {
      all.push(event);
      if (event.type === "progress") controller.abort();
    }
    trainer.close();
    expect(all.map((e) => e.type)).toEqual(["start", "progress", "end"]);
    expect(all.at(-1) as EndEvent).toMatchObject({ reason: "aborted", step: 3 });
    expect(await parameters.read("head.weight")).not.toEqual(before);
  });

  test("goes on where a loop was left", async () => {
    const whole = await events({ epochs: 1, logEvery: 5 });
    const { trainer } = await tinyTraining({ epochs: 1, logEvery: 5 });
    const parts: TrainEvent[] = [];
    for (let turn = 0; turn < 100 && parts.at(-1)?.type !== "end"; turn++)
      for await (const event of trainer) {
        parts.push(event);
        break;
      }
    trainer.close();
    const lossOf = (e: TrainEvent) => ("loss" in e ? e.loss : "trainLoss" in e ? e.trainLoss : undefined);
    expect(parts.map((e) => [e.type, lossOf(e)])).toEqual(whole.map((e) => [e.type, lossOf(e)]));
  });

  test("measures in between and at an end within an epoch", async () => {
    const validation = (await tinyRun(machine)).tokens.subarray(0, 101);
    const all = await events({ validation, evaluateEvery: 10, maxSteps: 25 });
    const measured = all.filter((e) => e.type === "evaluation" || e.type === "epoch");
    expect(measured.map((e) => [e.type, e.step, e.validationLoss! > 0])).toEqual([
      ["evaluation", 10, true],
      ["epoch", 20, true],
      ["evaluation", 25, true],
    ]);
  });

  test("follows a schedule", async () => {
    const rates: number[] = [];
    const all = await events({
      ...{ epochs: 1, logEvery: 1, maxSteps: 3 },
      schedule: (step) => {
        rates.push(step);
        return constantRate({ learningRate: 0.1 / (step + 1) })(step);
      },
    });
    expect(rates).toEqual([0, 1, 2]);
    expect(ofType<ProgressEvent>(all, "progress").map((p) => p.learningRate)).toEqual([0.1, 0.05, 0.1 / 3]);
  });

  test("makes windows small enough for a short text unless they were asked for", async () => {
    const { model, tokens } = await tinyRun(machine);
    const started = async (options: Partial<TrainTextOptions>): Promise<StartEvent<TextFacts>> => {
      const { trainer } = await trainText({ model, machine, train: tokens.subarray(0, 30), epochs: 1, ...options });
      for await (const event of trainer) {
        trainer.close();
        return event as StartEvent<TextFacts>;
      }
      throw new Error("no event");
    };
    expect((await started({})).stepsPerEpoch).toBeGreaterThanOrEqual(8);
    expect(await started({ batchSize: 4 })).toMatchObject({ batchSize: 4, sequenceLength: 7 });
    expect(await started({ sequenceLength: 12 })).toMatchObject({ batchSize: 2, sequenceLength: 12 });
    const long = new Int32Array(100_000);
    expect(await started({ train: long, batchSize: 4 })).toMatchObject({ sequenceLength: 64 });
    expect(await started({ train: long, sequenceLength: 8 })).toMatchObject({ batchSize: 32 });
    const asked = trainText({ model, machine, train: tokens.subarray(0, 30), batchSize: 50 });
    await expect(asked).rejects.toMatchObject({ code: "too-few-tokens" });
  });
});

describe("what goes wrong", () => {
  test.each<[string, Partial<TrainTextOptions>, string]>([
    ["a model that is none", { model: { parts: {} } as never }, "bad-option"],
    ["tokens that are none", { train: "text" as never }, "not-tokens"],
    ["one token", { train: new Int32Array(1) }, "too-few-tokens"],
    ["more streams than text", { batchSize: 1000 }, "too-few-tokens"],
    ["a batch of zero", { batchSize: 0 }, "out-of-range"],
    ["no steps", { sequenceLength: 0 }, "out-of-range"],
    ["half an epoch", { epochs: 0.5 }, "not-an-integer"],
    ["a rate below zero", { learningRate: -1 }, "out-of-range"],
    ["a rate that is no number", { learningRate: Number.NaN }, "out-of-range"],
    ["a rate beside a schedule", { learningRate: 1, schedule: () => 1 }, "bad-option"],
    ["a norm of zero", { clipNorm: 0 }, "out-of-range"],
    ["a name that there is not", { learnRate: 1 } as never, "unknown-option"],
    ["an unknown rhythm", { evaluateEvery: "day" as never }, "not-an-integer"],
  ])("%s is refused", async (_, options, code) => {
    await expect(events(options)).rejects.toMatchObject({ code, name: "UsageError" });
  });

  test("a name that there is not is answered with the nearest one", async () => {
    await expect(events({ learnigRate: 1 } as never)).rejects.toThrow(
      'trainText: there is no option "learnigRate"; did you mean learningRate?',
    );
    await expect(events({ clipNorm: -1 })).rejects.toThrow("clipNorm: expected a number above 0, or Infinity, got -1");
  });

  test("tokens outside the vocabulary are refused before a step is made of them", async () => {
    const train = new Int32Array(100).fill(1);
    train[70] = 5;
    await expect(events({ train, batchSize: 2, sequenceLength: 5 })).rejects.toMatchObject({ code: "out-of-range" });
  });

  test("a hidden size of 10^9 is refused with the memory it would take", async () => {
    const model = tinyModel({ hiddenSize: 1e9 });
    await expect(events({ model })).rejects.toThrow(
      /4,000,000,02\d,000,000,\d+ parameters needs .* EiB .* the machine has 8 GiB/,
    );
    await expect(events({ model })).rejects.toMatchObject({ code: "out-of-memory", name: "FailureError" });
  });

  test("a loss that is no number stops the training and leaves weights that are numbers", async () => {
    const { model, tokens, parameters } = await tinyRun(machine);
    const schedule = (step: number) => (step < 4 ? 1e-3 : 1e300);
    const { trainer } = await trainText({
      ...{ model, machine, parameters, train: tokens, batchSize: 4, sequenceLength: 10, schedule, logEvery: 3 },
    });
    const run = async () => {
      for await (const _ of trainer);
    };
    const error = await run().then(
      () => undefined,
      (reason) => reason as Error,
    );
    expect(error).toMatchObject({ code: "diverged", name: "FailureError" });
    expect(error!.message).toMatch(/at step \d+ \(epoch 1\).*learning rate.*try a tenth/);
    trainer.close();
    for (const [name, { data }] of await parameters.toTensors())
      expect([name, data.every(Number.isFinite)]).toEqual([name, true]);
  });

  test("weights that are no numbers are named as the cause", async () => {
    const { model, tokens, parameters } = await tinyRun(machine);
    parameters.write("head.bias", new Float64Array(5).fill(Number.NaN));
    const { trainer } = await trainText({
      model,
      machine,
      parameters,
      train: tokens,
      batchSize: 4,
      sequenceLength: 10,
      logEvery: 5,
    });
    const run = async () => {
      for await (const _ of trainer);
    };
    await expect(run()).rejects.toThrow(/at step 1 .*weights that it began with/);
    trainer.close();
  });
});
