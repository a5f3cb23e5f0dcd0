import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cellByName } from "../../src/cells/registry.ts";
import { saveRun } from "../../src/checkpoint/run-folder.ts";
import { readSafetensors } from "../../src/checkpoint/safetensors.ts";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { type LanguageModel, languageModel } from "../../src/models/language-model.ts";
import { loadRun } from "../../src/run/load-run.ts";
import { quantize } from "../../src/run/quantize.ts";
import { openSession } from "../../src/run/session.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters, type ParameterStore } from "../../src/tensor/parameter-store.ts";
import { dequantize, quantizeMatrix } from "../../src/tensor/quantized.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";
import { evaluateText } from "../../src/train/evaluate-text.ts";
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
    const quantized = await quantize({ model, parameters });
    expect([...quantized.keys()]).toEqual(
      parameters.names.filter(
        (n) =>
          (parameters.shape(n).length === 2 && !n.startsWith("embedding")) ||
          (name.includes("tied") && n.startsWith("embedding")),
      ),
    );
    exact.fromTensors(await parameters.toTensors());
    const session = await openSession({ model, parameters, machine: wasm, quantized, batch: 3 });
    const right = await openSession({ model, parameters: exact, machine: reference, batch: 3 });
    const [logits, expected] = [new Float32Array(3 * V), new Float64Array(3 * V)];
    for (let t = 0; t < 12; t++) {
      const tokens = [t % V, (5 * t + 1) % V, (7 * t + 2) % V];
      session.step(tokens, logits);
      right.step(tokens, expected);
      // 14 bits of the activations: 1.2e-4 of the largest of a row, over twelve steps.
      expect(difference(logits, expected)).toBeLessThan(5e-4);
    }
    const float = await openSession({ model, parameters, machine: wasm, batch: 3 });
    float.setState(await session.state());
    const other = new Float32Array(3 * V);
    session.step([1, 2, 3], logits);
    float.step([1, 2, 3], other);
    expect(difference(other, logits)).toBeLessThan(5e-4);
    for (const one of [session, right, float, parameters, exact]) one.close();
  });
});

test("the loss of a text with weights of 8 bits is near that of the numbers; on the reference machine it is the same", async () => {
  const model = models.lstm!;
  const tokens = Int32Array.from({ length: 200 }, (_, i) => (i * i + 3) % V);
  for (const machine of [wasm, reference]) {
    const parameters = await parametersOf(model, machine);
    const quantized = await quantize({ model, parameters });
    const text = { model, parameters, machine, tokens, batchSize: 4, steps: 16 };
    const [came, right] = [await evaluateText({ ...text, quantized }), await evaluateText(text)];
    expect(Math.abs(came.nats - right.nats)).toBeLessThan(machine === wasm ? 1e-4 : 1e-8);
    parameters.close();
  }
});

test("a run keeps its 8 bits in its file, and has them again when it is loaded", async () => {
  const folder = mkdtempSync(join(tmpdir(), "longshort-quantized-"));
  try {
    const tokenizer = await trainTokenizer({ kind: "grapheme" }, "a longshort text, of few words");
    const model = languageModel({ vocabularySize: tokenizer.vocabularySize, hiddenSize: 17, cell: "gru" });
    const parameters = await parametersOf(model, wasm);
    const quantized = await quantize({ model, parameters });
    await saveRun(folder, { config: { model: model.config }, tokenizer, parameters, quantized });
    const { tensors } = readSafetensors(readFileSync(join(folder, "model.safetensors")));
    expect(tensors.get("rnn.weight_hh_l0")!.dtype).toBe("I8");
    expect(tensors.get("rnn.weight_hh_l0.scale")!.shape).toEqual([3 * 17]);
    expect(tensors.get("embedding.weight")!.dtype).toBe("F32");
    const loaded = await loadRun(folder, wasm);
    expect(loaded.quantized).toEqual(quantized);
    expect(await loaded.parameters.toTensors()).toEqual(await parameters.toTensors());
    loaded.parameters.close();
    parameters.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("weights of another model are refused", async () => {
  const model = models.gru!;
  const parameters = await parametersOf(model, wasm);
  const quantized = new Map([["nothing", quantizeMatrix({ shape: [1, 1], data: [1] })]]);
  await expect(openSession({ model, parameters, machine: wasm, quantized })).rejects.toThrow(/"nothing"/);
  const wrong = new Map([["head.weight", quantizeMatrix({ shape: [1, 1], data: [1] })]]);
  await expect(openSession({ model, parameters, machine: wasm, quantized: wrong })).rejects.toThrow(/\[1, 1\]/);
  parameters.close();
});
