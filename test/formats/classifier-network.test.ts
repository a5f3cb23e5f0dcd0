import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cellText } from "../../src/cells/cell-text.ts";
import { defineCell, split } from "../../src/cells/define.ts";
import { gru } from "../../src/cells/gru.ts";
import { parseCell } from "../../src/cells/parse-cell.ts";
import { saveRun } from "../../src/checkpoint/run-folder.ts";
import { readSafetensors } from "../../src/checkpoint/safetensors.ts";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import type { Series } from "../../src/data/examples.ts";
import { traceClassifier } from "../../src/explain/trace-classifier.ts";
import { convertModel, type Target } from "../../src/formats/convert.ts";
import { readOnnx } from "../../src/formats/onnx/model.ts";
import { open } from "../../src/formats/open.ts";
import { readModel } from "../../src/formats/read-model.ts";
import { withoutStates } from "../../src/formats/runnable.ts";
import { save } from "../../src/formats/save.ts";
import { mul, tanh } from "../../src/math/expression.ts";
import { type SequenceClassifierOptions, sequenceClassifier } from "../../src/models/sequence-classifier.ts";
import { Classifier } from "../../src/run/classifier.ts";
import { loadClassifier } from "../../src/run/load-classifier.ts";
import { mapValues } from "../../src/shared/records.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import type { Tokenizer } from "../../src/text/tokenizer.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";
import { difference } from "../support/difference.ts";
import { onnxRuntime, withoutOnnxRuntime } from "../support/onnxruntime.ts";
import { odd } from "../support/recurrent-cells.ts";

let machine: SynchronousMachine;
let wasm: SynchronousMachine;
let tokenizer: Tokenizer;
const folder = mkdtempSync(join(tmpdir(), "longshort-classifier-"));
beforeAll(async () => {
  machine = await openMachine("reference");
  wasm = await openMachine("wasm");
  tokenizer = await trainTokenizer("abcdef", { kind: "grapheme" });
});
afterAll(() => {
  machine.close();
  wasm.close();
  rmSync(folder, { recursive: true, force: true });
});

const texts = ["fadcbbe", "ab", "eecad"];
const [text] = texts as [string];
const allSeries = [
  [3, 110, 2.5, 90, 7, 100, 4, 95, 3, 120],
  [5, 105],
  [2, 80, 6, 130, 1, 99],
].map((values): Series => ({ channels: 2, values: Float64Array.from(values) }));
const classes = ["yes", "no", "none of them"];
const tokens = { embeddingSize: 4, hiddenSize: 5, classes };
const channels = { channels: 2, hiddenSize: 5, classes };
const inputScaling = { mean: [4, 100], deviation: [2, 12] };

const wordsOf = `
  f = sigmoid(W_f x + U_f h[t-1]) # how much is kept
  n = tanh(W_n x + U_n (f * h[t-1]) + p * h[t-1])
  h = f * h[t-1] + (1 - f) * n
`;
const inWords = parseCell(`weight p = 0.1\n${wordsOf}`);
const projected = `
  state h: projection, c
  mask keep = zoneout 0.2 per step
  i = sigmoid(W_i x + U_i h[t-1])
  c = mask(keep) * c[t-1] + (1 - mask(keep)) * i * tanh(W_g x + U_g h[t-1])
  h = P_hr (i * tanh(c))
`;

/** What formats of layers have no form of. */
const onnxAlone: readonly Target[] = ["onnx"];
const all: readonly Target[] = ["onnx", "keras", "keras-h5", "tfjs"];
const variants: Readonly<Record<string, readonly [options: SequenceClassifierOptions, to: readonly Target[]]>> = {
  "tokens, last": [tokens, all],
  "tokens, two directions, last": [{ ...tokens, bidirectional: true }, all],
  "tokens, three layers, mean": [{ ...tokens, numLayers: 3, pooling: "mean", dropout: 0.5 }, all],
  "tokens, two layers in two directions, max": [
    { ...tokens, numLayers: 2, bidirectional: true, pooling: "max", cell: "gru" },
    ["onnx", "keras", "keras-h5"],
  ],
  "tokens, two layers in two directions, last": [{ ...tokens, numLayers: 2, bidirectional: true, cell: "rnn" }, all],
  "tokens, attention": [{ ...tokens, pooling: "attention" }, onnxAlone],
  "series, two directions, attention": [
    { ...channels, inputScaling, bidirectional: true, pooling: "attention", cell: "gru" },
    onnxAlone,
  ],
  "series, scaled, last": [{ ...channels, inputScaling }, all],
  "series, not scaled, mean": [{ ...channels, pooling: "mean" }, all],
  "a projection": [
    { ...tokens, cell: { name: "lstm", options: { projection: true } }, projectionSize: 3, numLayers: 2 },
    onnxAlone,
  ],
  peepholes: [{ ...tokens, cell: { name: "lstm", options: { peephole: true } }, bidirectional: true }, onnxAlone],
  "no biases": [{ ...tokens, cell: { name: "lstm", options: { bias: false } } }, all],
  "a cell that no operator computes": [{ ...tokens, cell: "layer-norm-lstm", bidirectional: true }, onnxAlone],
  "a cell whose gates see the input alone": [{ ...channels, cell: "min-gru", numLayers: 2, pooling: "max" }, onnxAlone],
  "equations of one's own": [{ ...tokens, cell: inWords, bidirectional: true, numLayers: 2 }, onnxAlone],
  "equations of one's own without biases, of series": [
    { ...channels, cell: parseCell(`bias none\nweight p\n${wordsOf}`), pooling: "mean" },
    onnxAlone,
  ],
  "equations of one's own with a projection and a mask": [
    { ...tokens, cell: parseCell(projected), projectionSize: 3 },
    onnxAlone,
  ],
  "a regression of tokens": [{ ...tokens, classes: undefined, targetScaling: { mean: [1850], deviation: [30] } }, all],
  "a regression of series, in the units of its outputs": [{ ...channels, classes: undefined, inputScaling }, all],
};

/** A model with weights of its own as the folder of a run, and what it says of each sequence, by the names of the network's outputs. */
async function saved(name: string, options: SequenceClassifierOptions) {
  const ofTokens = options.channels === undefined;
  const model = sequenceClassifier({ ...options, ...(ofTokens && { vocabularySize: tokenizer.vocabularySize }) });
  const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 3 });
  const own = ofTokens ? tokenizer : undefined;
  const path = join(folder, name);
  await saveRun(path, { model, tokenizer: own, parameters });
  using classifier = new Classifier({ model, machine, parameters, tokenizer: own });
  const input = ofTokens ? texts : allSeries;
  const said: Record<string, readonly (readonly number[])[]> = {};
  if (options.classes) {
    const predictions = await classifier.predict(input);
    said.probabilities = predictions.map(({ probabilities }) => Object.values(probabilities));
    said.logits = predictions.map(({ logProbabilities }) => Object.values(logProbabilities));
  } else said.prediction = (await classifier.predictNumbers(input)).map((one) => [one]);
  parameters.close();
  return { path, expected: said };
}

type Inputs = Readonly<Record<string, { readonly shape: readonly number[]; readonly data: ArrayLike<number> }>>;

/** One sequence as a batch of its own. */
function alone(
  { channels }: SequenceClassifierOptions,
  k = 0,
): Record<string, { shape: number[]; data: ArrayLike<number> }> {
  if (channels !== undefined) {
    const { values } = allSeries[k]!;
    return { series: { shape: [1, values.length / channels, channels], data: values } };
  }
  const data = tokenizer.encode(texts[k]!);
  return { tokens: { shape: [1, data.length], data } };
}

/** All of them as one batch, padded by what must not be read: numbers that are none, and a token that there is. */
function padded(options: SequenceClassifierOptions): Inputs {
  const each = [0, 1, 2].map((k) => Object.values(alone(options, k))[0]!);
  const { channels = 1 } = options;
  const steps = Math.max(...each.map(({ shape }) => shape[1]!));
  const filler = options.channels === undefined ? 2 : Number.NaN;
  const data = each.flatMap((one) =>
    Array.from({ length: steps * channels }, (_, at) => (at < one.data.length ? one.data[at]! : filler)),
  );
  return {
    [options.channels === undefined ? "tokens" : "series"]: { shape: [3, steps, ...each[0]!.shape.slice(2)], data },
    lengths: { shape: [3], data: each.map(({ shape }) => shape[1]!) },
  };
}

/** Logits are what is said up to a number that all classes share. */
const centred = (name: string, numbers: readonly number[]): readonly number[] => {
  const mean = name === "logits" ? numbers.reduce((a, b) => a + b) / numbers.length : 0;
  return numbers.map((one) => one - mean);
};

function expectSaid(
  got: Readonly<Record<string, { readonly data: unknown }>>,
  expected: Readonly<Record<string, readonly (readonly number[])[]>>,
  tolerance: number,
): void {
  for (const [name, rows] of Object.entries(expected)) {
    const data = Array.from(got[name]!.data as Float32Array);
    const width = rows[0]!.length;
    const found = rows.flatMap((_, k) => centred(name, data.slice(k * width, (k + 1) * width)));
    expect(data.length, name).toBe(rows.length * width);
    expect(
      difference(
        found,
        rows.flatMap((row) => centred(name, row)),
      ),
      name,
    ).toBeLessThanOrEqual(tolerance);
  }
}

/** Of what is said of all the first alone. */
const first = (expected: Awaited<ReturnType<typeof saved>>["expected"]) =>
  mapValues(expected, (rows) => rows.slice(0, 1));

/** Inputs as ONNX Runtime takes them. */
const tensors = (inputs: Inputs) =>
  mapValues(inputs, ({ shape, data }, input) =>
    input === "series"
      ? new onnxRuntime!.Tensor("float32", Float32Array.from(data), shape)
      : new onnxRuntime!.Tensor("int64", BigInt64Array.from(Array.from(data), BigInt), shape),
  );

const outputsOf = ({ classes }: SequenceClassifierOptions) => (classes ? ["logits", "probabilities"] : ["prediction"]);

describe.each(Object.entries(variants))("a trained classifier: %s", (name, [options, formats]) => {
  test("its run opens as a network that says the same, of each sequence alone and of a padded batch", async () => {
    const { path, expected } = await saved(name, options);
    using model = await open(path, { machine });
    expect(model.format).toBe("run");
    expect(model.inputs.map((port) => [port.name, port.optional === true])).toEqual([
      [Object.keys(alone(options))[0], false],
      ["lengths", true],
    ]);
    expect(model.outputs.map((port) => port.name)).toEqual(outputsOf(options));
    for (const k of [0, 1, 2])
      expectSaid(
        await model.run(alone(options, k)),
        mapValues(expected, (rows) => rows.slice(k, k + 1)),
        1e-6,
      );
    expectSaid(await model.run(padded(options)), expected, 1e-6);
    using fast = await open(path, { machine: wasm });
    expectSaid(await fast.run(padded(options)), expected, 1e-5);
  });

  test("read back from every format that has its layers, it says the same", async () => {
    const { path, expected } = await saved(name, options);
    const file = await readModel(path);
    for (const to of all) {
      if (!formats.includes(to)) {
        expect(() => convertModel(file, { to }), to).toThrow(/ONNX/);
        continue;
      }
      const { bytes, files, notes } = convertModel(file, { to, lengths: false });
      expect(notes.join()).toContain("sequences of one length are one batch");
      using model = await open(bytes, { machine, files: Object.fromEntries(files) });
      const outputs = withoutStates(model).outputs.map((port) => port.name);
      expect(outputs.length, to).toBe(outputsOf(options).length);
      const [input] = Object.values(alone(options));
      const results = await model.run({ [model.inputs[0]!.name]: input! });
      const got = Object.fromEntries(outputsOf(options).map((one, k) => [one, results[outputs[k]!]!]));
      expectSaid(got, first(expected), 1e-5);
    }
    const { bytes, notes } = convertModel(file, { to: "onnx" });
    expect(notes.join()).toContain("lengths say how many steps of each sequence count");
    using model = await open(bytes, { machine });
    expectSaid(await model.run(padded(options)), expected, 1e-5);
  });

  test.runIf(onnxRuntime)(`ONNX Runtime says the same, of padded batches too${withoutOnnxRuntime}`, async () => {
    const { path, expected } = await saved(name, options);
    const file = await readModel(path);
    for (const [lengths, inputs, rows] of [
      [true, padded(options), expected],
      [false, alone(options), first(expected)],
    ] as const) {
      const { bytes } = convertModel(file, { to: "onnx", lengths });
      const session = await onnxRuntime!.InferenceSession.create(bytes, { logSeverityLevel: 3 });
      expectSaid(await session.run(tensors(inputs)), rows, 1e-5);
      await session.release();
    }
  });
});

test.runIf(onnxRuntime).each(["last", "mean", "max", "attention"] as const)(
  `of a sequence without steps every program says what is said of zeros (%s)${withoutOnnxRuntime}`,
  async (pooling) => {
    const options = { ...channels, bidirectional: true, pooling };
    const { path } = await saved(`empty ${pooling}`, options);
    const inputs = { ...padded(options), lengths: { shape: [3], data: [5, 0, 3] } };
    using model = await open(path, { machine });
    const own = await model.run(inputs);
    const head = (await model.parameters.toTensors()).get("head.bias")!;
    expect(difference(Array.from(own.logits!.data).slice(3, 6), Array.from(head.data))).toBeLessThanOrEqual(1e-12);
    const { bytes } = convertModel(await readModel(path), { to: "onnx" });
    const session = await onnxRuntime!.InferenceSession.create(bytes, { logSeverityLevel: 3 });
    const { logits } = await session.run(tensors(inputs));
    expect(difference(Array.from(logits!.data as Float32Array), Array.from(own.logits!.data))).toBeLessThanOrEqual(
      1e-5,
    );
    await session.release();
  },
);

test("lengths that are longer than the sequences, or not one for each, are refused", async () => {
  const { path } = await saved("too long", tokens);
  using model = await open(path, { machine });
  const given = padded(tokens);
  await expect(model.run({ ...given, lengths: { shape: [3], data: [7, 8, 2] } })).rejects.toMatchObject({
    ...{ code: "out-of-range", message: expect.stringContaining("lengths") },
  });
  await expect(model.run({ ...given, lengths: { shape: [2], data: [7, 2] } })).rejects.toMatchObject({
    code: "shape-mismatch",
  });
});

const simple = { ...tokens, numLayers: 2, bidirectional: true, dropout: 0.25 };

test("what a network does not hold of a run is said", async () => {
  const { path } = await saved("said", simple);
  const { conventions } = await readModel(path);
  expect(conventions.join("\n")).toMatch(/tokenizer\.json.*\n.*"yes", "no", "none of them"\ndropout is left out/);
});

test("a state dictionary has the names of the run, and says what forward does besides", async () => {
  const { path } = await saved("names", simple);
  const { bytes, forward } = convertModel(await readModel(path), { to: "safetensors" });
  const own = readSafetensors(readFileSync(join(path, "model.safetensors"))).tensors;
  expect([...readSafetensors(bytes).tensors.keys()].sort()).toEqual([...own.keys()].sort());
  expect(forward.join("\n")).toContain("go on with the step that each direction computes last alone");
});

test("the gates of an opened classifier are those of its run, of each layer", async () => {
  const { path } = await saved("traced", simple);
  using classifier = await loadClassifier(path, { machine });
  using model = await open(path, { machine });
  const { values } = await model.trace(alone(simple), { names: ["f"] });
  const traced = await traceClassifier(classifier, text, { names: ["f"] });
  const [ours, theirs] = [values["rnn.1.f_reverse"]!, traced.values.f_l1_reverse!];
  expect(difference(Array.from(ours.data), Array.from(theirs.data))).toBeLessThanOrEqual(1e-6);
});

test("save writes what was trained further, and a piece of a sequence is refused, since an answer is of a whole one", async () => {
  const { path, expected } = await saved("further", simple);
  using model = await open(path, { machine });
  await expect(model.openSession()).rejects.toMatchObject({ code: "no-state" });
  const bias = (await model.parameters.toTensors()).get("head.bias")!;
  const shifted = Float64Array.from(bias.data, (value, k) => value + k);
  model.parameters.loadTensors(new Map([["head.bias", { shape: bias.shape, data: shifted }]]), { strict: false });
  await save(model, join(folder, "further.onnx"), { lengths: false });
  using again = await open(join(folder, "further.onnx"), { machine });
  const logits = [expected.logits![0]!.map((value, k) => value + k)];
  expectSaid(await again.run(alone(simple)), { logits }, 1e-5);
});

test("a cell of code travels as its equations in words", async () => {
  const cell = odd();
  const { path, expected } = await saved("odd", { ...tokens, cell });
  using model = await open(path, { machine });
  expectSaid(await model.run(padded(tokens)), expected, 1e-6);
  const { content } = model.file;
  const layer = content.kind === "network" ? content.network.layers.get("rnn") : undefined;
  const spec = layer?.kind === "recurrent" ? layer.cell : undefined;
  expect(spec).toEqual({ name: "odd", options: { text: cellText(cell) } });
  expect(JSON.parse(JSON.stringify(spec))).toEqual(spec);
  const { values } = await model.trace(alone(tokens), { names: ["level"] });
  expect(values["rnn.level"]!.shape).toEqual([text.length, 1, 5]);
});

test("equations that are an operator of ONNX become that operator", async () => {
  const own = parseCell(cellText(gru()));
  const { path, expected } = await saved("own gru", { ...tokens, cell: own });
  const { bytes } = convertModel(await readModel(path), { to: "onnx" });
  expect(readOnnx(bytes).graph.nodes.map(({ op }) => op)).toContain("GRU");
  using model = await open(bytes, { machine });
  expectSaid(await model.run(padded(tokens)), expected, 1e-5);
});

test("a cell that words cannot say is refused for that", async () => {
  const cell = defineCell({
    name: "unsaid",
    gates: { unread: split(), a: tanh },
    state: ["h"],
    step: ({ a }, previous) => ({ h: mul(previous.h, a) }),
  });
  const { path } = await saved("unsaid", { ...tokens, cell });
  await expect(open(path, { machine })).rejects.toMatchObject({ code: "unknown-cell" });
  await expect(open(path, { machine, cells: { unsaid: cell } })).rejects.toMatchObject({
    code: "bad-cell",
    message: expect.stringMatching(/unsaid: cell "unsaid": its equations cannot be said in words.*read every gate/),
  });
});

test("a run whose config does not say of what kind its model is is refused for that", async () => {
  const { path } = await saved("no kind", simple);
  const config = join(path, "config.json");
  const said = JSON.parse(readFileSync(config, "utf8"));
  delete said.model.kind;
  writeFileSync(config, JSON.stringify(said));
  await expect(open(path, { machine })).rejects.toMatchObject({ message: expect.stringContaining("model.kind") });
});
