import { afterEach, describe, expect, test, vi } from "vitest";
import { openMachine } from "../../src/compute/open.ts";
import type { TrainingSnapshot } from "../../src/train/snapshot.ts";
import type { WorkerClient } from "../../src/worker/connect.ts";
import { addingTask, seriesTask } from "../../src/worker/number-tasks.ts";
import type { TrainingChoice, TrainingProgress } from "../../src/worker/protocol.ts";
import { LiveTraining } from "../../src/worker/training.ts";
import { bareWorker, workerHere } from "./worker-here.ts";

const choice: TrainingChoice = {
  ...{ text: "", probe: "", cell: "gru", hiddenSize: 12, embeddingSize: 4, numLayers: 1, optimizer: "adam" },
  ...{ learningRate: 0.02, clipNorm: 1, batchSize: 16, sequenceLength: 12, seed: 3 },
};
let client: WorkerClient;
afterEach(async () => {
  await client.call("stop", {});
  await new Promise((resolve) => setTimeout(resolve, 50));
  client.close();
});

/** Waits for news of the training that says so. */
const until = (says: (progress: TrainingProgress) => boolean): Promise<TrainingProgress> =>
  new Promise((resolve, reject) => {
    client.onEnd = (error) => error && reject(error);
    client.onProgress = (progress) => says(progress) && resolve(progress);
  });

describe("training in a worker", () => {
  test("the adding problem is what it says, and is learned", async () => {
    const task = addingTask({ steps: 6, rows: 4, seed: 1 });
    const { x, y } = (await task.batches.batch(0, 7)).inputs as { x: Float32Array; y: Float32Array };
    for (let b = 0; b < 4; b++) {
      const marked = [0, 1, 2, 3, 4, 5].filter((t) => x[(t * 4 + b) * 2 + 1] === 1);
      expect(marked).toHaveLength(2);
      expect([marked[0]! < 3, marked[1]! >= 3]).toEqual([true, true]);
      expect(y[b]).toBeCloseTo(x[(marked[0]! * 4 + b) * 2]! + x[(marked[1]! * 4 + b) * 2]!, 6);
    }
    client = workerHere();
    const learned = until(({ reading, step, loss }) => reading !== undefined && step > 300 && loss < 0.05);
    await client.call("train", { ...choice, numbers: { task: "adding", steps: 6 } });
    await learned;
  }, 60_000);

  test("a text is all that is needed; what there is no setting for is told", async () => {
    client = workerHere();
    const text = "abcabd ".repeat(60);
    const seen = until(({ reading }) => reading !== undefined);
    // An LSTM of 32 units, 16 numbers a character, and a head.
    const { parameters, vocabularySize } = await client.call("train", { text, seed: undefined });
    expect(vocabularySize).toBe(new Set(text).size);
    const V = vocabularySize!;
    expect(parameters).toBe(V * 16 + 4 * 32 * (16 + 32 + 2) + (32 + 1) * V);
    expect((await seen).reading!.tokens).toEqual([...text.slice(0, 60)]);
    await expect(client.call("train", { text, hidden: 3 } as object)).rejects.toThrow(
      'train: there is no option "hidden"',
    );
    await expect(client.call("train", {})).rejects.toMatchObject({ code: "text-empty" });
    await expect(client.call("open", { file: "model.pt" as never, name: "model.pt" })).rejects.toThrow(
      'open: file: expected a File, a Blob or a Uint8Array, got the string "model.pt"',
    );
  });

  const wave = Float32Array.from({ length: 90 }, (_, t) => Math.sin(t / 3));
  test.each([
    { numbers: { task: "adding", steps: 6 }, task: addingTask({ steps: 6, rows: 16, seed: 3 }) },
    { numbers: { task: "series", data: wave }, task: seriesTask(wave, { steps: 12, rows: 16, seed: 3 }) },
  ] as const)(
    "what it shows of its example is what its file says of it, opened: $numbers.task",
    async ({ numbers, task }) => {
      client = workerHere();
      const { input, target, labels } = task.probe;
      const machine = await openMachine("wasm", { threads: 1 });
      const told: TrainingProgress[] = [];
      const training = await LiveTraining.open(machine, { ...choice, numbers }, (one) => told.push(one));
      const ran = training.run();
      training.allow(1);
      await expect.poll(() => told.length).toBe(1);
      const { reading, sample } = told[0]!;
      const { id, ...facts } = await client.call("open", { file: await training.save(), name: "live" });
      expect(facts).toMatchObject({ cell: "gru", parameters: training.facts.parameters });
      const { values, outputs } = await client.call("readSeries", { id, data: input });
      const [own] = outputs;
      expect(reading).toMatchObject({ tokens: labels, leftOut: [], cut: false, predictions: [], values });
      expect(reading!.outputs).toMatchObject([{ name: "value", width: 1, everyStep: true }]);
      const { data: said } = reading!.outputs[0]!;
      expect(said).toHaveLength(own!.data.length);
      for (const [t, v] of own!.data.entries()) expect(said[t]).toBeCloseTo(v, 5);
      const answers = Array.from(said.slice(-target.length));
      const squares = answers.map((v, k) => (v - target[k]!) ** 2);
      expect(reading!.loss).toBeCloseTo(squares.reduce((a, b) => a + b) / squares.length, 6);
      const [x = [], y = [], a = []] = [input, target, answers].map((all) => Array.from(all, (v) => v.toFixed(2)));
      const marked = [0, 1, 2, 3, 4, 5].filter((t) => input[2 * t + 1] === 1);
      expect(sample).toBe(
        numbers.task === "adding"
          ? `${marked.map((t) => x[2 * t]).join(" + ")} = ${y[0]}\n→ ${a[0]}`
          : [83, 84, 85, 86, 87, 88].map((t) => `${x[t]} → ${a[t]} (${y[t]})`).join("\n"),
      );
      if (numbers.task === "adding") {
        expect(labels).toEqual([0, 1, 2, 3, 4, 5].map((t) => (marked.includes(t) ? "+" : "·")));
        expect(marked).toHaveLength(2);
        expect(target[0]).toBeCloseTo(input[2 * marked[0]!]! + input[2 * marked[1]!]!, 6);
      } else expect([input, target]).toEqual([wave.slice(0, 89), wave.slice(1)]);
      training.stop();
      await ran;
      // Nothing of it is left.
      expect(machine.memory.usedBytes).toBe(0);
      machine.close();
    },
  );

  test("begins with the weights of its seed, and leaves nothing behind however it ends", async () => {
    client = workerHere();
    const machine = await openMachine("wasm", { threads: 1 });
    const begun = async (what: Partial<TrainingChoice>) => {
      const training = await LiveTraining.open(machine, { ...choice, ...what }, () => undefined);
      const bytes = await training.save();
      training.stop();
      await training.run();
      expect(machine.memory.usedBytes).toBe(0);
      return bytes;
    };
    const text = "abcabd ".repeat(60);
    for (const what of [{ numbers: { task: "adding", steps: 6 } }, { text }] as const) {
      const bytes = await begun({ ...what, seed: 3 });
      expect(await begun({ ...what, seed: 3 })).toEqual(bytes);
      expect(await begun({ ...what, seed: 4 })).not.toEqual(bytes);
    }
    for (const [from, what] of [
      [{}, { text }],
      [{}, { numbers: { task: "adding", steps: 6 } }],
      [undefined, { text: "ab" }],
      [undefined, { text: " " }],
    ] as const) {
      const opened = LiveTraining.open(
        machine,
        { ...choice, ...what },
        () => undefined,
        from as TrainingSnapshot | undefined,
      );
      await expect(opened).rejects.toThrow();
      expect(machine.memory.usedBytes).toBe(0);
    }
    machine.close();
  });

  test("of trainings that are begun at once only the last one runs", async () => {
    client = workerHere();
    const steps: number[] = [];
    client.onProgress = ({ step }) => steps.push(step);
    const numbers = { task: "adding" as const, steps: 6 };
    const begun = [1, 2, 3].map((seed) => client.call("train", { ...choice, seed, numbers }));
    await expect(begun[0]).rejects.toMatchObject({ code: "closed" });
    await expect(begun[1]).rejects.toMatchObject({ code: "closed" });
    await begun[2];
    await expect.poll(() => steps.length, { timeout: 20_000 }).toBeGreaterThan(3);
    expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
    const stopped = client.call("train", { ...choice, numbers });
    await client.call("stop", {});
    await expect(stopped).rejects.toMatchObject({ code: "closed" });
    await expect(client.call("snapshot", {})).rejects.toMatchObject({ code: "no-training" });
  }, 60_000);

  test("stops when the page does not wait for it any more, also when it has begun", async () => {
    client = workerHere();
    const numbers = { task: "adding" as const, steps: 6 };
    for (const begun of [false, true]) {
      const { hear, answerTo } = bareWorker();
      hear({ call: "train", number: 1, given: { ...choice, numbers } });
      if (begun) await expect.poll(() => answerTo(1), { timeout: 20_000 }).toMatchObject({ back: {} });
      hear({ abort: 1 });
      hear({ call: "snapshot", number: 2, given: {} });
      await expect.poll(() => answerTo(2)).toMatchObject({ error: { code: "no-training" } });
      if (!begun)
        await expect.poll(() => answerTo(1), { timeout: 20_000 }).toMatchObject({ error: { code: "closed" } });
    }
  }, 60_000);

  test("goes back to a step that was kept, and on from there as it went before", async () => {
    client = workerHere();
    const numbers = { task: "adding" as const, steps: 6 };
    await client.call("train", { ...choice, numbers });
    await client.call("pause", {});
    await until(() => true);
    const losses = async (): Promise<[number, number][]> => {
      const found: [number, number][] = [];
      for (let k = 0; k < 3; k++) {
        const came = until(() => true);
        await client.call("step", {});
        const { step, loss, checkpoints } = await came;
        expect(checkpoints).toEqual([...checkpoints].sort((a, b) => a - b));
        expect(checkpoints[0]).toBe(0);
        found.push([step, loss]);
      }
      return found;
    };
    await client.call("rewind", { step: 0 });
    expect((await client.call("snapshot", {}))!.state.step).toBe(0);
    const first = await losses();
    expect(first.map(([step]) => step)).toEqual([1, 2, 3]);
    await client.call("rewind", { step: 0 });
    expect(await losses()).toEqual(first);
    await expect(client.call("rewind", { step: 99 })).rejects.toMatchObject({
      code: "out-of-range",
      message: expect.stringContaining("0, 1, 2, got 99"),
    });
  }, 60_000);

  test("goes back although what it goes back to gave its place to others meanwhile", async () => {
    client = workerHere();
    const machine = await openMachine("wasm");
    const told: TrainingProgress[] = [];
    const training = await LiveTraining.open(machine, { ...choice, numbers: { task: "adding", steps: 6 } }, (one) =>
      told.push(one),
    );
    const ran = training.run();
    training.allow(1);
    await expect.poll(() => told.length).toBe(1);
    const { checkpoints } = training as unknown as { checkpoints: Map<number, unknown> };
    training.rewind(1);
    checkpoints.delete(1);
    await expect.poll(() => [...checkpoints.keys()]).toEqual([0, 1]);
    expect((await training.snapshot())!.state.step).toBe(1);
    training.stop();
    await ran;
    machine.close();
  }, 60_000);

  test("goes nowhere in between when it is to go back once more while it goes back", async () => {
    client = workerHere();
    const machine = await openMachine("wasm");
    const told: number[] = [];
    const training = await LiveTraining.open(machine, { ...choice, numbers: { task: "adding", steps: 6 } }, (one) =>
      told.push(one.step),
    );
    const ran = training.run();
    for (const step of [1, 2]) {
      training.allow(1);
      await expect.poll(() => told.length).toBe(step);
    }
    const { trainer } = (training as unknown as { task: { trainer: { restore(): Promise<void> } } }).task;
    const restore = vi.spyOn(trainer, "restore");
    training.rewind(1);
    restore.mockImplementationOnce(() => Promise.resolve(training.rewind(0)));
    expect((await training.snapshot())!.state.step).toBe(0);
    expect(restore).toHaveBeenCalledTimes(2);
    expect(told).toEqual([1, 2]);
    training.stop();
    await ran;
    machine.close();
  }, 60_000);

  test("everyone who asks for what is kept is answered, whenever it is", async () => {
    client = workerHere();
    const machine = await openMachine("wasm");
    const choices = { ...choice, numbers: { task: "adding" as const, steps: 6 } };
    const training = await LiveTraining.open(machine, choices, () => undefined);
    const ran = training.run();
    training.allow(1);
    for (let turns = 0; turns < 40; turns++) {
      const one = training.snapshot();
      for (let k = 0; k < turns; k++) await Promise.resolve();
      const late = new Promise((resolve) => setTimeout(resolve, 5000, "not answered"));
      for (const asked of [one, training.snapshot()])
        expect(await Promise.race([asked, late]), `asked after ${turns} turns`).toMatchObject({ state: { step: 1 } });
    }
    // Also while it goes on.
    training.allow(Number.POSITIVE_INFINITY);
    const { trainer } = (training as unknown as { task: { trainer: { step: number } } }).task;
    await expect.poll(() => trainer.step).toBeGreaterThan(1);
    const late = new Promise((resolve) => setTimeout(resolve, 5000, "not answered"));
    const running = (await Promise.race([training.snapshot(), late])) as TrainingSnapshot;
    expect(running.state.step).toBeGreaterThan(1);
    training.stop();
    await ran;
    expect(await training.snapshot()).toBeUndefined();
    machine.close();
  }, 60_000);

  test("a text that is to be read and has nothing in it that is known is said before anything is learned", async () => {
    client = workerHere();
    const refused = client.call("train", { ...choice, text: "abcabc ".repeat(60), probe: "xyz" });
    await expect(refused).rejects.toMatchObject({ code: "no-tokens" });
  });

  test("a training that broke down has nothing to keep, and says so", async () => {
    client = workerHere();
    const ended = new Promise((resolve) => {
      client.onEnd = resolve;
    });
    await client.call("train", { ...choice, learningRate: 1e30, numbers: { task: "adding", steps: 6 } });
    expect(await ended).toMatchObject({ code: expect.stringMatching(/diverged|not-finite/) });
    expect(await client.call("snapshot", {})).toBeUndefined();
  }, 60_000);

  test("a series is learned one step ahead; what is kept goes on as if nothing had been", async () => {
    const data = Float32Array.from({ length: 90 }, (_, t) => Math.sin(t / 3));
    const { inputs } = await seriesTask(data, { steps: 5, rows: 2, seed: 1 }).batches.batch(0, 0);
    const [a, b] = [Array.from(inputs.x!), Array.from(inputs.y!)];
    expect(b.slice(0, 8)).toEqual(a.slice(2));
    const numbers = { task: "series" as const, data };
    const reach = async (from: number, steps: number): Promise<number> => {
      let last = 0;
      for (let k = from + 1; k <= from + steps; k++) {
        const came = until(({ step }) => step === k);
        await client.call("step", {});
        last = (await came).loss;
      }
      return last;
    };
    client = workerHere();
    await client.call("train", { ...choice, numbers });
    await client.call("pause", {});
    const { step } = await until(() => true);
    await reach(step, 2);
    const kept = await client.call("snapshot", {});
    expect(kept!.state.step).toBe(step + 2);
    const expected = await reach(step + 2, 3);
    await client.call("stop", {});
    client.close();

    client = workerHere();
    const first = until(() => true);
    await client.call("train", { ...choice, numbers, from: structuredClone(kept) });
    await client.call("pause", {});
    const { step: at } = await first;
    expect(at).toBeLessThan(step + 5);
    expect(await reach(at, step + 5 - at)).toBe(expected);
    for (const bad of [data.subarray(0, 7), data.with(3, Number.NaN)])
      await expect(client.call("train", { ...choice, numbers: { task: "series", data: bad } })).rejects.toMatchObject({
        code: "bad-series",
      });
    // With one number there are no two to add.
    await expect(client.call("train", { ...choice, numbers: { task: "adding", steps: 1 } })).rejects.toMatchObject({
      code: "out-of-range",
    });
  }, 60_000);
});
