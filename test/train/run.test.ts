import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { decodeCheckpoint } from "../../src/checkpoint/checkpoint-file.ts";
import { latestCheckpoint } from "../../src/checkpoint/checkpoints.ts";
import { readSafetensors } from "../../src/checkpoint/safetensors.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import { linear } from "../../src/layers/linear.ts";
import { meanSquaredError } from "../../src/losses/mean-squared-error.ts";
import { loadClassifier } from "../../src/run/load-classifier.ts";
import { FailureError as Failure, type FailureError } from "../../src/shared/errors.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { VERSION } from "../../src/shared/version.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import type { TrainEvent } from "../../src/train/events.ts";
import { type OpenRunOptions, openRun } from "../../src/train/run.ts";
import { trainClassifier } from "../../src/train/train-classifier.ts";
import { openTrainer } from "../../src/train/trainer.ts";
import type { TrainerOptions } from "../../src/train/trainer-options.ts";
import { PowerCut, SimulatedFiles } from "../checkpoint/simulated-files.ts";

const machine = openReference();
const config = { model: { kind: "line" }, note: 1 };
const run = "/run";

/** A line through noise: 4 updates an epoch, measured by how far its slope is from 2. */
async function lineTrainer(options: Partial<TrainerOptions> = {}) {
  const layer = linear({ inputSize: 1, outputSize: 1 });
  const parameters = await createParameters({ machine, layout: layoutParameters({ parts: { layer } }), seed: 1 });
  const trainer = await openTrainer({
    ...{ machine, parameters, epochs: 3, learningRate: 0.1, logEvery: 2, checkpointEvery: { steps: 3 } },
    batches: {
      batchesPerEpoch: 4,
      batch(epoch, index) {
        const x = new RandomStream(5, "x", epoch, index).normal(6);
        return { inputs: { x, y: x.map((value) => 2 * value + 1) }, rows: 6 };
      },
    },
    record: (graph) => ({
      loss: meanSquaredError(layer.forward(graph.input("x", [6, 1])), graph.input("y", [6, 1])),
    }),
    evaluator: {
      run: async () => ({ loss: Math.abs((await parameters.read("layer.weight"))[0]! - 2) }),
      close: () => undefined,
    },
    ...options,
  });
  return { trainer, parameters };
}

interface Recorded {
  readonly events: TrainEvent[];
  readonly notices: string[];
  /** What training leaves, without what depends on the clock. */
  readonly left: unknown;
}

const timeless = (text: string): object[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const { seconds, itemsPerSecond, secondsLeft, ...rest } = JSON.parse(line);
      return rest;
    });
const textOf = async (files: SimulatedFiles, name: string): Promise<string> =>
  new TextDecoder().decode(await files.read(`${run}/${name}`));

async function record(
  files: SimulatedFiles,
  existing: OpenRunOptions["existing"],
  options: Partial<TrainerOptions> = {},
): Promise<Recorded> {
  const notices: string[] = [];
  const { trainer, parameters } = await lineTrainer(options);
  const opened = await openRun({ folder: run, files, existing, keep: 2, onNotice: (text) => notices.push(text) });
  const events: TrainEvent[] = [];
  try {
    for await (const event of opened.record(trainer, { config })) events.push(event);
  } finally {
    await opened.close();
  }
  const { found } = await latestCheckpoint({ files, folder: `${run}/checkpoints` });
  const left = {
    weights: await parameters.toTensors(),
    metrics: timeless(await textOf(files, "metrics.jsonl")),
    model: await files.read(`${run}/model.safetensors`),
    config: await textOf(files, "config.json"),
    tensors: found!.tensors,
  };
  return { events, notices, left };
}

/** The files as another process finds them after the power came back: the lock names one that is gone. */
async function afterCrash(files: SimulatedFiles, survivors: number): Promise<SimulatedFiles> {
  const found = files.afterCrash(survivors);
  await found.remove(`${run}/run.lock`);
  return found;
}

describe("a run", () => {
  test("is a folder with config, best weights, curves and checkpoints", async () => {
    const files = new SimulatedFiles();
    const { events } = await record(files, "refuse");
    expect((await files.list(run)).sort()).toEqual([
      "checkpoints",
      "config.json",
      "metrics.jsonl",
      "model.safetensors",
    ]);
    const metrics = timeless(await textOf(files, "metrics.jsonl"));
    expect(metrics.map((line) => (line as { type: string }).type)).toEqual(
      events.map(({ type }) => type).filter((type) => type !== "checkpoint"),
    );
    const epochs = events.filter((event) => event.type === "epoch");
    const best = epochs.findLast((event) => event.best)!;
    expect(JSON.parse(await textOf(files, "config.json"))).toMatchObject({
      ...config,
      saved: { savedStep: best.step, savedEpoch: best.epoch, validationLoss: best.validationLoss },
    });
    const steps = (await files.list(`${run}/checkpoints`))
      .map((name) => Number(/\d+/.exec(name)))
      .sort((a, b) => a - b);
    expect(steps.slice(-2)).toEqual([9, 12]);
    const bytes = await files.read(`${run}/checkpoints/step-0000000012.safetensors`);
    expect((await decodeCheckpoint(bytes)).state).toMatchObject({
      ...{ version: VERSION, arithmetic: { float: "float64" }, state: { step: 12, due: null } },
    });
    expect(VERSION).toBe(manifest.version);
  });

  test("without an evaluator holds the weights at its end, though the loss of training was lower before", async () => {
    const rates = { learningRate: undefined, schedule: (step: number) => (step < 8 ? 0.3 : 5) };
    for (const [options, saved, kept] of [
      [{}, { savedStep: 12, savedEpoch: 3 }, ["09", "12"]],
      [{ maxSteps: 10 }, { savedStep: 10 }, ["08", "09", "10"]],
    ] as const) {
      const files = new SimulatedFiles();
      const { events, left } = await record(files, "refuse", { evaluator: undefined, ...rates, ...options });
      const losses = events.flatMap((event) => (event.type === "epoch" ? [event.trainLoss] : []));
      expect(losses.at(-1) === Math.min(...losses)).toBe(losses.length < 3);
      expect(JSON.parse(await textOf(files, "config.json")).saved).toEqual(saved);
      const names = (await files.list(`${run}/checkpoints`)).sort();
      expect(names.map((name) => /(\d\d)\./.exec(name)?.[1])).toEqual(kept);
      const { weights, model } = left as { weights: Map<string, { data: Float64Array }>; model: Uint8Array };
      const { tensors } = readSafetensors(model);
      for (const [name, { data }] of weights)
        expect(Array.from(tensors.get(name)!.toFloat64())).toEqual(Array.from(data));
    }
  });

  test("that loses power at any moment goes on as if nothing had been", async () => {
    const whole = new SimulatedFiles();
    const expected = await record(whole, "refuse");
    let cuts = 0;
    for (let cutAt = 0; ; cutAt++) {
      const files = new SimulatedFiles({ cutAt });
      const cut = await record(files, "refuse").then(
        () => false,
        (error: unknown) => error instanceof PowerCut,
      );
      if (!cut) break;
      cuts++;
      for (const survivors of [0, 2 ** files.pending - 1]) {
        const { left } = await record(await afterCrash(files, survivors), "resume");
        expect([cutAt, survivors, left]).toEqual([cutAt, survivors, expected.left]);
      }
    }
    expect(cuts).toBeGreaterThan(60);
  });

  test.each([
    ["disk-full", "no space left"],
    ["file-write-failed", "read-only"],
  ])("that cannot be written (%s) at any moment ends with that, and goes on later", async (code, message) => {
    const expected = (await record(new SimulatedFiles(), "refuse")).left;
    for (let failing = 0, failed = true; failed; failing += 3) {
      let count = 0;
      const files = new SimulatedFiles({
        before: (operation) => {
          if (operation !== "remove" && count++ >= failing) throw new Failure(code, message);
        },
      });
      failed = await record(files, "refuse").then(
        () => false,
        (error: FailureError) => {
          expect(error).toMatchObject({ code, name: "FailureError" });
          return true;
        },
      );
      files.options = {};
      if (failed) expect((await record(files, "resume")).left).toEqual(expected);
    }
  });

  test("passes a damaged checkpoint over, says so, and ends the same", async () => {
    const expected = (await record(new SimulatedFiles(), "refuse")).left;
    const files = new SimulatedFiles();
    await record(files, "refuse", { maxSteps: 9 });
    await files.truncate(`${run}/checkpoints/step-0000000009.safetensors`, 700);
    const { notices, events, left } = await record(files, "resume");
    expect(notices).toEqual([
      expect.stringMatching(/step-0000000009.safetensors is damaged .* the one before it is used/),
    ]);
    expect(events[0]).toMatchObject({ type: "start", step: 8 });
    expect((left as { weights: unknown }).weights).toEqual((expected as { weights: unknown }).weights);
  });

  test("goes on for longer", async () => {
    const expected = await record(new SimulatedFiles(), "refuse", { epochs: 5 });
    const files = new SimulatedFiles();
    await record(files, "refuse");
    const longer = await record(files, "resume", { epochs: 5 });
    const { weights, model, tensors } = longer.left as Record<string, unknown>;
    expect({ weights, model, tensors }).toEqual(
      Object.fromEntries(
        Object.entries(expected.left as object).filter(([name]) => ["weights", "model", "tensors"].includes(name)),
      ),
    );
    const curve = timeless(await textOf(files, "metrics.jsonl")) as {
      type: string;
      step: number;
      totalSteps?: number;
    }[];
    expect(curve.filter(({ type }) => type === "start").map((line) => line.totalSteps)).toEqual([12, 20]);
    expect(curve.filter(({ type }) => type === "epoch").map(({ step }) => step)).toEqual([4, 8, 12, 16, 20]);
  });

  test("is not written over unless that is asked for", async () => {
    const files = new SimulatedFiles();
    const first = await record(files, "refuse");
    await expect(record(files, "refuse")).rejects.toMatchObject({ code: "run-exists", name: "UsageError" });
    const again = await record(files, "overwrite", { maxSteps: 5 });
    expect(again.events[0]).toMatchObject({ step: 0 });
    expect((again.left as { weights: unknown }).weights).not.toEqual((first.left as { weights: unknown }).weights);
    expect((await files.list(`${run}/checkpoints`)).length).toBeLessThanOrEqual(3);
  });

  test("with other data is refused, and stays as it was", async () => {
    const files = new SimulatedFiles();
    await record(files, "refuse");
    const before = await files.list(`${run}/checkpoints`);
    const { trainer } = await lineTrainer({ seed: 9 });
    const opened = await openRun({ folder: run, files, existing: "resume" });
    await expect(opened.record(trainer, { config }).next()).rejects.toMatchObject({ code: "other-training" });
    await opened.close();
    expect(await files.list(`${run}/checkpoints`)).toEqual(before);
  });
});

test("a classifier is recorded as it is, and only where it is what is trained", async () => {
  const inputs = ["na na", "la la", "na na na", "la la la"];
  const examples = { inputs, labels: ["x", "y", "x", "y"] };
  const model = { hiddenSize: 2, embeddingSize: 2 };
  const open = () => trainClassifier({ machine, examples, model, validation: 0, epochs: 2 });
  const [{ trainer, classifier }, other] = [await open(), await open()];
  const folder = mkdtempSync(join(tmpdir(), "longshort-run-"));
  try {
    await using opened = await openRun({ folder: join(folder, "reviews") });
    await expect(opened.record(trainer, other.classifier).next()).rejects.toThrow(
      "Run.record: parameters: expected those of the trainer",
    );
    const { config } = classifier;
    await expect(opened.record(trainer, { config }).next()).rejects.toThrow("Run.record: expected tokenizer");
    for await (const event of opened.record(trainer, classifier)) if (event.type === "end") break;
    const again = await loadClassifier(join(folder, "reviews"), { machine });
    expect(await again.predict(inputs)).toEqual(await classifier.predict(inputs));
  } finally {
    rmSync(folder, { recursive: true, force: true });
    for (const one of [trainer, other.trainer]) one.close();
  }
});

describe("two at one run", () => {
  const folder = mkdtempSync(join(tmpdir(), "longshort-run-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("the second is refused until the first has closed it", async () => {
    const options = { folder: join(folder, "one") };
    const first = await openRun(options);
    await expect(openRun(options)).rejects.toMatchObject({
      ...{ code: "run-locked", name: "UsageError" },
      message: expect.stringContaining(`process ${process.pid} on `),
    });
    await first.close();
    await first.close();
    await (await openRun(options)).close();
  });
});
