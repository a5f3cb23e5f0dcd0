import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseCell } from "../../src/cells/parse-cell.ts";
import { cellNames } from "../../src/cells/registry.ts";
import { saveRun } from "../../src/checkpoint/run-folder.ts";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { convertModel } from "../../src/formats/convert.ts";
import { open } from "../../src/formats/open.ts";
import { readModel } from "../../src/formats/read-model.ts";
import { type Runnable, withoutStates } from "../../src/formats/runnable.ts";
import { type SequenceTaggerOptions, sequenceTagger } from "../../src/models/sequence-tagger.ts";
import { Tagger } from "../../src/run/tagger.ts";
import { mapValues } from "../../src/shared/records.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import type { Tokenizer } from "../../src/text/tokenizer.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";
import { difference } from "../support/difference.ts";
import { onnxRuntime, withoutOnnxRuntime } from "../support/onnxruntime.ts";

let machine: SynchronousMachine;
let wasm: SynchronousMachine;
let tokenizer: Tokenizer;
const folder = mkdtempSync(join(tmpdir(), "longshort-tagger-"));
beforeAll(async () => {
  machine = await openMachine("reference");
  wasm = await openMachine("wasm");
  tokenizer = await trainTokenizer("a cat sat on the mat", { kind: "word" });
});
afterAll(() => {
  machine.close();
  wasm.close();
  rmSync(folder, { recursive: true, force: true });
});

const sentences = [
  ["the", "cat", "sat", "on", "a", "mat"],
  ["mat", "a"],
  ["on", "the", "unheard-of", "cat"],
];
const [words] = sentences as [string[]];
const tags = ["O", "B-PET", "I-PET"];
const sizes = { embeddingSize: 4, hiddenSize: 5, tags, characters: undefined };
/** Words are longer and shorter than what is read of them, and have characters that are not known. */
const spelled = { ...sizes, characters: ["a", "t", "c", "h", "e", "u"], characterHiddenSize: 3, wordLength: 4 };
type Options = Omit<SequenceTaggerOptions, "vocabularySize">;
const softmax: Readonly<Record<string, Options>> = {
  "one direction": { ...sizes, head: "softmax", bidirectional: false },
  "two layers in two directions": { ...sizes, head: "softmax", numLayers: 2, cell: "gru" },
  "with intents": { ...sizes, head: "softmax", bidirectional: false, intents: ["ask", "tell"] },
  "by characters": { ...spelled, head: "softmax", dropout: 0.5 },
  "by characters, in one direction, with intents": {
    ...{ ...spelled, head: "softmax", bidirectional: false, intents: ["ask", "tell"], cell: "gru", numLayers: 2 },
  },
  "by characters, a cell that no operator computes": { ...spelled, head: "softmax", cell: "layer-norm-lstm" },
  "by characters, a projection": {
    ...{ ...spelled, head: "softmax", cell: { name: "lstm", options: { projection: true } }, projectionSize: 2 },
  },
};

/** Every cell that there is, and one of one's own. */
const ofCells: Readonly<Record<string, Options>> = Object.fromEntries(
  [...cellNames, parseCell("state m, c\nc = W_c x + U_c m[t-1]\nm = erf(c) * 0.5 + c[t-1] * tanh(c)")].map((cell) => [
    `a cell, ${typeof cell === "string" ? cell : "equations"}`,
    { ...sizes, head: "softmax", bidirectional: false, numLayers: 2, cell },
  ]),
);

/** A tagger with weights of its own as the folder of a run, and as itself. */
async function saved(name: string, options: Options) {
  const model = sequenceTagger({ ...options, vocabularySize: tokenizer.vocabularySize });
  const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 3 });
  const path = join(folder, name);
  await saveRun(path, { model, tokenizer, parameters });
  return { path, tagger: new Tagger({ model, machine, parameters, tokenizer }) };
}

type Inputs = Readonly<Record<string, { readonly shape: readonly number[]; readonly data: ArrayLike<number> }>>;

/** Sentences as one batch, padded by words that there are; as the conventions of a network have it. */
function batchOf({ characters, wordLength = 0 }: Options, of: readonly (readonly string[])[]): Inputs {
  const steps = Math.max(...of.map(({ length }) => length));
  const each = <T>(number: (word: string | undefined) => T): T[] =>
    of.flatMap((sentence) => Array.from({ length: steps }, (_, t) => number(sentence[t])));
  const read = (word: string): string[] => {
    const all = Array.from(word);
    return all.length <= wordLength ? all : [...all.slice(0, wordLength / 2), ...all.slice(-wordLength / 2)];
  };
  const places = (word: string | undefined): number[] =>
    Array.from({ length: wordLength }, (_, k) =>
      word === undefined ? 1 : 1 + characters!.indexOf(read(word)[k] ?? ""),
    );
  return {
    tokens: {
      shape: [of.length, steps],
      data: each((word) => {
        const ids = word === undefined ? [1] : tokenizer.encode(word);
        return ids.length === 1 ? ids[0]! : 0;
      }),
    },
    ...(characters && {
      characters: { shape: [of.length, steps, wordLength], data: each(places).flat() },
      characterLengths: {
        shape: [of.length, steps],
        data: each((word) => (word === undefined ? 0 : read(word).length)),
      },
    }),
    lengths: { shape: [of.length], data: of.map(({ length }) => length) },
  };
}
const alone = (options: Options, k = 0): Inputs => {
  const { lengths: _, ...inputs } = batchOf(options, [sentences[k]!]);
  return inputs;
};

async function expected({ tagger }: { tagger: Tagger }, of = sentences) {
  const said = await tagger.predict(of, { probabilities: true });
  return said.map(({ probabilities, intentProbabilities }) => ({
    probabilities: probabilities!.flatMap((step) => tags.map((tag) => step[tag]!)),
    ...(intentProbabilities && { intentProbabilities: Object.values(intentProbabilities) }),
  }));
}

/** Of a batch each row as far as its sentence goes. */
function expectSaid(
  got: Readonly<Record<string, { readonly data: unknown }>>,
  said: readonly Readonly<Record<string, readonly number[]>>[],
): void {
  for (const name of Object.keys(said[0]!)) {
    const all = Array.from(got[name]!.data as Float32Array);
    const width = all.length / said.length;
    for (const [k, row] of said.entries()) {
      const values = row[name]!;
      expect(difference(all.slice(k * width, k * width + values.length), values), name).toBeLessThanOrEqual(1e-5);
    }
  }
}

/** What other formats are asked for: layers have no lengths there. */
const others = ["onnx", "keras", "tfjs"] as const;

/** Those that layers of other formats have. */
const layered = ["rnn", "lstm", "gru"].map((name) => `a cell, ${name}`);
describe.each(Object.entries({ ...softmax, ...ofCells }))("a trained tagger: %s", (name, options) => {
  test("its run opens as a network that says the same, of each sentence alone and of a padded batch", async () => {
    const run = await saved(name, options);
    const said = await expected(run);
    using model = await open(run.path, { machine });
    for (const k of sentences.keys()) expectSaid(await model.run(alone(options, k)), [said[k]!]);
    expectSaid(await model.run(batchOf(options, sentences)), said);
    using fast = await open(run.path, { machine: wasm });
    expectSaid(await fast.run(batchOf(options, sentences)), said);
  });

  test("what is read back of other formats says the same, or is refused where they have no lengths", async () => {
    const run = await saved(name, options);
    const said = await expected(run);
    const file = await readModel(run.path);
    using model = await open(run.path, { machine });
    const own = withoutStates(model).outputs.map((port) => port.name);
    for (const to of others) {
      if (to === "tfjs" && options.cell === "gru") continue;
      if (to !== "onnx" && name in ofCells && !layered.includes(name)) {
        expect(() => convertModel(file, { to }), to).toThrow(/has no cell.*ONNX has any cell/);
        continue;
      }
      if (to !== "onnx" && options.characters) {
        expect(() => convertModel(file, { to })).toThrow(/characters\.spelled.*how many steps.*write it as ONNX/);
        continue;
      }
      const { bytes, files } = convertModel(file, { to, lengths: false });
      using again = await open(bytes, { machine, files: Object.fromEntries(files) });
      const inputs = Object.values(alone(options)).map((array, k) => [again.inputs[k]!.name, array] as const);
      const results = await again.run({ ...Object.fromEntries(inputs), ...zerosOf(again, 1) });
      const there = withoutStates(again).outputs.map((port) => port.name);
      expectSaid(Object.fromEntries(own.map((output, k) => [output, results[there[k]!]!])), [said[0]!]);
    }
    using again = await open(convertModel(file, { to: "onnx" }).bytes, { machine });
    expectSaid(await again.run({ ...batchOf(options, sentences), ...zerosOf(again, 3) }), said);
  });

  test.runIf(onnxRuntime)(`ONNX Runtime says the same, of padded batches too${withoutOnnxRuntime}`, async () => {
    const run = await saved(name, options);
    const said = await expected(run);
    for (const [lengths, inputs, rows] of [
      [true, batchOf(options, sentences), said],
      [false, alone(options), said.slice(0, 1)],
    ] as const) {
      const { bytes } = convertModel(await readModel(run.path), { to: "onnx", lengths });
      using model = await open(bytes, { machine });
      const session = await onnxRuntime!.InferenceSession.create(bytes, { logSeverityLevel: 3 });
      const { Tensor } = onnxRuntime!;
      const states = mapValues(
        zerosOf(model, rows.length),
        ({ shape, data }) => new Tensor("float32", Float32Array.from(data), shape),
      );
      const tensors = mapValues(
        inputs as Inputs,
        ({ shape, data }) => new Tensor("int64", BigInt64Array.from(Array.from(data), BigInt), shape),
      );
      expectSaid(await session.run({ ...tensors, ...states }), rows);
      await session.release();
    }
  });
});

/** Zeros for the states of a model. */
const zerosOf = ({ inputs, states }: Pick<Runnable, "inputs" | "states">, batch: number): Inputs =>
  Object.fromEntries(
    states.map(({ input }) => {
      const width = inputs.find(({ name }) => name === input)!.shape![1] as number;
      return [input, { shape: [batch, width], data: new Float32Array(batch * width) }];
    }),
  );

test.runIf(onnxRuntime).each(["lstm", "layer-norm-lstm"])(
  `in ONNX Runtime states of a padded batch go on from where each sequence ended, be it before it began (%s)${withoutOnnxRuntime}`,
  async (cell) => {
    const options: Options = { ...sizes, head: "softmax", bidirectional: false, cell };
    const { path } = await saved(`states of ${cell}`, options);
    const { bytes } = convertModel(await readModel(path), { to: "onnx" });
    using model = await open(path, { machine });
    const session = await onnxRuntime!.InferenceSession.create(bytes, { logSeverityLevel: 3 });
    const { Tensor } = onnxRuntime!;
    const states = mapValues(zerosOf(model, 3), ({ shape }) => ({
      ...{ shape, data: Float32Array.from({ length: 15 }, (_, k) => Math.sin(k)) },
    }));
    const inputs = { ...batchOf(options, sentences), lengths: { shape: [3], data: [6, 0, 3] } };
    const own = await model.run({ ...inputs, ...states });
    const theirs = await session.run({
      ...mapValues(
        inputs,
        ({ shape, data }) => new Tensor("int64", BigInt64Array.from(Array.from(data), BigInt), shape),
      ),
      ...mapValues(states, ({ shape, data }) => new Tensor("float32", data, shape)),
    });
    for (const [state, { data }] of Object.entries(states)) {
      const after = Array.from(theirs[`${state}_out`]!.data as Float32Array);
      expect(after.slice(5, 10)).toEqual(Array.from(data.slice(5, 10)));
      expect(difference(after, Array.from(own[`${state}_out`]!.data))).toBeLessThanOrEqual(1e-5);
    }
    await session.release();
  },
);

test("one direction goes on from piece to piece; two directions, and intents, are of a whole sentence", async () => {
  const run = await saved("pieces", softmax["one direction"]!);
  using model = await open(run.path, { machine });
  using session = await model.openSession();
  const all: number[] = [];
  for (const word of words) {
    const { lengths: _, ...inputs } = batchOf(softmax["one direction"]!, [[word]]);
    const { probabilities } = await session.next(inputs);
    all.push(...Array.from(probabilities!.data as Float64Array));
  }
  expectSaid({ probabilities: { data: all } }, (await expected(run)).slice(0, 1));
  // Pieces of two sentences, of which one ends before the other.
  using both = await model.openSession({ batchSize: 2 });
  const batch = batchOf(softmax["one direction"]!, [words, words.slice(0, 2)]);
  await both.next({ ...batch, lengths: { shape: [2], data: [6, 2] } });
  using shorter = await model.openSession();
  await shorter.next({ tokens: batchOf(sizes as Options, [words.slice(0, 2)]).tokens! });
  const [ended, short] = [await both.state(), await shorter.state()];
  for (const [state, { data }] of Object.entries(short))
    expect(Array.from(ended[state]!.data).slice(5)).toEqual([...data]);
  for (const name of ["two layers in two directions", "with intents"]) {
    const { path } = await saved(name, softmax[name]!);
    using whole = await open(path, { machine });
    await expect(whole.openSession()).rejects.toMatchObject({ code: "no-state" });
  }
});

test("of a conditional random field the emissions are given, from which its own search finds the tags of the run", async () => {
  const run = await saved("crf", { ...sizes, head: "crf", scheme: "iob2" });
  const file = await readModel(run.path);
  expect(file.conventions.join("\n")).toContain("the conditional random field is left out");
  using model = await open(run.path, { machine });
  expect(model.outputs.map((port) => port.name)).toEqual(["emissions"]);
  const { emissions } = await model.run(alone(sizes as Options));
  const weights = await run.tagger.parameters.toTensors();
  const of = (name: string) => weights.get(`field.${name}`)!.data;
  const allowed = (before: number | undefined, tag: number) => tags[tag] !== "I-PET" || (before ?? 0) > 0;
  // Every sequence of tags, the best of which is what the tagger says.
  const found = { score: Number.NEGATIVE_INFINITY, path: [] as number[] };
  const search = (path: number[], score: number): void => {
    const before = path.at(-1);
    if (path.length === words.length) {
      const total = score + Number(of("end")[before!]);
      if (total > found.score) Object.assign(found, { score: total, path });
      return;
    }
    for (const tag of tags.keys()) {
      if (!allowed(before, tag)) continue;
      const move = before === undefined ? of("start")[tag] : of("transitions")[before * tags.length + tag];
      search([...path, tag], score + Number(move) + Number(emissions!.data[path.length * tags.length + tag]));
    }
  };
  search([], 0);
  const [said] = await run.tagger.predict([words]);
  expect(found.path.map((tag) => tags[tag])).toEqual(said!.tags);
});

test("what an input that spells words has is said", async () => {
  const { path } = await saved("spelled", spelled);
  const { conventions } = await readModel(path);
  expect(conventions.join("\n")).toMatch(/characters are those of each word \(code points; of more than 4 the first/);
  expect(conventions.join("\n")).toContain('by the place of each in "atcheu", from 1 on');
});
