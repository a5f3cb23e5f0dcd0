import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import type { Machine } from "../../src/compute/machine.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import * as explain from "../../src/explain/index.ts";
import * as formats from "../../src/formats/index.ts";
import * as longshort from "../../src/index.ts";
import { publicOptions, titleOf } from "../support/public-options.ts";
import { tinyRun } from "../support/tiny-run.ts";
import {
  bundleFiles,
  bundleIndex,
  files as filesOfTfjs,
  manifest,
  manifestFiles,
  onnx,
  tfjs,
} from "./option-effects/model-files.ts";

/*
 * The rule of docs/guide/concepts.md ("Aborting"), for every call that takes a signal: it rejects with the signal's reason, whether that came before
 * or in the middle, and leaves nothing behind; a training and a text that is written say in their own words that they were aborted.
 */

/** Told of every run of the machine, every chunk of a file and every piece of a stream. */
let tick: () => void = () => undefined;

const reference = openReference();
const machine = new Proxy<Machine>(reference, {
  get(target, name: keyof Machine) {
    const value = target[name] as unknown;
    if (typeof value !== "function") return value;
    return (...given: unknown[]) => {
      if (name === "run") tick();
      return value.apply(target, given);
    };
  },
});
const folder = mkdtempSync(join(tmpdir(), "longshort-signals-"));
afterAll(() => {
  reference.close();
  rmSync(folder, { recursive: true });
});

/** A file that comes in chunks. */
function file(content: string): Blob {
  const bytes = new TextEncoder().encode(content);
  const size = Math.ceil(bytes.length / 6);
  return Object.assign(new Blob([bytes]), {
    async *stream() {
      for (let at = 0; at < bytes.length; at += size) {
        tick();
        yield bytes.subarray(at, at + size);
      }
    },
  });
}

/** A packed run whose bytes come when they are asked for. */
function packed(bytes: Uint8Array<ArrayBuffer>): Blob {
  return Object.assign(new Blob([bytes]), {
    async arrayBuffer() {
      tick();
      return bytes.slice().buffer;
    },
  });
}

/** Something that comes in pieces. */
async function* pieces<T>(of: readonly T[]): AsyncGenerator<T> {
  for (const one of of) {
    tick();
    yield one;
  }
}

const text = "ab abc ab abc abc ab\n".repeat(60);
const path = join(folder, "text.txt");
writeFileSync(path, text);
/** More tokens than are held before the first of them go to a file: there is one in the middle. */
const largePath = join(folder, "large.txt");
writeFileSync(largePath, text.repeat(2400));
const characters = await longshort.trainTokenizer(text, { kind: "character" });
const cache = join(folder, "cache");
const emptyCache = (): void => {
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(cache);
};
const onProgress = (): void => tick();

const run = { ...(await tinyRun(machine)), machine };
const { model, parameters, tokenizer, tokens } = run;
const given = { model, parameters, machine };
const session = await longshort.openSession(given);
const writer = new longshort.TextWriter({ session, tokenizer });
const tiny = { hiddenSize: 2, embeddingSize: 2 };
const words = { inputs: ["a b", "b a", "a a", "b b", "a b a", "b b a"], labels: ["x", "y", "x", "y", "x", "y"] };
const training = { machine, epochs: 2, batchSize: 2, logEvery: 1 };
const classifying = await longshort.trainClassifier({ ...training, examples: words, model: tiny });
const counted = { ...words, labels: ["1", "2", "1", "2", "3", "1"] };
const regressing = await longshort.trainClassifier({
  ...{ ...training, examples: counted, regression: true, model: tiny },
});
const sentences = {
  tokens: [["a"], ["in", "b"], ["a", "a"], ["b", "a"], ["in", "a"]],
  tags: [["O"], ["O", "B-A"], ["O", "O"], ["B-A", "O"], ["O", "O"]],
  places: ["1", "2", "3", "4", "5"],
};
const tagging = await longshort.trainTagger({ ...training, sentences, model: { ...tiny } });
const y = Array.from({ length: 260 }, (_, k) => 30 + 5 * Math.sin(k) + (k % 4));
const data = longshort.timeSeriesSet({ targets: ["y"], series: [{ values: { y } }] });
const forecasting = {
  machine,
  data,
  horizon: 2,
  context: 4,
  epochs: 1,
  head: "gaussian",
  model: { hiddenSize: 2 },
} as const;
const atOnce = await longshort.trainForecaster({ ...forecasting, test: 140 });
const drawn = await longshort.trainForecaster({ ...forecasting, decoding: "autoregressive" });
const classifier = new longshort.Classifier({
  ...{ model: classifying.model, parameters: classifying.classifier.parameters, machine, batchSize: 2 },
  tokenizer: classifying.classifier.tokenizer,
});
const regression = new longshort.Classifier({
  ...{ model: regressing.model, parameters: regressing.classifier.parameters, machine, batchSize: 2 },
  tokenizer: regressing.classifier.tokenizer,
});
const tagger = new longshort.Tagger({
  ...{ model: tagging.model, parameters: tagging.tagger.parameters, tokenizer: tagging.tagger.tokenizer, machine },
  batchSize: 2,
});
const packedRun = packed(await longshort.packRun({ model, parameters, tokenizer }));
const packedClassifier = packed(await longshort.packRun(classifying.classifier));
const packedTagger = packed(await longshort.packRun(tagging.tagger));
const packedForecaster = packed(await longshort.packRun(atOnce.forecaster));
/** Weights that say when they are read. */
const saved: longshort.Saveable = {
  ...{ model, tokenizer },
  parameters: Object.assign(Object.create(parameters), {
    toTensors(...of: []) {
      tick();
      return parameters.toTensors(...of);
    },
  }),
};
const imported = await formats.open(onnx, { machine });
const imports = await formats.randomInputs(imported);
const savedRun = join(folder, "saved");
const closed = (opened: Promise<{ close(): void }>): Promise<void> => opened.then((one) => one.close());
const windows = Array.from({ length: 200 }, (_, k) => ({ series: atOnce.series[0]!.prepared, origin: 10 + k }));
const to = Array.from({ length: 6 }, (_, k) => Math.sin(k + 1));
const table = file(`text,kind,y\n${"a b,x,1\nb,y,2\n".repeat(40)}`);
const long = file(`id,y\n${"a,1\na,2\nb,3\n".repeat(40)}`);

/** Goes through all that comes, and gives the last word. */
async function lastOf<T, R>(source: AsyncGenerator<T, R>): Promise<R> {
  for (;;) {
    const { done, value } = await source.next();
    if (done) return value;
  }
}

/** Trains, and tells how it ended. */
async function ended<T extends { readonly trainer: longshort.Trainer }>(opened: Promise<T> | T): Promise<string> {
  using trainer = (await opened).trainer;
  return (await trainer.run()).reason;
}

async function evaluated(signal: AbortSignal): Promise<unknown> {
  const evaluator = await longshort.openEvaluator({
    ...{ machine, parameters },
    batches: { batchesPerEpoch: 4, batch: () => ({ inputs: {}, rows: 1 }) },
    record: (graph) => ({ metrics: { loss: graph.constant([], [0]) } }),
  });
  try {
    return await evaluator.run({ signal });
  } finally {
    evaluator.close();
  }
}

async function corpusOf(options: Partial<longshort.CorpusOptions>): Promise<void> {
  const corpus = await longshort.openCorpus({
    files: [largePath],
    memoryLimit: 1,
    onProgress,
    tokenizer: characters,
    ...options,
  });
  corpus.close();
}

type Call = (signal: AbortSignal) => Promise<unknown>;

/** What rejects. */
const rejecting: Readonly<Record<string, Call>> = {
  openCorpus: (signal) => corpusOf({ signal, folder }),
  "openCorpus cache": (signal) => corpusOf({ signal, cache }),
  "openCorpus documents": (signal) =>
    longshort.openCorpus({ files: [file(text)], documents: "line", signal }).then((corpus) => corpus.close()),
  "openCorpus tokenizer": (signal) => corpusOf({ files: [path], tokenizer: { kind: "bpe", signal } }),
  trainTokenizer: (signal) => longshort.trainTokenizer(pieces(text.split(" ")), { kind: "bpe", signal }),
  "trainClassifier tokenizer": (signal) => {
    const opened = longshort.trainClassifier({ ...training, examples: words, tokenizer: { kind: "word", signal } });
    return opened.then(({ trainer }) => trainer.close());
  },
  readLabelledTexts: (signal) => longshort.readLabelledTexts(table, { text: "text", label: "kind", signal }),
  readTimeSeries: (signal) =>
    longshort.readTimeSeries(long, { targets: ["y"], series: "id", signal }).then(({ series }) => series),
  readSeriesTable: (signal) => longshort.readSeriesTable(long, { channels: ["y"], series: "id", signal }),
  readSentenceRows: (signal) => longshort.readSentenceRows(table, { tokens: "text", signal }),
  readSentenceLines: (signal) => longshort.readSentenceLines(file(text), { signal }),
  readTokenColumns: (signal) => longshort.readTokenColumns(file("a O\nb B-A\n\n".repeat(40)), { signal }),
  readLabelledSeries: (signal) => longshort.readLabelledSeries(file(`@data\n${"1,2:a\n".repeat(40)}`), { signal }),
  openBytes: async (signal) => {
    const source = await formats.openBytes(onnx, { signal, onProgress });
    for (let at = 0; at < 4; at++) await source.read(at, 1);
  },
  readModel: (signal) => formats.readModel(onnx, { signal, onProgress }),
  open: (signal) => formats.open(onnx, { machine, signal, onProgress }).then((opened) => opened.close()),
  compareModels: (signal) => formats.compareModels(imported, imported, imports, { signal }),
  readTensorFlow1: (signal) => formats.readTensorFlow1(manifest, { files: manifestFiles, signal, onProgress }),
  readTensorFlowBundle: (signal) =>
    formats.readTensorFlowBundle(bundleIndex, { files: bundleFiles, signal, onProgress }),
  readTensorFlowJs: (signal) => formats.readTensorFlowJs(tfjs, { files: filesOfTfjs, signal, onProgress }),
  readRun: (signal) => longshort.readRun(packedRun, { signal }).then(({ config }) => config),
  loadRun: (signal) => closed(longshort.loadRun(packedRun, { machine, signal })),
  loadClassifier: (signal) => closed(longshort.loadClassifier(packedClassifier, { machine, signal })),
  loadTagger: (signal) => closed(longshort.loadTagger(packedTagger, { machine, signal })),
  loadForecaster: (signal) => closed(longshort.loadForecaster(packedForecaster, { machine, signal })),
  packRun: (signal) => longshort.packRun(saved, { signal }),
  saveRun: (signal) => longshort.saveRun(savedRun, { ...saved, signal }),
  evaluateText: (signal) => longshort.evaluateText({ ...given, tokens, batchSize: 1, signal }),
  "Evaluator.run": evaluated,
  "Classifier.predict": (signal) => classifier.predict(words.inputs, { signal }),
  "Classifier.calibrate": (signal) => classifier.calibrate(words, { temperature: 1, signal }),
  "Classifier.predictEachStep": (signal) => classifier.predictEachStep("a b a b a b", { signal }),
  "Classifier.predictNumbers": (signal) => regression.predictNumbers(words.inputs, { signal }),
  "Classifier.predictNumbersEachStep": (signal) => regression.predictNumbersEachStep("a b a b a b", { signal }),
  evaluateClassifier: (signal) => longshort.evaluateClassifier(classifier, words, { signal }),
  evaluateRegression: (signal) => longshort.evaluateRegression(regression, counted, { signal }),
  "Tagger.predict": (signal) => tagger.predict(sentences.tokens, { signal }),
  "Tagger.read": async (signal) => (await tagger.read(sentences.tokens, { signal })).map(({ path }) => path),
  evaluateTagger: (signal) => longshort.evaluateTagger(tagger, sentences, { signal }),
  "Forecaster.forecast": (signal) => drawn.forecaster.forecast(data, { samples: 2, horizon: 5, signal }),
  "Forecaster.predict": (signal) => atOnce.forecaster.predict(windows, { signal }),
  "Forecaster.predict recent": (signal) => atOnce.forecaster.predict(windows.slice(-1), { recent: 150, signal }),
  "Forecaster.calibrate": (signal) => atOnce.forecaster.calibrate(windows, { signal }),
  "ForecasterTraining.calibrate": (signal) => drawn.calibrate(undefined, { signal }),
  backtest: (signal) => longshort.backtest(atOnce.forecaster, { data, test: 140, signal }),
  surprisal: (signal) => lastOf(longshort.surprisal({ session, tokenizer, text: "ab abc", signal })),
  beamSearch: (signal) => longshort.beamSearch({ ...given, tokenizer, prompt: "ab ", length: 6, signal }),
  "TextWriter.read": async (signal) => {
    writer.reset();
    await writer.read("ab abc", { signal });
  },
  trace: (signal) => explain.trace(given, { data: tokens.subarray(0, 9) }, { signal }),
  traceInChunks: (signal) =>
    lastOf(explain.traceInChunks(given, { data: tokens.subarray(0, 12) }, { steps: 3, signal })),
  traceText: (signal) => explain.traceText({ ...given, tokenizer, text: "ab abc", signal }),
  traceClassifier: (signal) =>
    explain.traceClassifier(classifying.classifier as longshort.Classifier<longshort.SequenceClassifier>, "a b", {
      gradients: true,
      signal,
    }),
  traceTagger: (signal) => explain.traceTagger(tagging.tagger, ["in", "a"], { gradients: true, signal }),
  traceForecaster: (signal) => explain.traceForecaster(atOnce.forecaster, data.series[0]!, { signal }),
  gradientFlow: (signal) => explain.gradientFlow({ machine, cell: longshort.gru(), hiddenSize: 2, steps: 3, signal }),
  nearestStates: (signal) => explain.nearestStates(run, { corpus: tokens, to, signal }),
  nearestPassages: (signal) => explain.nearestPassages(run, { corpus: tokens, to, tokenizer, signal }),
  nearestPlaces: (signal) => {
    const piece = { shape: [2, 6], data: [...to, ...to] };
    return explain.nearestPlaces(pieces([piece, piece, piece, piece]), { to, signal });
  },
};

/** What says itself how it ended. */
const saying: Readonly<Record<string, Call>> = {
  generate: (signal) => lastOf(longshort.generate({ session, tokenizer, prompt: "ab abc", length: 9, signal })),
  generateTokens: (signal) => lastOf(longshort.generateTokens({ session, tokenizer, length: 9, signal })),
  "TextWriter.write": (signal) => {
    writer.reset();
    return lastOf(writer.write({ length: 9, signal }));
  },
  generateBatch: async (signal) => {
    const texts = await longshort.generateBatch({ ...given, tokenizer, prompts: ["a", "b"], length: 9, signal });
    return texts.at(-1)!.end;
  },
  trainText: (signal) => ended(longshort.trainText({ ...training, model, train: tokens, sequenceLength: 90, signal })),
  trainClassifier: (signal) => ended(longshort.trainClassifier({ ...training, examples: words, model: tiny, signal })),
  trainTagger: (signal) => ended(longshort.trainTagger({ ...training, sentences, model: tiny, signal })),
  trainForecaster: (signal) => ended(longshort.trainForecaster({ ...forecasting, signal })),
  openTrainer: async (signal) => {
    const layer = longshort.linear({ inputSize: 1, outputSize: 1 });
    using own = await longshort.createParameters({ machine, layout: longshort.layoutParameters(layer) });
    const trainer = await longshort.openTrainer({
      ...{ machine, parameters: own, epochs: 1, signal },
      batches: { batchesPerEpoch: 6, batch: () => ({ inputs: { x: [1] }, rows: 1 }) },
      record: (graph) => ({
        loss: longshort.sumAll({ y: layer.forward(graph.input("x", [1, 1])) }, longshort.variable("y")),
      }),
    });
    return await ended({ trainer });
  },
};

/** Those whose work here is a single run, a single file or a text in memory: there is no middle. */
const AT_ONCE = [
  "trace",
  "traceText",
  "readTensorFlow1",
  "readTensorFlowBundle",
  "readTensorFlowJs",
  "trainClassifier tokenizer",
];
/** Made by others who look at the options; and what a worker does, of which `test/worker` tells. */
const ELSEWHERE = ["new Trainer", "WorkerClient.call"];

/** Counts how often the machine ran, and what came from files; calls `abort` at one of them. */
function counting(at: number, abort: () => void): () => number {
  let count = 0;
  tick = () => {
    if (++count === at) abort();
  };
  return () => count;
}

const reason = new Error("the user changed their mind");
const open = (): number => (process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0);
const left = (): unknown => [reference.memory.usedBytes, open(), readdirSync(folder, { recursive: true }).toSorted()];

/** What becomes of a call that is aborted at one of its ticks, 0: before; and how many ticks there were. */
async function aborted(call: Call, at: number) {
  const controller = new AbortController();
  if (at === 0) controller.abort(reason);
  const ticks = counting(at, () => controller.abort(reason));
  const [outcome] = await Promise.allSettled([call(controller.signal)]);
  return { outcome, ticks: ticks() };
}

describe("a server that says nothing more", () => {
  const server = createServer((request, response) => {
    // Of some files there is a beginning.
    if (request.url!.startsWith("/begun")) response.write("id,y\na,1\n");
    asked();
  });
  let asked: () => void = () => undefined;
  let address = "";
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const waiting: Readonly<Record<string, (url: string, signal: AbortSignal) => Promise<unknown>>> = {
    openCorpus: (url, signal) => longshort.openCorpus({ files: [url], signal }),
    readTimeSeries: (url, signal) => longshort.readTimeSeries(url, { targets: ["y"], signal }),
    readLabelledTexts: (url, signal) => longshort.readLabelledTexts(`${url}.parquet`, { text: "y", signal }),
    openBytes: (url, signal) => formats.openBytes(url, { signal }),
    loadRun: (url, signal) => longshort.loadRun(url, { machine, signal }),
    readRun: (url, signal) => longshort.readRun(`${url}.safetensors`, { signal }),
    readModel: (url, signal) => formats.readModel(url, { signal, onProgress: () => undefined }),
  };
  for (const [name, call] of Object.entries(waiting))
    for (const page of ["silent", "begun"])
      it(`is not waited for: ${name}, ${page}`, async () => {
        const controller = new AbortController();
        const heard = new Promise<void>((resolve) => {
          asked = resolve;
        });
        const called = call(`${address}/${page}`, controller.signal);
        await heard;
        setTimeout(() => controller.abort(reason), 20);
        await expect(called).rejects.toBe(reason);
      });
});

test("a save that has begun to write is made whole", async () => {
  const path = join(folder, "begun");
  const controller = new AbortController();
  const known = {
    toJSON() {
      // The config is there by now.
      expect(readdirSync(path)).toEqual(["config.json"]);
      controller.abort(reason);
      return tokenizer.toJSON();
    },
  };
  await longshort.saveRun(path, { ...saved, tokenizer: known, metrics: [{ step: 1 }], signal: controller.signal });
  using loaded = await longshort.loadRun(path, { machine });
  expect(loaded.metrics).toEqual([{ step: 1 }]);
  expect(controller.signal.aborted).toBe(true);
});

test("intervals that are not calibrated to the end stay as they were", async () => {
  const { forecaster } = atOnce;
  await forecaster.calibrate(windows);
  const { layout } = forecaster;
  expect(layout.intervalWidths).toBeDefined();
  const { outcome } = await aborted((signal) => forecaster.calibrate(windows.slice(0, 150), { signal }), 2);
  expect(outcome).toEqual({ status: "rejected", reason });
  expect(forecaster.layout).toBe(layout);
});

describe("whatever takes long", () => {
  let titles: string[] = [];
  beforeAll(() => {
    titles = publicOptions()
      .filter(({ options }) => options.includes("signal?"))
      .map(titleOf);
  }, 120_000);

  it("is in one of the tables", () => {
    const known = [...Object.keys(rejecting), ...Object.keys(saying), ...ELSEWHERE];
    expect([...new Set(titles)].filter((title) => !known.includes(title))).toEqual([]);
  });

  for (const [table, said] of [
    [rejecting, { status: "rejected", reason }],
    [saying, { status: "fulfilled", value: "aborted" }],
  ] as const)
    for (const [title, call] of Object.entries(table))
      it(`${title}: ${said.status === "rejected" ? "rejects with the reason" : 'says "aborted"'}`, async () => {
        const { outcome, ticks } = await aborted(call, -1);
        expect(outcome.status, String((outcome as PromiseRejectedResult).reason)).toBe("fulfilled");
        expect(outcome).not.toEqual(said);
        emptyCache();
        const before = left();
        const early = await aborted(call, 0);
        expect(early.outcome, "before").toEqual(said);
        expect(early.ticks, "before").toBe(0);
        expect(left(), "before").toEqual(before);
        if (ticks > 1 || !AT_ONCE.includes(title)) {
          const at = Math.max(1, Math.floor(ticks / 2));
          const middle = await aborted(call, at);
          expect(middle.outcome, `at ${at} of ${ticks}`).toEqual(said);
          expect(middle.ticks, "ticks").toBeLessThan(ticks === 1 ? 2 : ticks);
          expect(left(), "in the middle").toEqual(before);
        }
        // What was given is as good as before.
        expect((await aborted(call, -1)).outcome).toEqual(outcome);
        emptyCache();
      });
});
