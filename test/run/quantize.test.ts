import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lstm } from "../../src/cells/lstm.ts";
import { cellByName } from "../../src/cells/registry.ts";
import { packRun } from "../../src/checkpoint/packed-run.ts";
import { saveRun } from "../../src/checkpoint/run-folder.ts";
import { readSafetensors } from "../../src/checkpoint/safetensors.ts";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { timeSeriesSet } from "../../src/data/time-series-set.ts";
import { recurrent } from "../../src/layers/recurrent.ts";
import { type LanguageModel, languageModel } from "../../src/models/language-model.ts";
import { sequenceClassifier } from "../../src/models/sequence-classifier.ts";
import { sequenceTagger } from "../../src/models/sequence-tagger.ts";
import { Classifier } from "../../src/run/classifier.ts";
import { loadClassifier } from "../../src/run/load-classifier.ts";
import { loadForecaster } from "../../src/run/load-forecaster.ts";
import { loadRun } from "../../src/run/load-run.ts";
import { loadTagger } from "../../src/run/load-tagger.ts";
import { quantize } from "../../src/run/quantize.ts";
import { openSession } from "../../src/run/session.ts";
import { Tagger } from "../../src/run/tagger.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph } from "../../src/tensor/graph.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters, type ParameterStore } from "../../src/tensor/parameter-store.ts";
import { dequantize, quantizeMatrix } from "../../src/tensor/quantized.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";
import { evaluateText } from "../../src/train/evaluate-text.ts";
import { trainForecaster } from "../../src/train/train-forecaster.ts";
import { trainText } from "../../src/train/train-text.ts";
import { numbers } from "../machines/harness.ts";
import { difference } from "../support/difference.ts";

const V = 19;
let wasm: SynchronousMachine;
let reference: SynchronousMachine;
beforeAll(async () => {
  wasm = (await openMachine("wasm")) as SynchronousMachine;
  reference = (await openMachine("reference")) as SynchronousMachine;
});
afterAll(() => {
  wasm.close();
  reference.close();
});

const parametersOf = async (model: LanguageModel, machine: SynchronousMachine): Promise<ParameterStore> => {
  const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 3 });
  // Biases that are not zero, so that forgetting one is seen.
  for (const name of parameters.names)
    if (name.includes("bias"))
      parameters.write(
        name,
        numbers(parameters.layout.names.get(name)!.shape[0]!, 7).map((v) => v / 4),
      );
  return parameters;
};

describe("rounding to 8 bits", () => {
  test("each row to its own scale, within half a step; rounding again changes nothing", () => {
    const data = Float32Array.from(numbers(6 * 5, 1), (v, i) => v * 10 ** (Math.floor(i / 5) - 3)).fill(0, 10, 15);
    const tensor = quantizeMatrix({ shape: [6, 5], data });
    const back = dequantize(tensor);
    for (let i = 0; i < 30; i++)
      expect(Math.abs(back[i]! - data[i]!)).toBeLessThanOrEqual(tensor.scales[Math.floor(i / 5)]! * 0.500001);
    expect(tensor.scales[2]).toBe(0);
    expect(quantizeMatrix({ shape: [6, 5], data: back })).toEqual(tensor);
    expect(() => quantizeMatrix({ shape: [6], data: data.slice(0, 6) })).toThrow(/matrix/);
  });
});

const cells = ["lstm", "gru", "rnn", "min-gru", "layer-norm-lstm"].filter((name) => {
  try {
    return cellByName(name);
  } catch {
    return false;
  }
});
const models: Record<string, LanguageModel> = {
  ...Object.fromEntries(
    cells.map((cell) => [
      cell,
      languageModel({ vocabularySize: V, embeddingSize: 7, hiddenSize: 21, numLayers: 2, cell }),
    ]),
  ),
  "gru, reset before": languageModel({
    ...{ vocabularySize: V, embeddingSize: 8, hiddenSize: 16, cell: { name: "gru", options: { resetAfter: false } } },
  }),
  "lstm, projected, peepholes": languageModel({
    ...{
      vocabularySize: V,
      hiddenSize: 12,
      projectionSize: 5,
      cell: { name: "lstm", options: { projection: true, peephole: true } },
    },
  }),
  "lstm, tied": languageModel({ vocabularySize: V, hiddenSize: 24, tied: true }),
};

describe.each(Object.keys(models))("%s with weights of 8 bits", (name) => {
  const model = models[name]!;

  test("answers as float64 does with the numbers that they stand for", async () => {
    const [parameters, exact] = [await parametersOf(model, wasm), await parametersOf(model, reference)];
    await quantize({ model, parameters });
    expect([...parameters.quantized!.keys()]).toEqual(
      parameters.names.filter(
        (n) =>
          (parameters.shape(n).length === 2 && !n.startsWith("embedding")) ||
          (name.includes("tied") && n.startsWith("embedding")),
      ),
    );
    exact.loadTensors(await parameters.toTensors());
    const session = await openSession({ model, parameters, machine: wasm, batchSize: 3 });
    const right = await openSession({ model, parameters: exact, machine: reference, batchSize: 3 });
    const [logits, expected] = [new Float32Array(3 * V), new Float64Array(3 * V)];
    for (let t = 0; t < 12; t++) {
      const tokens = [t % V, (5 * t + 1) % V, (7 * t + 2) % V];
      session.step(tokens, logits);
      right.step(tokens, expected);
      // 14 bits of the activations: 1.2e-4 of the largest of a row, over twelve steps.
      expect(difference(logits, expected)).toBeLessThan(5e-4);
    }
    for (const one of [session, right, parameters, exact]) one.close();
  });
});

test("the loss of a text with weights of 8 bits is near that of the numbers; on the reference machine it is the same", async () => {
  const model = models.lstm!;
  const tokens = Int32Array.from({ length: 200 }, (_, i) => (i * i + 3) % V);
  for (const machine of [wasm, reference]) {
    const [parameters, numbersOnly] = [await parametersOf(model, machine), await parametersOf(model, machine)];
    await quantize({ model, parameters });
    numbersOnly.loadTensors(await parameters.toTensors());
    const text = { model, machine, tokens, batchSize: 4, sequenceLength: 16 };
    const came = await evaluateText({ ...text, parameters });
    const right = await evaluateText({ ...text, parameters: numbersOnly });
    expect(Math.abs(came.loss - right.loss)).toBeLessThan(machine === wasm ? 1e-4 : 1e-8);
    for (const one of [parameters, numbersOnly]) one.close();
  }
});

describe("a layer with weights of 8 bits", () => {
  const layer = recurrent({ cell: lstm(), inputSize: 5, hiddenSize: 11, bidirectional: true });
  const [T, B] = [9, 3];
  const x = numbers(T * B * 5, 4);
  const mask = Float64Array.from({ length: T * B }, (_, k) => Number(Math.floor(k / B) < T - 2 * (k % B)));
  const layerOf = async (machine: SynchronousMachine, from?: ParameterStore) => {
    const parameters = await createParameters({ machine, layout: layoutParameters(layer), seed: 2 });
    if (from) parameters.loadTensors(await from.toTensors());
    else await quantize({ model: layer, parameters });
    return parameters;
  };
  const outputOf = async (parameters: ParameterStore, steps = T, masked = false, trace: readonly string[] = []) => {
    const { machine, layout } = parameters;
    const graph = new Graph({ machine, parameters: layout });
    const input = graph.input("x", [steps, B, 5]);
    const given = masked ? { mask: graph.input("mask", [steps, B]) } : {};
    const { output, traces } = layer.forward(input, { ...given, trace });
    graph.output("output", output);
    for (const [name, traced] of Object.entries(traces)) graph.output(name, traced);
    const one = await compile(graph, { machine, arenas: parameters.arenas });
    one.write(
      "x",
      Array.from({ length: steps * B * 5 }, (_, k) => x[k % x.length]!),
    );
    if (masked) one.write("mask", mask);
    one.run();
    const made = {
      kernels: new Set(graph.finish().launches.map(({ kernel }) => kernel.op)),
      values: await one.readAll(),
    };
    one.close();
    return made;
  };

  test.each<[string, boolean, Parameters<typeof outputOf> extends [unknown, ...infer Rest] ? Rest : never]>([
    ["goes on step by step with the 8 bits", true, []],
    ["reads a masked sequence", false, [T, true]],
    ["writes traces", false, [T, false, ["f", "c"]]],
    ["reads very many steps", false, [80]],
  ])("%s", async (_, steps, how) => {
    const eight = await layerOf(wasm);
    const exact = await layerOf(reference, eight);
    const [came, right] = [await outputOf(eight, ...how), await outputOf(exact, ...how)];
    expect(came.kernels.has("scan")).toBe(!steps);
    expect(came.kernels.has("quantizedMatmul")).toBe(steps);
    for (const [name, values] of Object.entries(right.values))
      expect(difference(came.values[name]!, values)).toBeLessThan(steps ? 5e-4 : 2e-6);
    for (const one of [eight, exact]) one.close();
  });

  test("is neither written, nor trained, nor rounded twice, nor compiled without them", async () => {
    const eight = await layerOf(wasm);
    expect(() => eight.write("weight_hh_l0", new Float32Array(44 * 11))).toThrow(/"weight_hh_l0": it is 8-bit/);
    eight.write("bias_hh_l0", new Float32Array(44));
    expect(() => new Graph({ machine: wasm, parameters: eight.layout, training: true })).toThrow(/have no gradient/);
    await expect(quantize({ model: layer, parameters: eight })).rejects.toThrow(/already 8-bit/);
    const graph = new Graph({ machine: wasm, parameters: eight.layout });
    graph.output("y", layer.forward(graph.input("x", [1, 1, 5])).output);
    const arenas = { parameters: eight.arena("parameters") };
    await expect(compile(graph, { machine: wasm, arenas })).rejects.toThrow(/`parameters.arenas`/);
    eight.close();
  });
});

describe("other tasks", () => {
  test("a classifier says what the numbers say, the same beside others, and is saved and loaded", async () => {
    const model = sequenceClassifier({
      ...{
        channels: 2,
        hiddenSize: 9,
        numLayers: 2,
        bidirectional: true,
        pooling: "attention",
        classes: ["a", "b", "c"],
      },
    });
    const parameters = await createParameters({ machine: wasm, layout: layoutParameters(model), seed: 8 });
    const before = new Map([...(await parameters.toTensors())]);
    const classifier = new Classifier({ model, machine: wasm, parameters });
    const series = [4, 17, 90].map((steps) => ({ channels: 2, values: Float64Array.from(numbers(2 * steps, steps)) }));
    const unrounded = await classifier.predict(series);
    await quantize({ model, parameters });
    // What was recorded for these lengths reads the numbers that the 8 bits stand for; what answers now reads the 8 bits.
    const together = await classifier.predict(series);
    for (const [k, one] of series.entries()) expect(await classifier.predict([one])).toEqual([together[k]]);
    const exact = await createParameters({ machine: reference, layout: layoutParameters(model) });
    exact.loadTensors(await parameters.toTensors());
    const right = await new Classifier({ model, machine: reference, parameters: exact }).predict(series);
    for (const [k, { probabilities }] of together.entries())
      for (const [name, p] of Object.entries(probabilities)) {
        expect(Math.abs(p - right[k]!.probabilities[name]!)).toBeLessThan(1e-4);
        // Rounding costs something, and little.
        expect(Math.abs(p - unrounded[k]!.probabilities[name]!)).toBeLessThan(0.02);
      }
    expect(await parameters.toTensors()).not.toEqual(before);
    const again = await loadClassifier(await packRun(classifier), { machine: wasm });
    expect(again.parameters.quantized).toEqual(parameters.quantized);
    expect(await again.predict(series)).toEqual(together);
    for (const one of [classifier, again, again.parameters, parameters, exact]) one.close();
  });

  test("a forecaster and a tagger keep their 8 bits, and answer with them", async () => {
    const wave = timeSeriesSet({
      series: [{ id: "", values: { y: Array.from({ length: 90 }, (_, k) => Math.sin(k / 3) + k / 50) } }],
      targets: ["y"],
    });
    const { trainer, forecaster } = await trainForecaster({
      ...{ machine: wasm, data: wave, horizon: 3, context: 6, model: { hiddenSize: 6 }, epochs: 1 },
    });
    for await (const _ of trainer) {
      // To its end.
    }
    const [before] = await forecaster.forecast(wave);
    await quantize(forecaster);
    const again = await loadForecaster(await packRun(forecaster), { machine: wasm });
    expect(again.parameters.quantized!.size).toBeGreaterThan(2);
    const [after] = await again.forecast(wave);
    expect(await forecaster.forecast(wave)).toEqual([after]);
    expect(after).not.toEqual(before);
    expect(difference(after!.targets.y!.point, before!.targets.y!.point)).toBeLessThan(0.05);
    for (const one of [again, again.parameters, forecaster, trainer]) one.close();

    const tokenizer = await trainTokenizer("ada lives in london", { kind: "word" });
    const config = { vocabularySize: tokenizer.vocabularySize, tags: ["D", "N"], embeddingSize: 5, hiddenSize: 7 };
    const model = sequenceTagger({ ...config, characters: [..."abcdefghilnosv"], head: "crf" });
    const parameters = await createParameters({ machine: wasm, layout: layoutParameters(model), seed: 4 });
    const one = new Tagger({ model, machine: wasm, parameters, tokenizer });
    const sentences = [["ada", "lives", "in", "london"], ["london"]];
    const [told] = await one.predict(sentences, { probabilities: true });
    await quantize({ model, parameters });
    const loaded = await loadTagger(await packRun(one), { machine: wasm });
    expect(loaded.parameters.quantized!.size).toBeGreaterThan(4);
    const [rounded] = await loaded.predict(sentences, { probabilities: true });
    expect((await one.predict(sentences, { probabilities: true }))[0]).toEqual(rounded);
    expect(rounded).not.toEqual(told);
    for (const [t, { N }] of rounded!.probabilities!.entries())
      expect(Math.abs(N! - told!.probabilities![t]!.N!)).toBeLessThan(0.02);
    for (const each of [loaded, loaded.parameters, one, parameters]) each.close();
  });
});

test("a run keeps its 8 bits in its file, and has them again when it is loaded", async () => {
  const folder = mkdtempSync(join(tmpdir(), "longshort-quantized-"));
  try {
    const tokenizer = await trainTokenizer("a longshort text, of few words", { kind: "grapheme" });
    const model = languageModel({ vocabularySize: tokenizer.vocabularySize, hiddenSize: 17, cell: "gru" });
    const parameters = await parametersOf(model, wasm);
    await quantize({ model, parameters });
    await saveRun(folder, { model, tokenizer, parameters });
    const { tensors } = readSafetensors(readFileSync(join(folder, "model.safetensors")));
    expect(tensors.get("rnn.weight_hh_l0")!.dtype).toBe("I8");
    expect(tensors.get("rnn.weight_hh_l0.scale")!.shape).toEqual([3 * 17]);
    expect(tensors.get("embedding.weight")!.dtype).toBe("F32");
    const loaded = await loadRun(folder, { machine: wasm });
    expect(loaded.parameters.quantized).toEqual(parameters.quantized);
    expect(await loaded.parameters.toTensors()).toEqual(await parameters.toTensors());
    loaded.parameters.close();
    parameters.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what is of 8 bits is not trained, nor further: an update would be in its numbers and not in what is saved", async () => {
  const tokenizer = await trainTokenizer("ab abc ab", { kind: "grapheme" });
  const model = languageModel({ vocabularySize: tokenizer.vocabularySize, hiddenSize: 5 });
  const train = tokenizer.encode("ab abc ab abc abc ab".repeat(9));
  const options = { model, machine: wasm, train, batchSize: 2, sequenceLength: 5 };
  const { trainer, parameters } = await trainText({ ...options, logEvery: 1 });
  for await (const { type } of trainer) if (type === "progress") break;
  await quantize({ model, parameters });
  const held = await parameters.toTensors();
  await expect(trainer.run()).rejects.toThrow(/^8-bit weights have no gradient: train first, then quantize$/);
  await expect(trainText({ ...options, parameters })).rejects.toThrow(/^8-bit weights have no gradient/);
  expect(await parameters.toTensors()).toEqual(held);
  trainer.close();
});

test("weights of another model are refused", async () => {
  const parameters = await parametersOf(models.gru!, wasm);
  const one = quantizeMatrix({ shape: [1, 1], data: [1] });
  expect(() => parameters.quantize(new Map([["nothing", one]]))).toThrow(/"nothing"/);
  expect(() => parameters.quantize(new Map([["head.weight", one]]))).toThrow(/\[1, 1\]/);
  expect(parameters.quantized).toBe(undefined);
  parameters.close();
});
