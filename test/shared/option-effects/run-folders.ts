import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cell, defineCell, split } from "../../../src/cells/define.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../../../src/checkpoint/checkpoint-file.ts";
import { type PackRunOptions, packRun } from "../../../src/checkpoint/packed-run.ts";
import { readRun } from "../../../src/checkpoint/read-run.ts";
import { type SaveRunOptions, saveRun } from "../../../src/checkpoint/run-folder.ts";
import { timeSeriesSet } from "../../../src/data/time-series-set.ts";
import { tanh } from "../../../src/math/expression.ts";
import { languageModel } from "../../../src/models/language-model.ts";
import { sequenceClassifier } from "../../../src/models/sequence-classifier.ts";
import { sequenceTagger } from "../../../src/models/sequence-tagger.ts";
import { loadClassifier } from "../../../src/run/load-classifier.ts";
import { loadForecaster } from "../../../src/run/load-forecaster.ts";
import { loadRun } from "../../../src/run/load-run.ts";
import { loadTagger } from "../../../src/run/load-tagger.ts";
import { quantize } from "../../../src/run/quantize.ts";
import type { LoadRunOptions } from "../../../src/run/run-parts.ts";
import { layoutParameters } from "../../../src/tensor/parameter.ts";
import { createParameters, type ParameterStore } from "../../../src/tensor/parameter-store.ts";
import { trainTokenizer } from "../../../src/text/train-tokenizer.ts";
import { type OpenRunOptions, openRun, type RecordOptions } from "../../../src/train/run.ts";
import { trainForecaster } from "../../../src/train/train-forecaster.ts";
import { SimulatedFiles } from "../../checkpoint/simulated-files.ts";
import { abortable, type EffectTable, outcomeOf, shows } from "./effects.ts";
import { machine, numbers } from "./on-reference.ts";
import { type Simple, simple } from "./training.ts";

async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "longshort-effects-"));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const folder = "/run";
const checkpoints = `${folder}/checkpoints`;
const config = { model: { kind: "line" } };

/** A training of five updates an epoch that is recorded. */
async function recorded(
  opening: Partial<OpenRunOptions>,
  { training = {}, ...recording }: Partial<RecordOptions> & { readonly training?: Simple } = {},
): Promise<unknown> {
  const trainer = await simple({ epochs: 1, checkpointEvery: { steps: 1 }, evaluator: true, ...training });
  try {
    const run = await openRun({ folder, ...opening });
    try {
      let last = "";
      for await (const { type } of run.record(trainer, { config, ...recording })) last = type;
      return [last, trainer.step];
    } finally {
      await run.close();
    }
  } finally {
    trainer.close();
  }
}

/** Changes the newest checkpoint. */
async function changeLast(files: SimulatedFiles, change: (bytes: Uint8Array) => Promise<Uint8Array> | Uint8Array) {
  const path = `${checkpoints}/${(await files.list(checkpoints)).sort().at(-1)}`;
  await files.write(path, await change(await files.read(path)));
}

/** A checkpoint that another machine would have made. */
async function fused(bytes: Uint8Array): Promise<Uint8Array> {
  const { tensors, state } = await decodeCheckpoint(bytes);
  const { arithmetic } = state as { arithmetic: object };
  return encodeCheckpoint({ tensors, state: { ...state, arithmetic: { ...arithmetic, family: "fused" } } });
}

const tokenizer = await trainTokenizer("a b a b", { kind: "word" });
/** With a gate that no equation reads, which words cannot say: its run is opened by who has the code. */
const own = defineCell({ name: "own", gates: { unread: split(), a: tanh }, state: ["h"], step: ({ a }) => ({ h: a }) });
const [vocabularySize, embeddingSize, hiddenSize] = [tokenizer.vocabularySize, 2, 2];
const ofWords = { vocabularySize, embeddingSize, hiddenSize, cell: own };
const text = languageModel(ofWords);
/** Another model than the parameters are of: what is saved of it is its config. */
const wider = languageModel({ ...ofWords, hiddenSize: 3 });
const classifier = sequenceClassifier({ ...ofWords, classes: ["x", "y"] });
const tags = sequenceTagger({ ...ofWords, tags: ["x", "y"] });
const fresh = (model: Parameters<typeof layoutParameters>[0]) =>
  createParameters({ machine, layout: layoutParameters(model), seed: 1 });

const { forecaster } = await trainForecaster({
  machine,
  data: timeSeriesSet({ targets: ["y"], series: [{ values: { y: numbers(30) } }] }),
  ...{ horizon: 2, context: 4, model: { cell: own, hiddenSize } },
});

/** A run of a model with a cell of one's own, which must be given again. */
const loads = (
  load: (folder: string, options: LoadRunOptions) => Promise<{ readonly parameters: ParameterStore }>,
  saved: () => Promise<SaveRunOptions>,
) =>
  shows(
    (options: LoadRunOptions) =>
      inFolder((at) =>
        outcomeOf(async () => {
          await saveRun(at, await saved());
          return [...(await (await load(at, options)).parameters.toTensors())];
        }),
      ),
    { machine },
    { cells: [{ own }], signal: [AbortSignal.abort(), { cells: { own } }] },
  );

/** What comes of the same run where it is read as arrays, without its cell and with it. */
export const withOwnCell =
  (read: (folder: string, options: { readonly cells?: { own: Cell } }) => Promise<unknown>) => () =>
    inFolder(async (at) => {
      await saveRun(at, { model: text, tokenizer, parameters: await fresh(text) });
      return [await outcomeOf(() => read(at, {})), await outcomeOf(() => read(at, { cells: { own } }))] as const;
    });

const packed = ({ dtype, signal, ...options }: PackRunOptions & Partial<SaveRunOptions>) =>
  outcomeOf(async () => {
    const run = { parameters: await fresh(text), ...options };
    return Array.from(await packRun(run, { dtype, signal }));
  });
const rounded = await fresh(text);
await quantize({ model: text, parameters: rounded });
const whole = { model: text, tokenizer };
/** Of options that have no effect but that they may be given, as no other name may. */
const known = (save: (options: object) => unknown) => async () =>
  [await save({ ...whole, machin: machine }), await save({ ...whole, machine })] as const;

const saved = (options: Partial<SaveRunOptions>) =>
  inFolder((at) =>
    outcomeOf(async () => {
      await saveRun(at, { parameters: await fresh(text), ...options });
      const { config, metrics, quantized } = await readRun(at);
      return [config, metrics, quantized && [...quantized.keys()]];
    }),
  );

export const runFolders: EffectTable = {
  saveRun: shows(saved, whole, {
    ...{
      parameters: [rounded],
      metrics: [[{ step: 1 }]],
      tokenizer: [undefined],
      model: [wider],
      config: [{ model: text.config, note: 1 }],
      machine: known(saved),
      signal: [AbortSignal.abort()],
    },
  } as object),
  packRun: shows(packed, whole, {
    ...{
      dtype: ["F16"],
      parameters: [rounded],
      tokenizer: [undefined],
      model: [wider],
      config: [{ model: text.config, note: 1 }],
      machine: known(packed),
      signal: [AbortSignal.abort()],
    },
  } as object),
  readRun: abortable((options) =>
    inFolder(async (at) => {
      await saveRun(at, { ...whole, parameters: await fresh(text) });
      return (await readRun(at, options)).config;
    }),
  ),
  loadRun: loads(loadRun, async () => ({
    ...{ model: text, tokenizer, parameters: await fresh(text) },
  })),
  loadClassifier: loads(loadClassifier, async () => ({
    ...{ model: classifier, tokenizer, parameters: await fresh(classifier) },
  })),
  loadTagger: loads(loadTagger, async () => ({
    ...{ model: tags, tokenizer, parameters: await fresh(tags) },
  })),
  loadForecaster: loads(loadForecaster, async () => ({
    ...{ config: forecaster.config, tokenizer: undefined, parameters: forecaster.parameters },
  })),
  openRun: shows(
    async (options: Partial<OpenRunOptions>) => {
      // A folder of one's own machine, where `files` is undefined, would keep what an earlier run of this test left.
      const files = options.files ?? new SimulatedFiles();
      await recorded({ files });
      const outcome = await outcomeOf(() => recorded({ ...options, files }));
      return [outcome, (await files.list(checkpoints)).sort()];
    },
    {},
    {
      existing: ["overwrite"],
      keep: [1, { existing: "overwrite" }],
      files: () =>
        inFolder(async (at) => {
          const onDisk = async (name: string, given: Partial<OpenRunOptions>): Promise<boolean> => {
            await recorded({ folder: join(at, name), ...given });
            return existsSync(join(at, name));
          };
          return [await onDisk("there", {}), await onDisk("elsewhere", { files: new SimulatedFiles() })];
        }),
      onNotice: async () => {
        const told: string[] = [];
        const files = new SimulatedFiles();
        await recorded({ files });
        await changeLast(files, (bytes) => bytes.subarray(0, 100));
        await recorded({ files, existing: "resume", onNotice: (notice) => told.push(notice) });
        return [[], told];
      },
    },
  ),
  "new Run": { sameAs: "openRun", because: "it is what openRun makes" },
  "Run.record": shows(
    async ({
      training = {},
      of = "here",
      ...options
    }: Partial<RecordOptions> & { readonly training?: Simple; readonly of?: "here" | "elsewhere" }) => {
      const files = new SimulatedFiles();
      await outcomeOf(() => recorded({ files }, { training, ...options }));
      if (of === "elsewhere") await changeLast(files, fused);
      const outcome = await outcomeOf(() =>
        recorded({ files, existing: "resume" }, { training: { epochs: 2 }, ...options }),
      );
      const said = await files.read(`${folder}/config.json`).then((bytes) => new TextDecoder().decode(bytes), String);
      return [outcome, said, (await files.list(folder)).sort()];
    },
    { config },
    {
      config: [{ ...config, note: 1 }],
      model: [wider, { config: undefined, tokenizer }],
      tokenizer: [tokenizer],
      parameters: [await fresh(text)],
      allowDifferentArithmetic: [true, { of: "elsewhere" }],
      allowDifferentSchedule: [true, { training: { learningRate: 0.5 } }],
    },
  ),
};
