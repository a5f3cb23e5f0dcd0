import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { lstm } from "../../src/cells/lstm.ts";
import { readSafetensors } from "../../src/checkpoint/safetensors.ts";
import { DefinedCommand } from "../../src/cli/command.ts";
import type { Io } from "../../src/cli/io.ts";
import { createProgram } from "../../src/cli/program.ts";
import { openMachine } from "../../src/compute/open.ts";
import { writeOnnx } from "../../src/formats/onnx/write.ts";
import { recurrent } from "../../src/layers/recurrent.ts";
import { flagName } from "../../src/schema/fields.ts";
import { textTrainingFields } from "../../src/schema/text-training.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { type FakeIoOptions, longshort, type Ran } from "./fake-io.ts";
import { forecastEffects, prepareForecasts } from "./forecast-effects.ts";
import { type Effect, type Effects, keptEffects } from "./option-effects.ts";

/*
 * Every option of every command has an entry here that says how to see that it does something; the test fails where an option
 * has none, and where it changes nothing.
 */

vi.mock("../../src/compute/open.ts", { spy: true });
const machineOf = (): unknown => vi.mocked(openMachine).mock.lastCall?.[0];

const folder = mkdtempSync(join(tmpdir(), "longshort-options-"));
const at = (name: string): string => join(folder, name);
const small = {
  hiddenSize: 6,
  embeddingSize: 4,
  batchSize: 2,
  sequenceLength: 20,
  epochs: 1,
  maxSteps: 6,
  sampleLength: 3,
};
const flags = (values: object): string[] =>
  Object.entries(values).flatMap(([key, value]) => {
    const flag = flagName(key, textTrainingFields[key as keyof typeof textTrainingFields]);
    return value === true ? [`--${flag}`] : value === false ? [`--no-${flag}`] : [`--${flag}`, String(value)];
  });

beforeAll(async () => {
  writeFileSync(at("text.txt"), "hello world, hello words\n".repeat(12));
  writeFileSync(at("cell.txt"), "h = tanh(W_h x + U_h h[t-1])\n");
  writeFileSync(at("other.txt"), "what a text this is\n".repeat(9));
  const train = ["train", "text", at("text.txt"), ...flags(small), "-q"];
  await longshort([...train, "-o", at("runs/one")]);
  await longshort([...train, ...flags({ numLayers: 2, cell: "gru", seed: 3 }), "-o", at("runs/two")]);
  await longshort([...train, "--cell", "rnn", "-o", at("rnn")]);
  await longshort(["convert", at("rnn"), at("rnn.pt")]);
  const rows = (n: number): string =>
    Array.from(
      { length: n },
      (_, k) => `${k % 2 ? "up" : "down"} Word${k % 5},${k % 3 ? "a" : "b"},x${k % 4},${k}\n`,
    ).join("");
  writeFileSync(at("t.csv"), `t,l,c,n\n${rows(30)}`);
  writeFileSync(at("dirty.csv"), `t,l,c,n\n${rows(30)}short\n`);
  writeFileSync(at("more.csv"), `t,l,c,n\n${rows(44)}`);
  writeFileSync(
    at("s.ts"),
    `@data\n${Array.from({ length: 20 }, (_, k) => `${k},${k + 5},9:${k % 2 ? "a" : "b"}\n`).join("")}`,
  );
  const steps = Array.from({ length: 60 }, (_, k) => {
    const series = Math.floor(k / 3);
    return `r${series},h${series % 2},2024-01-0${3 - (k % 3)},${series + k},${(k * k) % 7},${series % 2 ? "a" : "b"}\n`;
  });
  writeFileSync(at("long.csv"), `r,h,d,x,y,l\n${steps.join("")}`);
  const classifier = [
    "train",
    "classify",
    at("t.csv"),
    "--text",
    "t",
    "--label",
    "l",
    "--hidden-size",
    "3",
    "--epochs",
    "1",
    "-q",
  ];
  await longshort([...classifier, "-o", at("classifier")]);
  await longshort([...classifier, "--seed", "1", "-o", at("classifier2")]);
  const sentences = (n: number): string =>
    Array.from(
      { length: n },
      (_, k) => `In B${k % 3} ${k % 3 ? "O" : "B-T"}\nx${k % 5} b ${k % 2 ? "I-T" : "O"}\n\n`,
    ).join("");
  writeFileSync(at("g.txt"), sentences(24));
  writeFileSync(at("more.txt"), sentences(31));
  writeFileSync(at("dirty.txt"), `${sentences(24)}word\n\n`);
  writeFileSync(
    at("words.txt"),
    Array.from({ length: 40 }, (_, k) => `a${k % 3} D\nb${k % 4} N\nc${k % 2} V\n\n`).join(""),
  );
  writeFileSync(at("g.tsv"), "in may\tO B-T\tx\nwe may\tB-T O\ty\n".repeat(10));
  for (const seed of ["0", "1"])
    await longshort(["train", "tag", at("g.txt"), ...tagSmall, "-q", "--seed", seed, "-o", at(`tagger${seed}`)]);
  await prepareForecasts(at);
  cpSync(at("runs"), at("taken"), { recursive: true });
  const machine = await openMachine("reference");
  for (const [name, hiddenSize, seed] of [
    ["small", 3, 1],
    ["other", 3, 2],
    ["large", 4, 1],
  ] as const) {
    const layer = recurrent({ cell: lstm(), inputSize: 2, hiddenSize });
    const parameters = await createParameters({ machine, layout: layoutParameters(layer), seed });
    writeFileSync(at(`${name}.onnx`), writeOnnx(layer, await parameters.toTensors()));
  }
  machine.close();
  writeFileSync(at("short.json"), JSON.stringify({ input: [[[0.5, -1]]] }));
  const zero = [
    [
      [0, 0, 0],
      [0, 0, 0],
    ],
  ];
  writeFileSync(
    at("states.json"),
    JSON.stringify({
      input: [
        [
          [0.5, -1],
          [1, 2],
        ],
      ],
      h: zero,
      c: zero,
    }),
  );
  writeFileSync(at("long.json"), JSON.stringify({ input: [[[0.5, -1]], [[1, 2]]] }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a training left behind. */
function outcome(run: string) {
  const lines = readFileSync(join(run, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const { tensors } = readSafetensors(readFileSync(join(run, "model.safetensors")));
  const samples = join(run, "samples");
  return {
    start: lines.find(({ type }) => type === "start"),
    end: lines.find(({ type }) => type === "end"),
    epochs: lines.filter(({ type }) => type === "epoch").length,
    rate: lines.find(({ type }) => type === "progress")?.learningRate,
    tokenizer: JSON.parse(readFileSync(join(run, "tokenizer.json"), "utf8")),
    shapes: Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape])),
    weights: [...tensors.values()].map((tensor) => [...tensor.toFloat64()]),
    files: readdirSync(run),
    checkpoints: readdirSync(join(run, "checkpoints")).length,
    sample: existsSync(samples) ? readFileSync(join(samples, "epoch-1.txt"), "utf8") : undefined,
  };
}
type Outcome = ReturnType<typeof outcome>;

/** Another value than that of the small training, and what it changes. */
const training: {
  readonly [K in Exclude<keyof typeof textTrainingFields, "files">]: readonly [
    value: unknown,
    see: (run: Outcome) => unknown,
    /** Settings without which it means nothing. */
    needed?: Readonly<Record<string, unknown>>,
  ];
} = {
  validation: [0.4, ({ start }) => start.validationTokens],
  validationTokens: [7, ({ start }) => start.validationTokens],
  tokenizer: ["word", ({ tokenizer }) => tokenizer],
  vocabularySize: [260, ({ tokenizer }) => tokenizer, { tokenizer: "bpe" }],
  vocabularySample: [0.0001, ({ tokenizer }) => tokenizer],
  minCount: [20, ({ tokenizer }) => tokenizer, { tokenizer: "word" }],
  alphabet: ["character", ({ tokenizer }) => tokenizer, { tokenizer: "bpe" }],
  normalize: [["nfc"], ({ tokenizer }) => tokenizer],
  documents: ["line", ({ start }) => start.trainTokens],
  shuffle: [true, ({ weights }) => weights, { documents: "w" }],
  cell: ["gru", ({ shapes }) => shapes["rnn.weight_hh_l0"]],
  cellFile: [at("cell.txt"), ({ shapes }) => shapes["rnn.weight_hh_l0"]],
  hiddenSize: [7, ({ shapes }) => shapes["rnn.weight_hh_l0"]],
  numLayers: [2, ({ shapes }) => shapes["rnn.weight_hh_l1"]],
  initialize: ["keras", ({ weights }) => weights],
  dropout: [0.5, ({ weights }) => weights],
  inputDropout: [0.5, ({ weights }) => weights],
  layerDropout: [0.5, ({ weights }) => weights, { numLayers: 2 }],
  outputDropout: [0.5, ({ weights }) => weights],
  embeddingDropout: [0.5, ({ weights }) => weights],
  weightDropout: [0.5, ({ weights }) => weights],
  dropoutPer: ["sequence", ({ weights }) => weights, { dropout: 0.5 }],
  activationPenalty: [5, ({ weights }) => weights],
  changePenalty: [5, ({ weights }) => weights],
  embeddingSize: [5, ({ shapes }) => shapes["embedding.weight"]],
  // A tied embedding has a size of its own choosing.
  tied: [true, ({ shapes }) => shapes["head.weight"], { embeddingSize: small.hiddenSize }],
  batchSize: [3, ({ start }) => start.batchSize],
  sequenceLength: [4, ({ start }) => start.sequenceLength],
  epochs: [2, ({ start }) => start.epochs],
  maxSteps: [5, ({ end }) => end.step],
  optimizer: ["sgd", ({ weights }) => weights],
  weightDecay: [0.5, ({ weights }) => weights],
  learningRate: [0.1, ({ rate, weights }) => [rate, weights]],
  schedule: ["cosine", ({ rate, weights }) => [rate, weights]],
  warmupSteps: [3, ({ rate, weights }) => [rate, weights]],
  clipNorm: [1e-9, ({ weights }) => weights],
  accumulate: [2, ({ start }) => start.stepsPerEpoch],
  average: [0.9, ({ weights }) => weights],
  // So small a rate makes nothing better.
  patience: [1, ({ end }) => end.reason, { epochs: 4, maxSteps: 100, learningRate: 1e-30 }],
  minDelta: [100, ({ end }) => end.reason, { epochs: 4, maxSteps: 100, patience: 1 }],
  checkpointEvery: [2, ({ checkpoints }) => checkpoints],
  checkpointSeconds: [1e-6, ({ checkpoints }) => checkpoints],
  keep: [2, ({ checkpoints }) => checkpoints, { checkpointEvery: 1 }],
  seed: [1, ({ weights }) => weights],
  tensorboard: [false, ({ files }) => files.includes("tensorboard")],
  sampleLength: [5, ({ sample }) => sample?.length],
  machine: ["reference", machineOf],
};

describe("train text: every setting, as a flag and in a config file", () => {
  const base = { ...small };
  let name = 0;
  const train = async (argv: readonly string[]): Promise<Outcome> => {
    const run = at(`training/${name++}`);
    const { code, stderr } = await longshort(["train", "text", ...argv, "-q", "-o", run]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return outcome(run);
  };
  const plain = async (changed: object): Promise<Outcome> => train([at("text.txt"), ...flags({ ...base, ...changed })]);

  it.each(Object.entries(training))("%s", async (key, [value, see, needed = {}]) => {
    const before = see(await plain(needed));
    const byFlag = see(await plain({ ...needed, [key]: value }));
    expect(byFlag).not.toEqual(before);
    writeFileSync(at("config.json"), JSON.stringify({ files: ["text.txt"], ...base, ...needed, [key]: value }));
    expect(see(await train(["--config", at("config.json")]))).toEqual(byFlag);
  });

  it("files", async () => {
    const one = await plain({});
    const other = await train([at("other.txt"), ...flags(base)]);
    expect(other.tokenizer).not.toEqual(one.tokenizer);
    const both = await train([at("text.txt"), at("other.txt"), ...flags(base)]);
    expect(both.start.trainTokens).toBeGreaterThan(one.start.trainTokens);
  });
});

const machine: Effect = { add: ["--machine", "reference"], see: machineOf };
const json: Effect = { add: ["--json"] };
/** Stops a training before its first step. */
const pressed = ((): FakeIoOptions => {
  let press = (): void => undefined;
  return {
    onListen: (own) => {
      press = own;
    },
    onStderr: (text) => text.includes("Training: ") && press(),
  };
})();
const fresh = (() => {
  let count = 0;
  return () => at(`fresh/${count++}`);
})();
const startOf = (run: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(run, "metrics.jsonl"), "utf8").split("\n")[0]!);
let demoRun = "";
const freshDemo = (): string => {
  demoRun = fresh();
  return demoRun;
};
const differing = ["verify", at("small.onnx"), at("other.onnx")];
let resumedRun = "";
const copyOf = (run: string): string => {
  resumedRun = fresh();
  cpSync(at(run), resumedRun, { recursive: true });
  return resumedRun;
};
const endStep = (): unknown =>
  JSON.parse(readFileSync(join(resumedRun, "metrics.jsonl"), "utf8").trim().split("\n").at(-1)!).step;
const modelLine = ({ stderr }: Ran): unknown => /Model: .*/.exec(stderr)?.[0];
const trainAgain = ["train", "text", at("text.txt"), "-q", ...flags({ ...small, maxSteps: 1 }), "-o", at("taken/one")];
const demoAgain = ["demo", "--output", at("taken/two")];
const weightsOf = (run: string): Buffer => readFileSync(join(run, "model.safetensors"));

const classifySmall = ["--hidden-size", "3", "--epochs", "1", "--no-baselines"];
const classified = ["--text", "t", "--label", "l", ...classifySmall.slice(0, 4), "--embedding-size", "3"];
const numbered = ["--text", "1", "--label", "2", ...classifySmall];
const classify = (more: Readonly<Record<string, string | number>>): string[] => [
  ...["train", "classify", at("t.csv"), ...classified],
  ...Object.entries({ output: fresh(), ...more }).flatMap(([flag, value]) => [`--${flag}`, String(value)]),
];

/** On a file with a row that cannot be read. */
const dirty = (task: string, file: string, ...more: string[]): string[] => [
  ...["train", task, at(file), "--epochs", "1", "--no-baselines", "--hidden-size", "3", "-o", fresh(), ...more],
  ...(task === "classify" ? ["--text", "t", "--label", "l"] : []),
];
/** A training that begins with another run. */
const begun = (file: string, run: string, ...more: string[]): string[] => [
  ...["train", file.endsWith(".csv") ? "classify" : "tag", at(file), "--epochs", "1", "--no-baselines"],
  ...(file.endsWith(".csv") ? ["--text", "t", "--label", "l"] : []),
  ...["-o", fresh(), "--pretrained", at(run), ...more],
];
/** One with enough validation examples to judge probabilities by. */
const judged = (...more: string[]): string[] => [...classify({ validation: 0.4 }), ...more];
const begunWith = (file: string, run: string, other: string): Record<string, Effect> => ({
  pretrained: { against: begun(file, other), instead: begun(file, run) },
  pretrainedParts: { against: begun(file, run), instead: begun(file, run, "--pretrained-parts", "embedding") },
  pretrainedRate: { against: begun(file, run), instead: begun(file, run, "--pretrained-rate", "0.1") },
});

const long = (...more: string[]): string[] => [
  ...["train", "classify", at("long.csv"), "--label", "l", "--epochs", "1", "--no-baselines", "--hidden-size", "3"],
  ...[...(more.includes("--id") ? [] : ["--id", "r"]), "-o", fresh(), ...more],
];

const tagSmall = ["--hidden-size", "3", "--embedding-size", "3", "--epochs", "1"];
const tag = (more: Readonly<Record<string, string | number>>): string[] => [
  ...["train", "tag", at("g.txt"), ...tagSmall],
  ...Object.entries({ output: fresh(), ...more }).flatMap(([flag, value]) => [`--${flag}`, String(value)]),
];
/** The share of right tags grows in the third epoch. */
const taggedWords = [
  ...["train", "tag", at("words.txt"), "--hidden-size", "3", "--embedding-size", "3", "--seed", "1"],
  ...["--epochs", "8", "--learning-rate", "0.01", "--patience", "4"],
];
const tagRows = (): string[] => ["train", "tag", at("g.tsv"), "--rows", "--tag", "2", ...tagSmall, "-o", fresh()];
const studied = (more: Readonly<Record<string, string>>): string[] => [
  "study",
  ...Object.entries({ tasks: "anbn", cells: "rnn", seeds: "1", budget: "0.001", output: fresh(), ...more }).flatMap(
    ([flag, value]) => [`--${flag}`, value],
  ),
];
const monitorIn = ({ stdout }: Ran): unknown => JSON.parse(stdout.split("\n")[0]!).monitor;
const lagged = ["--tasks", "long-lag-50", "--cells", "rnn", "--seeds", "1", "--budget", "0.0005"];

const beams = ["generate", at("runs/one"), "--length", "10", "--beams", "3"];

const commands: Readonly<Record<string, Effects>> = {
  "train text": {
    plain: () => ["train", "text", at("text.txt"), ...flags({ ...small, maxSteps: 1 }), "--output", fresh()],
    options: {
      ...Object.fromEntries(Object.keys(textTrainingFields).map((key) => [key, {}])),
      output: { add: ["-o", at("given")], see: () => existsSync(join(at("given"), "config.json")) },
      force: { against: trainAgain, instead: [...trainAgain, "--force"], see: ({ code }) => code },
      quiet: { add: ["-q"], see: ({ stderr }) => stderr !== "" },
      json: { add: ["--json"], see: ({ stdout }) => stdout.startsWith("{") },
    },
  },
  resume: {
    plain: () => ["resume", copyOf("runs/one"), "--max-steps", "7"],
    options: {
      run: { instead: ["resume", at("taken/two")], see: modelLine },
      epochs: { add: ["--epochs", "2", "--max-steps", "9"], see: endStep },
      maxSteps: { add: ["--epochs", "2", "--max-steps", "8"], see: endStep },
      // test/cli/resume.test.ts
      allowDifferentArithmetic: {},
      quiet: { add: ["-q"], see: ({ stderr }) => stderr !== "" },
      json: { add: ["--json"], see: ({ stdout }) => stdout.startsWith("{") },
    },
  },
  "train classify": {
    plain: () => classify({}),
    options: {
      file: { instead: ["train", "classify", at("more.csv"), ...classified, "-o", at("c/file")] },
      text: { add: ["--text", "c"] },
      label: { add: ["--label", "c"] },
      delimiter: { add: ["--delimiter", ";"], see: ({ code }) => code, codes: [2] },
      header: {
        against: ["train", "classify", at("t.csv"), ...numbered, "-o", at("c/h1")],
        instead: ["train", "classify", at("t.csv"), ...numbered, "--header", "-o", at("c/h2")],
      },
      channels: { against: long("--channels", "x"), instead: long("--channels", "y") },
      id: { against: long("--channels", "x"), instead: long("--channels", "x", "--id", "h") },
      time: { against: long("--channels", "x"), instead: long("--channels", "x", "--time", "d") },
      series: { add: ["--series"], see: ({ code }) => code, codes: [2] },
      regression: { add: ["--regression", "--label", "n"] },
      skipBadRows: {
        ...{ against: dirty("classify", "dirty.csv"), instead: dirty("classify", "dirty.csv", "--skip-bad-rows") },
        ...{ see: ({ code }: Ran) => code, codes: [0] },
      },
      test: { add: ["--test", at("more.csv")] },
      validation: { add: ["--validation", "0.5"] },
      classWeights: { add: ["--class-weights", "balanced"] },
      tokenizer: { add: ["--tokenizer", "byte"] },
      vocabularySize: { add: ["--vocabulary-size", "3"] },
      minCount: { add: ["--min-count", "9"] },
      alphabet: {
        against: classify({ tokenizer: "bpe" }),
        instead: [...classify({ tokenizer: "bpe" }), "--alphabet", "character"],
      },
      normalize: { add: ["--normalize", "nfc"] },
      scaling: {
        against: ["train", "classify", at("s.ts"), ...classifySmall, "-o", at("c/s1")],
        instead: ["train", "classify", at("s.ts"), ...classifySmall, "--scaling", "none", "-o", at("c/s2")],
      },
      ...begunWith("t.csv", "classifier", "classifier2"),
      cell: { add: ["--cell", "gru"] },
      cellFile: { add: ["--cell-file", at("cell.txt")] },
      hiddenSize: { add: ["--hidden-size", "4"] },
      numLayers: { add: ["--layers", "2"] },
      initialize: { add: ["--initialize", "keras"] },
      dropout: { add: ["--dropout", "0.6"] },
      bidirectional: { add: ["--no-bidirectional"] },
      pooling: { add: ["--pooling", "mean"] },
      memorySteps: { add: ["--memory-steps", "50"] },
      embeddingSize: { add: ["--embedding-size", "4"] },
      batchSize: { add: ["--batch-size", "5"] },
      epochs: { add: ["--epochs", "2"] },
      maxSteps: { against: classify({ "batch-size": 8 }), instead: classify({ "batch-size": 8, "max-steps": 1 }) },
      optimizer: { add: ["--optimizer", "rmsprop"] },
      weightDecay: { add: ["--weight-decay", "0.5"] },
      learningRate: { add: ["--learning-rate", "0.1"] },
      schedule: { against: classify({ "batch-size": 8 }), instead: classify({ "batch-size": 8, schedule: "linear" }) },
      warmupSteps: { add: ["--warmup-steps", "3"] },
      clipNorm: { add: ["--clip", "1e-9"] },
      accumulate: { against: classify({ "batch-size": 8 }), instead: classify({ "batch-size": 8, accumulate: 2 }) },
      average: {
        against: classify({ epochs: 9, validation: 0 }),
        instead: classify({ epochs: 9, validation: 0, average: 0.99 }),
      },
      patience: {
        against: classify({ epochs: 4, "learning-rate": 0 }),
        instead: classify({ epochs: 4, "learning-rate": 0, patience: 1 }),
      },
      monitor: {
        against: [...classify({}), "--json"],
        instead: [...classify({}), "--json", "--monitor", "loss"],
        see: monitorIn,
      },
      minDelta: {
        against: classify({ epochs: 4, patience: 1, "learning-rate": 1e-3, seed: 2 }),
        instead: classify({ epochs: 4, patience: 1, "learning-rate": 1e-3, seed: 2, "min-delta": 100 }),
      },
      ...keptEffects((...flags) => [...classify({}), ...flags]),
      calibrate: { against: judged(), instead: judged("--calibrate") },
      threshold: { against: judged(), instead: judged("--threshold", "recall:1") },
      thresholdLabel: {
        against: judged("--threshold", "recall:1"),
        instead: judged("--threshold", "recall:1", "--threshold-label", "a"),
      },
      seed: { add: ["--seed", "1"] },
      baselines: { add: ["--no-baselines"] },
      ...{ machine },
      output: { add: ["-o", at("c/given")], see: () => existsSync(join(at("c/given"), "config.json")) },
      force: {
        against: classify({ output: at("taken/one") }),
        instead: [...classify({ output: at("taken/one") }), "--force"],
        see: ({ code }) => code,
      },
      quiet: { add: ["-q"], see: ({ stderr }) => stderr !== "" },
      json: { add: ["--json"], see: ({ stdout }) => stdout.startsWith("{") },
    },
  },
  "train tag": {
    plain: () => tag({}),
    options: {
      file: { instead: ["train", "tag", at("more.txt"), ...tagSmall, "-o", at("g/file")] },
      token: { add: ["--token", "2"] },
      tag: { add: ["--tag", "2"] },
      rows: { add: ["--rows", "--tag", "2"], see: ({ code }) => code, codes: [2] },
      intent: { against: tagRows(), instead: [...tagRows(), "--intent", "3"] },
      delimiter: { add: ["--delimiter", ";"], see: ({ code }) => code, codes: [2] },
      scheme: { add: ["--scheme", "none"] },
      encoding: { add: ["--encoding", "iob2"] },
      skipBadRows: {
        ...{ against: dirty("tag", "dirty.txt"), instead: dirty("tag", "dirty.txt", "--skip-bad-rows") },
        ...{ see: ({ code }: Ran) => code, codes: [0] },
      },
      test: { add: ["--test", at("more.txt")] },
      validation: { add: ["--validation", at("more.txt")] },
      vocabularySize: { add: ["--vocabulary-size", "3"] },
      minCount: { add: ["--min-count", "9"] },
      normalize: { add: ["--normalize", "nfc"] },
      characters: { add: ["--no-characters"] },
      ...begunWith("g.txt", "tagger0", "tagger1"),
      cell: { add: ["--cell", "gru"] },
      cellFile: { add: ["--cell-file", at("cell.txt")] },
      hiddenSize: { add: ["--hidden-size", "4"] },
      numLayers: { add: ["--layers", "2"] },
      initialize: { add: ["--initialize", "keras"] },
      dropout: { add: ["--dropout", "0.1"] },
      bidirectional: { add: ["--no-bidirectional"] },
      head: { add: ["--head", "softmax"] },
      embeddingSize: { add: ["--embedding-size", "4"] },
      batchSize: { add: ["--batch-size", "5"] },
      epochs: { add: ["--epochs", "2"] },
      maxSteps: { add: ["--max-steps", "1"] },
      optimizer: { add: ["--optimizer", "rmsprop"] },
      weightDecay: { add: ["--weight-decay", "0.5"] },
      schedule: { add: ["--schedule", "linear"] },
      warmupSteps: { add: ["--warmup-steps", "3"] },
      learningRate: { add: ["--learning-rate", "0.1"] },
      clipNorm: { add: ["--clip", "1e-9"] },
      accumulate: { add: ["--accumulate", "2"] },
      average: { against: tag({ epochs: 9 }), instead: tag({ epochs: 9, average: 0.99 }) },
      patience: {
        against: tag({ epochs: 4, "learning-rate": 0 }),
        instead: tag({ epochs: 4, "learning-rate": 0, patience: 1 }),
      },
      monitor: {
        against: [...tag({}), "--json"],
        instead: [...tag({}), "--json", "--monitor", "loss"],
        see: monitorIn,
      },
      minDelta: {
        against: [...taggedWords, "-o", fresh()],
        instead: [...taggedWords, "--min-delta", "2", "-o", fresh()],
      },
      ...keptEffects((...flags) => [...tag({}), ...flags]),
      seed: { add: ["--seed", "1"] },
      baselines: { add: ["--no-baselines"] },
      ...{ machine },
      output: { add: ["-o", at("g/given")], see: () => existsSync(join(at("g/given"), "config.json")) },
      force: {
        against: tag({ output: at("taken/one") }),
        instead: [...tag({ output: at("taken/one") }), "--force"],
        see: ({ code }) => code,
      },
      quiet: { add: ["-q"], see: ({ stderr }) => stderr !== "" },
      json: { add: ["--json"], see: ({ stdout }) => stdout.startsWith("{") },
    },
  },
  predict: {
    plain: () => ["predict", at("classifier"), at("t.csv")],
    options: {
      lines: {
        against: ["predict", at("tagger0"), at("more.txt")],
        instead: ["predict", at("tagger0"), at("more.txt"), "--lines"],
      },
      probabilities: {
        against: ["predict", at("tagger0"), at("more.txt")],
        instead: ["predict", at("tagger0"), at("more.txt"), "--probabilities"],
      },
      run: { instead: ["predict", at("classifier2"), at("t.csv")] },
      file: { instead: ["predict", at("classifier"), at("more.csv")] },
      input: { instead: ["predict", at("classifier"), "--input", "up"] },
      with: { add: ["--with", at("classifier2")] },
      text: { add: ["--text", "c"] },
      skipBadRows: {
        against: ["predict", at("classifier"), at("dirty.csv")],
        instead: ["predict", at("classifier"), at("dirty.csv"), "--skip-bad-rows"],
      },
      delimiter: { add: ["--delimiter", ";"], see: ({ code }) => code, codes: [2] },
      ...{ machine, json },
    },
  },
  generate: {
    plain: () => ["generate", at("runs/one"), "--length", "30"],
    options: {
      run: { instead: ["generate", at("runs/two"), "--length", "30"] },
      prompt: { add: ["--prompt", "hell"] },
      length: { add: ["--length", "31"] },
      temperature: { add: ["--temperature", "0"] },
      topK: { add: ["--top-k", "1"] },
      topP: { add: ["--top-p", "0.01"] },
      minP: { add: ["--min-p", "0.99"] },
      typicalP: { add: ["--typical-p", "0.1"] },
      repetitionPenalty: { add: ["--repetition-penalty", "9"] },
      repetitionWindow: {
        against: ["generate", at("runs/one"), "--repetition-penalty", "9"],
        instead: ["generate", at("runs/one"), "--repetition-penalty", "9", "--repetition-window", "1"],
      },
      stop: { add: ["--stop", "l", "--stop", "o"] },
      interactive: { add: ["-i"] },
      prompts: { add: ["--prompts", at("text.txt")] },
      beams: { add: ["--beams", "2"] },
      count: { against: beams, instead: [...beams, "--count", "2"] },
      lengthPenalty: { against: [...beams, "--json"], instead: [...beams, "--json", "--length-penalty", "0"] },
      alternatives: {
        against: ["generate", at("runs/one"), "--json"],
        instead: ["generate", at("runs/one"), "--json", "--alternatives", "2"],
      },
      seed: { add: ["--seed", "1"] },
      ...{ machine, json },
    },
  },
  score: {
    plain: () => ["score", at("runs/one"), "--text", "hello"],
    options: {
      run: { instead: ["score", at("runs/two"), "--text", "hello"] },
      file: { instead: ["score", at("runs/one"), at("part.txt")] },
      text: { add: ["--text", "world"] },
      alternatives: { add: ["--alternatives", "2"] },
      ...{ machine, json },
    },
  },
  evaluate: {
    plain: () => ["evaluate", at("runs/one")],
    options: {
      run: { instead: ["evaluate", at("runs/two")] },
      file: { instead: ["evaluate", at("runs/one"), at("text.txt")] },
      baselines: { add: ["--no-baselines"] },
      baseline: { add: ["--baseline", at("part.txt")] },
      ...{ machine, json },
    },
  },
  inspect: {
    plain: () => ["inspect", at("runs/two"), "--text", "hello"],
    options: {
      run: { instead: ["inspect", at("runs/one"), "--text", "hello"] },
      text: { add: ["--text", "world"] },
      file: {
        against: ["inspect", at("tagger0"), "--text", "once more"],
        instead: ["inspect", at("tagger0"), at("g.txt")],
      },
      row: {
        against: ["inspect", at("tagger0"), at("g.txt")],
        instead: ["inspect", at("tagger0"), at("g.txt"), "--row", "2"],
      },
      reverse: {
        against: ["inspect", at("tagger0"), "--text", "once more"],
        instead: ["inspect", at("tagger0"), "--text", "once more", "--reverse"],
      },
      token: {
        against: ["inspect", at("tagger0"), "--text", "once more"],
        instead: ["inspect", at("tagger0"), "--text", "once more", "--token", "2"],
      },
      step: { against: ["inspect", at("fc")], instead: ["inspect", at("fc"), "--step", "1"] },
      values: { add: ["--values", "h"] },
      layer: { add: ["--layer", "1"] },
      units: { add: ["--units", "2"] },
      nearest: { add: ["--nearest", at("text.txt")] },
      places: {
        against: ["inspect", at("runs/two"), "--text", "hello", "--nearest", at("text.txt")],
        instead: ["inspect", at("runs/two"), "--text", "hello", "--nearest", at("text.txt"), "--places", "2"],
      },
      // test/playground/playground.test.ts looks at the page, which is put together from dist/.
      html: {},
      compare: {},
      ...{ machine, json },
    },
  },
  info: {
    plain: () => ["info", at("runs/one")],
    options: { path: { instead: ["info", at("runs/two")] }, json },
  },
  runs: {
    plain: () => ["runs", at("runs")],
    options: {
      folder: { instead: ["runs", at("runs/two")] },
      sort: { against: ["runs", at("runs"), "--sort", "name"], instead: ["runs", at("runs"), "--sort", "date"] },
      reverse: { add: ["-r"] },
      json,
    },
  },
  compare: {
    plain: () => ["compare", at("runs/one"), at("runs/two")],
    options: {
      runs: { instead: ["compare", at("runs/two"), at("runs/one")] },
      curve: { add: ["--curve", "training loss"] },
      html: { add: ["--html", at("page.html")], see: () => existsSync(at("page.html")) },
      json,
    },
  },
  study: {
    plain: () => studied({}),
    options: {
      // Two hundredths of the sequences are a single look at the test sequences.
      quick: { instead: ["study", "--quick", "--budget", "1e-4", "--seeds", "1", "-o", at("study/quick")] },
      tasks: { add: ["--tasks", "anbncn"] },
      cells: { add: ["--cells", "gru"] },
      seeds: { add: ["--seeds", "2"] },
      budget: { add: ["--budget", "0.002"] },
      gradients: {
        against: ["study", ...lagged, "-o", at("study/g1")],
        instead: ["study", ...lagged, "--no-gradients", "-o", at("study/g2")],
      },
      output: { add: ["-o", at("study/other")], see: () => existsSync(at("study/other/study.md")) },
      quiet: { add: ["-q"], see: ({ stderr }) => stderr !== "" },
      json: { add: ["--json"], see: ({ stdout }) => stdout.startsWith("{") },
      machine,
    },
  },
  bench: {
    plain: () => ["bench", "--case", "stream-64", "--seconds", "0.02", "--json"],
    options: {
      case: { add: ["--case", "stream-64,stream-256"], see: ({ stdout }) => stdout.trim().split("\n").length },
      threads: {
        add: ["--threads", "2"],
        against: ["bench", "--case", "stream-64", "--seconds", "0.02", "--json", "--threads", "1"],
        see: ({ stdout }) => JSON.parse(stdout).threads,
      },
      seconds: { add: ["--seconds", "0.6"], see: ({ stdout }) => JSON.parse(stdout).count > 15 },
      json: {
        against: ["bench", "--case", "stream-64", "--seconds", "0.02"],
        instead: ["bench", "--case", "stream-64", "--seconds", "0.02", "--json"],
        see: ({ stdout }) => stdout.startsWith("{"),
      },
    },
  },
  run: {
    plain: () => ["run", at("small.onnx"), "--inputs", at("short.json")],
    options: {
      model: { instead: ["run", at("large.onnx"), "--inputs", at("short.json")] },
      inputs: { add: ["--inputs", at("long.json")] },
      outputs: { add: ["--outputs", at("out.npz")], see: () => existsSync(at("out.npz")) },
      state: { add: ["--state", at("state.npz")], see: () => existsSync(at("state.npz")) },
      ...{ machine, json },
    },
  },
  convert: {
    plain: () => ["convert", at("runs/one"), at("one.onnx")],
    options: {
      input: { instead: ["convert", at("runs/two"), at("one.onnx")], see: () => readFileSync(at("one.onnx")) },
      output: { instead: ["convert", at("runs/one"), at("two.onnx")], see: () => existsSync(at("two.onnx")) },
      to: { add: ["--to", "pytorch"] },
      verify: { add: ["--no-verify"] },
      // The two biases of PyTorch become one of Keras, which is a sum of float32 numbers.
      tolerance: {
        against: ["convert", at("rnn.pt"), at("rnn.keras")],
        instead: ["convert", at("rnn.pt"), at("rnn.keras"), "--tolerance", "1e-30"],
        see: ({ code }) => code,
        codes: [1],
      },
      weightsOnly: {
        against: ["convert", at("small.onnx"), at("small.safetensors")],
        instead: ["convert", at("small.onnx"), at("small.safetensors"), "--weights-only"],
        see: ({ code }) => code,
      },
      lengths: {
        against: ["convert", at("tagger0"), at("tagger0.onnx")],
        instead: ["convert", at("tagger0"), at("tagger0.onnx"), "--no-lengths"],
        see: () => readFileSync(at("tagger0.onnx")),
      },
      nonlinearity: {
        against: ["convert", at("rnn.pt"), at("rnn.onnx")],
        instead: ["convert", at("rnn.pt"), at("rnn.onnx"), "--nonlinearity", "relu"],
        see: () => readFileSync(at("rnn.onnx")),
      },
      json,
    },
  },
  verify: {
    plain: () => ["verify", at("small.onnx"), at("small.onnx")],
    options: {
      a: { instead: ["verify", at("other.onnx"), at("small.onnx")], see: ({ code }) => code, codes: [1] },
      b: { instead: ["verify", at("small.onnx"), at("other.onnx")], see: ({ code }) => code, codes: [1] },
      inputs: {
        against: [...differing, "--tolerance", "1e9"],
        instead: [...differing, "--tolerance", "1e9", "--inputs", at("states.json")],
      },
      tolerance: { against: differing, instead: [...differing, "--tolerance", "1e9"], see: ({ code }) => code },
      seed: { against: differing, instead: [...differing, "--seed", "1", "--tolerance", "1e9"] },
      ...{ machine, json },
    },
  },
  pack: {
    plain: () => ["pack", at("runs/one"), "--output", `${fresh()}.safetensors`],
    options: {
      run: {
        against: ["pack", at("runs/one"), "--json", "-o", at("p1.safetensors")],
        instead: ["pack", at("runs/two"), "--json", "-o", at("p2.safetensors")],
        see: ({ stdout }) => stdout.replace(/p\d/, ""),
      },
      output: { add: ["-o", at("p3.safetensors")], see: () => existsSync(at("p3.safetensors")) },
      type: {
        against: ["pack", at("runs/one"), "--json", "-o", at("p4.safetensors"), "--force"],
        instead: ["pack", at("runs/one"), "--json", "-o", at("p4.safetensors"), "--force", "--type", "F16"],
      },
      kernels: {
        against: ["pack", at("runs/one"), "-o", at("p5.safetensors")],
        instead: ["pack", at("runs/one"), "-o", at("p6.safetensors"), "--kernels", at("kernels")],
        see: () => existsSync(at("kernels")),
      },
      force: {
        against: ["pack", at("runs/one"), "-o", at("p1.safetensors")],
        instead: ["pack", at("runs/one"), "-o", at("p1.safetensors"), "--force"],
        see: ({ code }) => code,
      },
      json,
    },
  },
  quantize: {
    plain: () => ["quantize", at("runs/one"), "--output", fresh()],
    options: {
      run: {
        against: ["quantize", at("runs/one"), "--json", "-o", at("q1")],
        instead: ["quantize", at("runs/two"), "--json", "-o", at("q2")],
      },
      file: { add: [at("text.txt")] },
      output: { add: ["-o", at("q3")], see: () => existsSync(at("q3")) },
      force: {
        against: ["quantize", at("runs/one"), "-o", at("taken/one")],
        instead: ["quantize", at("runs/one"), "-o", at("taken/one"), "--force"],
        see: ({ code }) => code,
      },
      ...{ machine, json },
    },
  },
  ...forecastEffects({ at, fresh, machine, json }),
  doctor: { plain: () => ["doctor"], options: { json } },
  demo: {
    plain: () => ["demo", "--output", freshDemo()],
    io: pressed,
    options: {
      epochs: { add: ["--epochs", "2"], see: () => startOf(demoRun).epochs },
      maxSteps: { add: ["--max-steps", "3"], see: () => startOf(demoRun).totalSteps },
      output: { add: ["-o", at("demo")], see: () => existsSync(join(at("demo"), "config.json")) },
      force: { against: demoAgain, instead: [...demoAgain, "--force"], see: ({ code }) => code },
      seed: { add: ["--seed", "1"], see: () => weightsOf(demoRun) },
      machine,
    },
  },
};

/** What a command printed and, of a training, what came of it: without the name of its folder and without what a clock says. */
function told(argv: readonly string[], { stdout }: Ran): unknown {
  const run = argv[Math.max(argv.lastIndexOf("-o"), argv.lastIndexOf("--output")) + 1]!;
  const text = stdout.replaceAll(run, "RUN").replace(/"seconds":[\d.e-]+|[\d.]+ m?s\b|[\d.,]+k? \w+\/s/g, "TIME");
  if (!existsSync(join(run, "model.safetensors"))) return text;
  const read = (name: string): string => (existsSync(join(run, name)) ? readFileSync(join(run, name), "utf8") : "");
  const end = JSON.parse(read("metrics.jsonl").trim().split("\n").at(-1) || "{}");
  return [text, weightsOf(run).toString("base64"), read("tokenizer.json"), end.reason, end.step];
}

function definedIn(command: Command, names: readonly string[] = []): [string, DefinedCommand][] {
  if (command instanceof DefinedCommand) return [[names.join(" "), command]];
  return command.commands.flatMap((one) => definedIn(one, [...names, one.name()]));
}
const io = { stdout: { columns: 80 }, stderr: { columns: 80 }, env: {}, program: "longshort" } as unknown as Io;
const defined = definedIn(createProgram(io));

describe.each(defined)("%s", (name, command) => {
  const known = commands[name];

  it("has an entry for every option, and none for another", () =>
    expect(Object.keys(known?.options ?? {}).sort()).toEqual(Object.keys(command.definition.fields).sort()));

  it("is described without breaks within a sentence: the width of the terminal breaks lines", () =>
    expect(command.description()).not.toMatch(/[^.]\n/));

  const tested = Object.entries(known?.options ?? {}).filter(([, { add, instead }]) => add ?? instead);
  it.each(tested)("%s changes something", async (_, { add = [], instead, against, codes = [0, 130], see }) => {
    writeFileSync(at("part.txt"), "hello hello hello\n");
    const base = against ?? known!.plain();
    const plain = await longshort(base, known!.io);
    const before = see ? see(plain) : told(base, plain);
    const argv = instead ?? [...known!.plain(), ...add];
    const changed = await longshort(argv, known!.io);
    expect(codes, changed.stderr).toContain(changed.code);
    expect(see ? see(changed) : told(argv, changed)).not.toEqual(before);
  });
});
