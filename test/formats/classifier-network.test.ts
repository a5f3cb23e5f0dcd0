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
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import type { Tokenizer } from "../../src/text/tokenizer.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";
import { difference } from "../support/difference.ts";
import { onnxRuntime, withoutOnnxRuntime } from "../support/onnxruntime.ts";
import { odd } from "../support/recurrent-cells.ts";

let machine: SynchronousMachine;
let tokenizer: Tokenizer;
const folder = mkdtempSync(join(tmpdir(), "longshort-classifier-"));
beforeAll(async () => {
  machine = await openMachine("reference");
  tokenizer = await trainTokenizer("abcdef", { kind: "grapheme" });
});
afterAll(() => {
  machine.close();
  rmSync(folder, { recursive: true, force: true });
});

const text = "fadcbbe";
const series: Series = { channels: 2, values: Float64Array.of(3, 110, 2.5, 90, 7, 100, 4, 95, 3, 120) };
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

/** A model with weights of its own as the folder of a run, and what it says of an input, by the names of the network's outputs. */
async function saved(name: string, options: SequenceClassifierOptions) {
  const ofTokens = options.channels === undefined;
  const model = sequenceClassifier({ ...options, ...(ofTokens && { vocabularySize: tokenizer.vocabularySize }) });
  const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 3 });
  const own = ofTokens ? tokenizer : undefined;
  const path = join(folder, name);
  await saveRun(path, { model, tokenizer: own, parameters });
  using classifier = new Classifier({ model, machine, parameters, tokenizer: own });
  const said: Record<string, readonly number[]> = {};
  const input = ofTokens ? text : series;
  if (options.classes) {
    const [prediction] = await classifier.predict([input]);
    said.probabilities = Object.values(prediction!.probabilities);
    said.logits = Object.values(prediction!.logProbabilities);
  } else said.prediction = await classifier.predictNumbers([input]);
  parameters.close();
  return { path, expected: said };
}

function inputOf({ channels }: SequenceClassifierOptions) {
  if (channels !== undefined) return { series: { shape: [1, 5, 2], data: series.values } };
  const data = tokenizer.encode(text);
  return { tokens: { shape: [1, data.length], data } };
}

/** Logits are what is said up to a number that all classes share. */
const centred = (name: string, numbers: ArrayLike<number>): number[] => {
  const list = Array.from(numbers);
  const mean = name === "logits" ? list.reduce((a, b) => a + b) / list.length : 0;
  return list.map((one) => one - mean);
};

function expectSaid(
  got: Readonly<Record<string, { readonly data: unknown }>>,
  expected: Readonly<Record<string, readonly number[]>>,
  tolerance: number,
): void {
  for (const [name, numbers] of Object.entries(expected)) {
    const data = centred(name, got[name]!.data as Float32Array);
    expect(difference(data, centred(name, numbers)), name).toBeLessThanOrEqual(tolerance);
  }
}

describe.each(Object.entries(variants))("a trained classifier: %s", (name, [options, formats]) => {
  test("its run opens as a network that says the same", async () => {
    const { path, expected } = await saved(name, options);
    using model = await open(path, { machine });
    expect(model.format).toBe("run");
    expect(model.outputs.map((port) => port.name)).toEqual(
      options.classes ? ["logits", "probabilities"] : ["prediction"],
    );
    expectSaid(await model.run(inputOf(options)), expected, 1e-6);
  });

  test("read back from every format that has its layers, it says the same", async () => {
    const { path, expected } = await saved(name, options);
    const file = await readModel(path);
    for (const to of all) {
      if (!formats.includes(to)) {
        expect(() => convertModel(file, { to }), to).toThrow(/ONNX/);
        continue;
      }
      const { bytes, files } = convertModel(file, { to });
      using model = await open(bytes, { machine, files: Object.fromEntries(files) });
      const outputs = withoutStates(model).outputs.map((port) => port.name);
      expect(outputs.length, to).toBe(options.classes ? 2 : 1);
      const [input] = Object.values(inputOf(options));
      const results = await model.run({ [model.inputs[0]!.name]: input! });
      const names = options.classes ? ["logits", "probabilities"] : ["prediction"];
      const got = Object.fromEntries(names.map((one, k) => [one, results[outputs[k]!]!]));
      expectSaid(got, expected, 1e-5);
    }
  });

  test.runIf(onnxRuntime)(`ONNX Runtime says the same, of batches too${withoutOnnxRuntime}`, async () => {
    const { path, expected } = await saved(name, options);
    const { bytes } = convertModel(await readModel(path), { to: "onnx" });
    const session = await onnxRuntime!.InferenceSession.create(bytes, { logSeverityLevel: 3 });
    const [[input, { shape, data }]] = Object.entries(inputOf(options)) as [
      [string, { shape: readonly number[]; data: ArrayLike<number> }],
    ];
    const twice = [...Array.from(data), ...Array.from(data)];
    const whole = input === "tokens";
    const tensor = new onnxRuntime!.Tensor(
      whole ? "int64" : "float32",
      whole ? BigInt64Array.from(twice, BigInt) : Float32Array.from(twice),
      [2, ...shape.slice(1)],
    );
    const results = await session.run({ [input]: tensor });
    for (const row of [0, 1]) {
      const rows = Object.entries(results).map(([output, { data, dims }]) => {
        const width = dims[1]!;
        return [output, { data: Array.from(data as Float32Array).slice(row * width, (row + 1) * width) }] as const;
      });
      expectSaid(Object.fromEntries(rows), expected, 1e-5);
    }
    await session.release();
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
  const { values } = await model.trace(inputOf(simple), { names: ["f"] });
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
  await save(model, join(folder, "further.onnx"));
  using again = await open(join(folder, "further.onnx"), { machine });
  const logits = expected.logits!.map((value, k) => value + k);
  expectSaid(await again.run(inputOf(simple)), { logits }, 1e-5);
});

test("a cell of code is a network where it is given again, with its equations in words", async () => {
  const cell = odd();
  const { path, expected } = await saved("odd", { ...tokens, cell });
  await expect(open(path, { machine })).rejects.toMatchObject({ code: "unknown-cell" });
  using model = await open(path, { machine, cells: { odd: cell } });
  expectSaid(await model.run(inputOf(tokens)), expected, 1e-6);
  const { content } = model.file;
  const layer = content.kind === "network" ? content.network.layers.get("rnn") : undefined;
  const spec = layer?.kind === "recurrent" ? layer.cell : undefined;
  expect(spec).toEqual({ name: "equations", options: { text: cellText(cell) } });
  expect(JSON.parse(JSON.stringify(spec))).toEqual(spec);
  const { values } = await model.trace(inputOf(tokens), { names: ["level"] });
  expect(values["rnn.level"]!.shape).toEqual([text.length, 1, 5]);
});

test("equations that are an operator of ONNX become that operator", async () => {
  const own = parseCell(cellText(gru()));
  const { path, expected } = await saved("own gru", { ...tokens, cell: own });
  const { bytes } = convertModel(await readModel(path), { to: "onnx" });
  expect(readOnnx(bytes).graph.nodes.map(({ op }) => op)).toContain("GRU");
  using model = await open(bytes, { machine });
  expectSaid(await model.run(inputOf(tokens)), expected, 1e-5);
});

test("a cell that words cannot say is refused for that", async () => {
  const cell = defineCell({
    name: "unsaid",
    gates: { unread: split(), a: tanh },
    state: ["h"],
    step: ({ a }, previous) => ({ h: mul(previous.h, a) }),
  });
  const { path } = await saved("unsaid", { ...tokens, cell });
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
