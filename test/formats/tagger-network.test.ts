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
import { withoutStates } from "../../src/formats/runnable.ts";
import { type SequenceTaggerOptions, sequenceTagger } from "../../src/models/sequence-tagger.ts";
import { Tagger } from "../../src/run/tagger.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import type { Tokenizer } from "../../src/text/tokenizer.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";
import { difference } from "../support/difference.ts";
import { onnxRuntime, withoutOnnxRuntime } from "../support/onnxruntime.ts";

let machine: SynchronousMachine;
let tokenizer: Tokenizer;
const folder = mkdtempSync(join(tmpdir(), "longshort-tagger-"));
beforeAll(async () => {
  machine = await openMachine("reference");
  tokenizer = await trainTokenizer("a cat sat on the mat", { kind: "word" });
});
afterAll(() => {
  machine.close();
  rmSync(folder, { recursive: true, force: true });
});

const words = ["the", "cat", "sat", "on", "a", "mat"];
const tags = ["O", "B-PET", "I-PET"];
const sizes = { embeddingSize: 4, hiddenSize: 5, tags, characters: undefined };
type Options = Omit<SequenceTaggerOptions, "vocabularySize">;
const softmax: Readonly<Record<string, Options>> = {
  "one direction": { ...sizes, head: "softmax", bidirectional: false },
  "two layers in two directions": { ...sizes, head: "softmax", numLayers: 2, cell: "gru" },
  "with intents": { ...sizes, head: "softmax", bidirectional: false, intents: ["ask", "tell"] },
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

const numbers = () => Int32Array.from(words, (word) => tokenizer.encode(word)[0]!);
const input = () => ({ tokens: { shape: [1, words.length], data: numbers() } });

async function expected({ tagger }: { tagger: Tagger }) {
  const [said] = await tagger.predict([words], { probabilities: true });
  return {
    probabilities: said!.probabilities!.flatMap((step) => tags.map((tag) => step[tag]!)),
    ...(said!.intentProbabilities && { intentProbabilities: Object.values(said!.intentProbabilities) }),
  };
}

function expectSaid(
  got: Readonly<Record<string, { readonly data: unknown }>>,
  said: Readonly<Record<string, readonly number[]>>,
): void {
  for (const [name, values] of Object.entries(said))
    expect(difference(Array.from(got[name]!.data as Float32Array), values), name).toBeLessThanOrEqual(1e-5);
}

const layered = ["rnn", "lstm", "gru"].map((name) => `a cell, ${name}`);
describe.each(Object.entries({ ...softmax, ...ofCells }))("a trained tagger: %s", (name, options) => {
  test("its run opens as a network that says the same, and so does what is read back of other formats", async () => {
    const run = await saved(name, options);
    const said = await expected(run);
    using model = await open(run.path, { machine });
    expectSaid(await model.run(input()), said);
    const own = withoutStates(model).outputs.map((port) => port.name);
    for (const to of ["onnx", "keras", "tfjs"] as const) {
      if (to === "tfjs" && options.cell === "gru") continue;
      if (to !== "onnx" && name in ofCells && !layered.includes(name)) {
        const file = await readModel(run.path);
        expect(() => convertModel(file, { to }), to).toThrow(/has no cell.*ONNX has any cell/);
        continue;
      }
      const { bytes, files } = convertModel(await readModel(run.path), { to });
      using again = await open(bytes, { machine, files: Object.fromEntries(files) });
      const results = await again.run({ [again.inputs[0]!.name]: input().tokens, ...zerosOf(again.inputs) });
      const there = withoutStates(again).outputs.map((port) => port.name);
      expectSaid(Object.fromEntries(own.map((output, k) => [output, results[there[k]!]!])), said);
    }
  });

  test.runIf(onnxRuntime)(`ONNX Runtime says the same${withoutOnnxRuntime}`, async () => {
    const run = await saved(name, options);
    const { bytes } = convertModel(await readModel(run.path), { to: "onnx" });
    using model = await open(bytes, { machine });
    const session = await onnxRuntime!.InferenceSession.create(bytes, { logSeverityLevel: 3 });
    const { Tensor } = onnxRuntime!;
    const states = Object.entries(zerosOf(model.inputs)).map(([state, { shape, data }]) => [
      state,
      new Tensor("float32", data, shape),
    ]);
    const tokens = new Tensor("int64", BigInt64Array.from(Array.from(numbers(), BigInt)), [1, words.length]);
    expectSaid(await session.run({ tokens, ...Object.fromEntries(states) }), await expected(run));
    await session.release();
  });
});

/** Zeros for the states among inputs. */
const zerosOf = (inputs: readonly { readonly name: string; readonly shape?: readonly unknown[] | undefined }[]) =>
  Object.fromEntries(
    inputs.slice(1).map(({ name, shape }) => {
      const width = shape![1] as number;
      return [name, { shape: [1, width], data: new Float32Array(width) }];
    }),
  );

test("one direction goes on from piece to piece; two directions, and intents, are of a whole sentence", async () => {
  const run = await saved("pieces", softmax["one direction"]!);
  using model = await open(run.path, { machine });
  using session = await model.openSession();
  const all: number[] = [];
  for (const word of numbers()) {
    const { probabilities } = await session.next({ tokens: { shape: [1, 1], data: Int32Array.of(word) } });
    all.push(...Array.from(probabilities!.data as Float64Array));
  }
  expectSaid({ probabilities: { data: all } }, { probabilities: (await expected(run)).probabilities });
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
  const { emissions } = await model.run(input());
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

test("one that reads the characters of words is refused with the reason", async () => {
  const { path } = await saved("characters", { ...sizes, characters: ["a", "t"] });
  await expect(open(path, { machine })).rejects.toMatchObject({
    code: "not-convertible",
    message: expect.stringMatching(/characters: it reads words by their characters.*--no-characters/),
  });
});
