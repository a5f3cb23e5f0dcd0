import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { lstm } from "../../src/cells/lstm.ts";
import { packRun } from "../../src/checkpoint/packed-run.ts";
import { safeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { openMachine } from "../../src/compute/open.ts";
import { effectOn } from "../../src/explain/effect.ts";
import { nearestPlaces } from "../../src/explain/nearest-places.ts";
import { convertModel } from "../../src/formats/convert.ts";
import { writeOnnx } from "../../src/formats/onnx/write.ts";
import { open } from "../../src/formats/open.ts";
import { exportModel } from "../../src/formats/save.ts";
import { recurrent } from "../../src/layers/recurrent.ts";
import { languageModel } from "../../src/models/language-model.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { size } from "../../src/shared/shapes.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";
import { openModel } from "../../src/worker/opened-model.ts";
import { MAX_MODEL_BYTES, MAX_TOKENS } from "../../src/worker/protocol.ts";
import { outputOf } from "../../src/worker/sequence-values.ts";
import { chainOf, fileOf, recurrentSpec } from "../formats/networks.ts";
import { crossEntropyOf } from "../support/cross-entropy.ts";
import { bareWorker, workerHere } from "./worker-here.ts";

const golden = (name: string): Uint8Array =>
  Uint8Array.from(readFileSync(new URL(`../golden/${name}`, import.meta.url)));
const numbers = (count: number) => Float32Array.from(new RandomStream(4, "x").normal(count));
const file = (bytes: Uint8Array, name: string): File => new File([bytes as Uint8Array<ArrayBuffer>], name);

/** What PyTorch saves of an embedding, an LSTM and a linear layer. */
function languageModelFile(V: number): Uint8Array {
  const [E, H] = [3, 5];
  const shapes = {
    ...{ "embedding.weight": [V, E], "lstm.weight_ih_l0": [4 * H, E], "lstm.weight_hh_l0": [4 * H, H] },
    ...{ "lstm.bias_ih_l0": [4 * H], "lstm.bias_hh_l0": [4 * H], "head.weight": [V, H], "head.bias": [V] },
  };
  return writeSafetensors(
    new Map(
      Object.entries(shapes).map(([name, s]) => {
        const data = new RandomStream(1, name).normal(size(s));
        return [name, safeTensor("F32", s, data)] as const;
      }),
    ),
  );
}

/** A layer of ours as a graph, whose input is [T, B, D]. */
async function timeFirst(): Promise<Uint8Array> {
  const machine = await openMachine("reference");
  const layer = recurrent({ cell: lstm(), inputSize: 3, hiddenSize: 4 });
  const parameters = await createParameters({ machine, layout: layoutParameters(layer), seed: 3 });
  const bytes = writeOnnx(layer, await parameters.toTensors());
  machine.close();
  return bytes;
}

describe("a call that the page does not wait for any more", async () => {
  const abc = await trainTokenizer("abcdef", { kind: "grapheme" });
  const given = { file: languageModelFile(6), name: "a", tokenizer: JSON.stringify(abc.toJSON()) };

  test.each(["at once", "when it is answered"])("to open: its model is closed, %s", async (when) => {
    const { hear, answerTo } = bareWorker();
    hear({ call: "open", number: 3, given });
    if (when === "at once") hear({ abort: 3 });
    await expect.poll(() => answerTo(3), { timeout: 20_000 }).toBeDefined();
    if (when !== "at once") {
      expect(answerTo(3)).toMatchObject({ back: { id: 3 } });
      hear({ call: "read", number: 4, given: { id: 3, text: "ab" } });
      await expect.poll(() => answerTo(4), { timeout: 20_000 }).toMatchObject({ back: { tokens: ["a", "b"] } });
      hear({ abort: 3 });
    }
    hear({ call: "read", number: 5, given: { id: 3, text: "ab" } });
    await expect.poll(() => answerTo(5)).toMatchObject({ error: { code: "closed" } });
  });

  test("to search or to measure: nothing more is computed", async () => {
    const { hear, answerTo } = bareWorker();
    hear({ call: "open", number: 1, given });
    await expect.poll(() => answerTo(1), { timeout: 20_000 }).toMatchObject({ back: { id: 1 } });
    const corpus = { text: "abcdef".repeat(500) };
    hear({ call: "nearest", number: 2, given: { id: 1, text: "abc", step: 1, layer: 0, count: 1, corpus } });
    hear({ abort: 2 });
    const how = { cells: ["gru", "lstm"], hiddenSize: 3, steps: 5, scale: 1, forgetBias: 0, seed: 1 };
    hear({ call: "flow", number: 3, given: how });
    hear({ abort: 3 });
    for (const number of [2, 3])
      await expect
        .poll(() => answerTo(number), { timeout: 20_000 })
        .toMatchObject({ error: { message: expect.stringContaining("aborted") } });
  });
});

describe("the worker opens", () => {
  const client = workerHere();
  afterAll(() => client.close());

  test.each([
    ["torch-pt/gru.pt", "pytorch", "gru", true],
    ["torch-onnx/gru_l2_bi_op14/model.onnx", "onnx", "gru", true],
    ["one of ours as ONNX, time first", "onnx", "lstm", false],
  ] as const)(
    "%s: its values are those of a trace, whatever order of axes it wants",
    async (name, format, cell, first) => {
      const bytes = first ? golden(name) : await timeFirst();
      const facts = await client.call("open", { file: file(bytes, name), name });
      expect(facts).toMatchObject({ format, cell, reads: "numbers" });
      const data = numbers(7 * facts.channels);
      const reading = await client.call("readSeries", { id: facts.id, data });
      expect(reading.tokens).toHaveLength(7);
      const machine = await openMachine("wasm");
      const model = await open(bytes, { machine });
      const { name: input, shape } = model.inputs.find((port) => !port.optional && port.shape!.length === 3)!;
      const inputs = Object.fromEntries(
        model.inputs.flatMap((port) =>
          port.optional || port.name === input ? [] : [[port.name, { shape: [1, 1, 4], data: new Float32Array(4) }]],
        ),
      );
      const given = { shape: first ? [1, 7, shape![2] as number] : [7, 1, shape![2] as number], data };
      const { values } = await model.trace({ ...inputs, [input]: given });
      expect(reading.values).toHaveLength(Object.keys(values).length);
      for (const value of reading.values) {
        const [layer, reverse] = facts.layers[value.layer]!.split(" ");
        const key = `${layer}.${value.name}${reverse ? "_reverse" : ""}`;
        expect(Array.from(value.data), key).toEqual(Array.from(values[key]!.data));
      }
      model.close();
      machine.close();
      await client.call("close", { id: facts.id });
      await expect(client.call("readSeries", { id: facts.id, data })).rejects.toMatchObject({ code: "closed" });
    },
  );

  test("a Keras file; a state dictionary of tokens, which reads text once its tokenizer is given", async () => {
    const machine = await openMachine("reference");
    const plain = languageModelFile(6);
    const source = await open(plain, { machine });
    const keras = (await exportModel(source, { to: "keras" })).bytes;
    source.close();
    machine.close();
    const tokens = [1, 5, 0, 3];
    const readings = [];
    for (const [bytes, name] of [[plain, "a.safetensors"] as const, [keras, "a.keras"] as const]) {
      const facts = await client.call("open", { file: file(bytes, name), name });
      expect(facts).toMatchObject({ reads: "tokens", vocabularySize: 6, hiddenSize: 5, cell: "lstm" });
      readings.push(await client.call("readSeries", { id: facts.id, data: tokens }));
      await expect(client.call("read", { id: facts.id, text: "a" })).rejects.toMatchObject({ code: "reads-numbers" });
      await expect(client.call("readSeries", { id: facts.id, data: [6] })).rejects.toMatchObject({
        code: "out-of-range",
      });
    }
    expect(readings[1]!.values.map(({ data }) => data)).toEqual(readings[0]!.values.map(({ data }) => data));
    expect(readings[0]!.predictions[0]!.tokens).toContain("5");
    expect(readings[0]!.loss).toBeGreaterThan(0);
    const tokenizer = await trainTokenizer("abcdef", { kind: "grapheme" });
    expect(tokenizer.vocabularySize).toBe(6);
    const given = { file: file(plain, "a"), name: "a", tokenizer: JSON.stringify(tokenizer.toJSON()) };
    const facts = await client.call("open", given);
    expect(facts.reads).toBe("text");
    const reading = await client.call("read", { id: facts.id, text: "bad🙂" });
    expect(reading.tokens).toEqual(["b", "a", "d"]);
    expect(reading.leftOut).toEqual(["🙂"]);
    expect(reading.predictions).toHaveLength(3);
    // What comes after the first token is said, too.
    const one = await client.call("read", { id: facts.id, text: "b" });
    expect(one).toMatchObject({ tokens: ["b"], outputs: [], loss: undefined });
    expect(one.predictions).toHaveLength(1);
    expect(one.predictions[0]!.probabilities[0]).toBeCloseTo(reading.predictions[0]!.probabilities[0]!, 5);
    // What a page has no room for is cut off, and said so.
    for (const [count, cut] of [
      [MAX_TOKENS, false],
      [MAX_TOKENS + 1, true],
    ] as const) {
      const data = new Float32Array(count).fill(2);
      for (const read of [
        await client.call("readSeries", { id: facts.id, data, names: ["h"] }),
        await client.call("read", { id: facts.id, text: "c".repeat(count), names: ["h"] }),
      ]) {
        expect([read.cut, read.tokens.length, read.leftOut]).toEqual([cut, MAX_TOKENS, []]);
        expect(read.values.map(({ name, data }) => [name, data.length])).toEqual([["h", 5 * MAX_TOKENS]]);
      }
    }
    const other = await trainTokenizer("abcdefgh", { kind: "grapheme" });
    await expect(client.call("open", { ...given, tokenizer: JSON.stringify(other.toJSON()) })).rejects.toMatchObject({
      code: "bad-model",
    });
    await expect(client.call("open", { ...given, tokenizer: "{" })).rejects.toMatchObject({ code: "bad-tokenizer" });
  });

  test("units are cut and gates held in models of other programs: what is said is what the library says", async () => {
    const machine = await openMachine("wasm");
    for (const [name, layer, unit] of [
      ["torch-pt/gru.pt", 0, 1],
      ["torch-onnx/gru_l2_bi_op14/model.onnx", 3, 2],
    ] as const) {
      const bytes = golden(name);
      const facts = await client.call("open", { file: file(bytes, name), name });
      const data = numbers(9 * facts.channels);
      const given = { id: facts.id, data, units: [{ layer, unit }], gates: [{ layer: 0, gate: "z", value: 0.5 }] };
      const cut = await client.call("cut", given);
      const model = await open(bytes, { machine });
      const [port] = model.inputs.filter((one) => !one.optional);
      const inputs = { [port!.name]: { shape: [1, 9, facts.channels], data } };
      const key = (of: number, value: string): string => {
        const [own, reverse] = facts.layers[of]!.split(" ");
        return `${own}.${value}${reverse ? "_reverse" : ""}`;
      };
      const hold = [
        { name: key(layer, "h"), unit },
        { name: key(0, "z"), value: 0.5 },
      ];
      const before = await model.trace(inputs, { hold: [] });
      const after = await model.trace(inputs, { hold });
      expect(cut).toMatchObject({ loss: undefined, whole: undefined, predictions: [] });
      // One of them ends in a softmax.
      expect(cut.effects[0]!.divergence === undefined).toBe(facts.format === "pytorch");
      const [first] = cut.effects;
      const effect = effectOn(before.outputs[first!.name]!, after.outputs[first!.name]!);
      expect(effect.largest).toBeGreaterThan(0.01);
      expect(first).toMatchObject({ largest: effect.largest, divergence: effect.divergence });
      expect(Array.from(cut.outputs[0]!.data)).toEqual(Array.from(after.outputs[first!.name]!.data));
      // Where it was most like it is at the last step, in what it reads and in another series.
      const nearest = await client.call("nearest", { id: facts.id, data, layer, step: 8, count: 1 });
      expect(nearest).toMatchObject({ steps: 9, places: [{ step: 0 }] });
      const again = await client.call("nearest", { ...given, layer, step: 8, count: 2, corpus: { data } });
      expect(again.places[0]!.step).toBe(8);
      expect(again.places[0]!.similarity).toBeCloseTo(1, 5);
      await expect(client.call("cut", { ...given, units: [{ layer, unit: 999 }] })).rejects.toMatchObject({
        code: "out-of-range",
      });
      for (const step of [-1, 9])
        await expect(client.call("nearest", { ...given, layer, step, count: 1 })).rejects.toMatchObject({
          ...{ code: "out-of-range", message: expect.stringMatching(/^step: /) },
        });
      await expect(client.call("cut", { ...given, units: [{ layer: 9, unit }] })).rejects.toMatchObject({
        code: "out-of-range",
      });
      model.close();
    }
    machine.close();
  });

  test("a model of tokens with its tokenizer: the loss without a unit, and a long corpus searched piece by piece", async () => {
    const tokenizer = await trainTokenizer("abcdef", { kind: "grapheme" });
    const bytes = languageModelFile(6);
    const given = { file: file(bytes, "a"), name: "a", tokenizer: JSON.stringify(tokenizer.toJSON()) };
    const { id } = await client.call("open", given);
    const text = "bad face deed".replaceAll(" ", "");
    const cut = await client.call("cut", { id, text, units: [{ layer: 0, unit: 3 }] });
    const tokens = tokenizer.encode(text);
    const machine = await openMachine("wasm");
    const model = await open(bytes, { machine });
    const [port] = model.inputs.filter((one) => !one.optional);
    const read = (data: ArrayLike<number>, hold: { name: string; unit: number }[] = []) =>
      model.trace({ [port!.name]: { shape: [1, data.length], data } }, { hold });
    const said = async (hold: { name: string; unit: number }[]) => {
      const { data } = Object.values((await read(tokens, hold)).outputs)[0]!;
      return crossEntropyOf(Array.from(data).slice(0, 6 * (tokens.length - 1)), tokens.slice(1));
    };
    expect(cut.whole).toBeCloseTo(await said([]), 5);
    expect(cut.loss).toBeCloseTo(await said([{ name: "lstm.h", unit: 3 }]), 5);
    expect(cut.effects[0]!.divergence).toBeGreaterThan(0);
    const draw = new RandomStream(6, "corpus").uniform(2500);
    const corpus = Array.from(draw, (v) => "abcdef"[Math.floor(v * 6)]).join("");
    const near = await client.call("nearest", { id, text, step: 4, layer: 0, count: 3, corpus: { text: corpus } });
    const to = Array.from((await read(tokens)).values["lstm.h"]!.data).slice(4 * 5, 5 * 5);
    const { values } = await read(tokenizer.encode(corpus));
    const places = await nearestPlaces([values["lstm.h"]!], { to, count: 3, apart: 8 });
    expect(near.steps).toBe(2500);
    expect(near.places.map(({ step }) => step)).toEqual(places.map(({ step }) => step));
    const [{ step, before, here, after }] = near.places as [(typeof near.places)[number]];
    expect(before + here + after).toBe(corpus.slice(step - 32, step + 33));
    await expect(client.call("cut", { id, data: [], units: [] })).rejects.toMatchObject({ code: "no-tokens" });
    model.close();
    machine.close();
  });

  test("what is said at the end is not taken for what is said at every step, however many steps there are", async () => {
    const [classes, cell] = [5, { name: "lstm" as const }];
    const last = recurrentSpec({ cell, inputSize: 2, hiddenSize: 3, returnSequences: false });
    const head = { kind: "dense" as const, inputSize: 3, bias: true, activation: { name: "identity" as const } };
    const each = { kind: "time-distributed" as const, layer: { ...head, outputSize: 1 } };
    for (const [layers, everyStep, width] of [
      [[last, { ...head, outputSize: classes }], false, classes],
      [[{ ...last, returnSequences: true }, each], true, 1],
    ] as const) {
      const { bytes } = convertModel(fileOf(chainOf(layers, { width: 2 })), { to: "keras" });
      const { id } = await client.call("open", { file: file(bytes, "a.keras"), name: "a.keras" });
      for (const steps of [1, 2, 3, classes, 9]) {
        const { outputs } = await client.call("readSeries", { id, data: numbers(2 * steps) });
        expect(outputs, `${steps} steps`).toMatchObject([{ everyStep, width }]);
        expect(outputs[0]!.data).toHaveLength(everyStep ? steps : classes);
      }
    }
    // As graphs give the last state of a layer: of as many axes as what is said at every step.
    const state = { shape: [1, 1, classes], data: numbers(classes), type: "float32" } as const;
    for (const steps of [1, 2, classes])
      expect(outputOf("h", state, { steps, probed: { steps: 3, shape: state.shape } })).toMatchObject({
        ...{ everyStep: false, width: classes },
      });
  });

  test("a model of words reads a word that it does not know as it was trained to", async () => {
    const machine = await openMachine("reference");
    const tokenizer = await trainTokenizer("the cat sat on the mat", { kind: "word", unknown: true });
    const model = languageModel({ vocabularySize: tokenizer.vocabularySize, hiddenSize: 4, embeddingSize: 3 });
    const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 1 });
    const { id, reads, layers } = await client.call("open", {
      ...{ file: await packRun({ model, tokenizer, parameters }), name: "words" },
    });
    expect([reads, layers]).toEqual(["text", ["l0"]]);
    const reading = await client.call("read", { id, text: "the dog sat" });
    expect(reading).toMatchObject({ tokens: ["the", "<unk>", "sat"], leftOut: [], cut: false });
    expect(reading.predictions).toHaveLength(3);
    // Of one token there is nothing to predict.
    const one = await client.call("cut", { id, text: "cat", units: [{ layer: 0, unit: 1 }] });
    expect(one).toMatchObject({ loss: undefined, whole: undefined, predictions: [] });
    const cut = await client.call("cut", { id, text: "the cat sat", units: [{ layer: 0, unit: 1 }] });
    expect(cut.loss).not.toBe(cut.whole);
    for (const [what, at] of [
      ["layer", { step: 1, layer: 3 }],
      ["step", { step: 2, layer: 0 }],
    ] as const)
      await expect(client.call("nearest", { id, text: "the cat", ...at, count: 1 })).rejects.toMatchObject({
        ...{ code: "out-of-range", message: expect.stringMatching(`^${what}: `) },
      });
    machine.close();
  });

  test("a file however it is given, and leaves nothing on the machine once it is closed or refused", async () => {
    const machine = await openMachine("wasm", { threads: 1 });
    const tokenizer = await trainTokenizer("abcdef", { kind: "grapheme" });
    const model = languageModel({ vocabularySize: 6, hiddenSize: 4, embeddingSize: 3, numLayers: 2 });
    const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 1 });
    const run = await packRun({ model, tokenizer, parameters });
    parameters.close();
    for (const [bytes, facts] of [
      [run, { format: "longshort", reads: "text", layers: ["l0", "l1"], channels: 1, conventions: [], hiddenSize: 4 }],
      [languageModelFile(6), { reads: "tokens", layers: ["lstm"], channels: 1, parameters: 254, vocabularySize: 6 }],
      [
        golden("torch-pt/gru.pt"),
        {
          reads: "numbers",
          vocabularySize: undefined,
          conventions: expect.arrayContaining([expect.stringMatching(/batch first/)]),
        },
      ],
    ] as const) {
      const own = bytes as Uint8Array<ArrayBuffer>;
      const opened = [];
      for (const given of [own, new Blob([own]), new File([own], "x")]) {
        const one = await openModel({ file: given, name: "x" }, machine);
        opened.push(one.facts);
        one.close();
        expect(machine.memory.usedBytes).toBe(0);
      }
      expect(opened[0]).toMatchObject(facts);
      expect(opened.slice(1)).toEqual([opened[0], opened[0]]);
    }
    const other = JSON.stringify((await trainTokenizer("abcdefgh", { kind: "grapheme" })).toJSON());
    for (const [bytes, more] of [
      [languageModelFile(6), { tokenizer: other }],
      [golden("torch-onnx/tagger_lstm_gru_seqfirst_op11/model.onnx"), {}],
    ] as const) {
      await expect(openModel({ file: bytes, name: "x", ...more }, machine)).rejects.toThrow();
      expect(machine.memory.usedBytes).toBe(0);
    }
    machine.close();
  });

  test("nothing that is no model, no sequence model, or too large", async () => {
    const refused = (bytes: Uint8Array, code: string) =>
      expect(client.call("open", { file: file(bytes, "x"), name: "x" }), code).rejects.toMatchObject({ code });
    await refused(new TextEncoder().encode("not a model at all"), "unknown-format");
    await refused(new Uint8Array(), "unknown-format");
    const one = new Map([["w", safeTensor("F32", [2, 2], [1, 2, 3, 4])]]);
    await refused(writeSafetensors(one), "unknown-network");
    await refused(golden("torch-onnx/tagger_lstm_gru_seqfirst_op11/model.onnx").slice(0, 900), "damaged-onnx");
    await refused(golden("torch-onnx/tagger_lstm_gru_seqfirst_op11/model.onnx"), "not-a-sequence-model");
    // Its file wants two sequences at a time.
    await refused(golden("torch-onnx/lstm_nobias_op14/model.onnx"), "not-a-sequence-model");
    // Nobody reads it: its size is enough.
    const large = Object.assign(new Uint8Array(), { name: "x" });
    Object.defineProperty(large, "length", { value: MAX_MODEL_BYTES + 1 });
    const machine = await openMachine("reference");
    await expect(openModel({ file: large, name: "x" }, machine)).rejects.toMatchObject({ code: "too-large" });
    machine.close();
  });
});
