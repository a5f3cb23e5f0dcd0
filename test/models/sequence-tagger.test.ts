import { describe, expect, test } from "vitest";
import { openReference } from "../../src/compute/reference/machine.ts";
import {
  type SequenceTaggerOptions,
  sequenceTagger,
  sequenceTaggerFromConfig,
} from "../../src/models/sequence-tagger.ts";
import { SentenceReader } from "../../src/run/sentence-reader.ts";
import { declareSentences, Tagger } from "../../src/run/tagger.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph } from "../../src/tensor/graph.ts";
import { layoutParameters, namedParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";
import { difference } from "../support/difference.ts";

const tags = ["O", "B-A", "I-A"];
const small = { embeddingSize: 3, characterEmbeddingSize: 2, characterHiddenSize: 2, wordLength: 4, hiddenSize: 3 };
const full: Omit<SequenceTaggerOptions, "vocabularySize"> = {
  ...{ ...small, tags, scheme: "iob2", intents: ["x", "y"], dropout: 0, characters: ["a", "b", "c"] },
};
const tokenizer = await trainTokenizer("ab c\nabcba b", { kind: "word", segmentation: "space", unknown: true });
const vocabularySize = tokenizer.vocabularySize;
const sentences = [["ab", "c", "abcba"], ["b"], ["zz", "ab"]];
const truth = [[1, 2, 0], [0], [0, 1]];

/** The loss summed over sentences in one batch of T steps, with its gradients. */
async function run(options: Partial<SequenceTaggerOptions>, chosen: readonly number[], steps: number) {
  const machine = openReference();
  const model = sequenceTagger({ vocabularySize, ...full, ...options });
  const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 3 });
  const graph = new Graph({ machine, training: true, parameters: parameters.layout });
  const B = chosen.length;
  const input = declareSentences(graph, model, steps, B);
  const { emissions, intents } = model.forward(input);
  const loss = model.loss(input, {
    tags: graph.input("tags", [steps, B], { type: "int", below: 3 }),
    ...(intents && { intents: graph.input("intents", [B], { type: "int", below: 2 }) }),
  });
  graph.output("loss", loss);
  graph.output("emissions", emissions);
  graph.backward([[loss, 1]]);
  parameters.arena("gradients");
  const plan = await compile(graph, { machine, arenas: parameters.arenas });
  const reader = new SentenceReader(model.config, tokenizer);
  const batch = chosen.map((k) => reader.read(sentences[k]!));
  const tagged = new Int32Array(steps * B);
  for (const [b, k] of chosen.entries()) for (const [t, tag] of truth[k]!.entries()) tagged[t * B + b] = tag;
  for (const [name, numbers] of Object.entries(reader.inputs(batch, steps))) plan.write(name, numbers);
  plan.write("tags", tagged);
  if (intents)
    plan.write(
      "intents",
      chosen.map((k) => k % 2),
    );
  const lossNow = async (): Promise<number> => {
    plan.run();
    return (await plan.read("loss"))[0]!;
  };
  const value = await lossNow();
  const gradients = new Map<string, Float64Array>();
  for (const name of parameters.names) gradients.set(name, Float64Array.from(await parameters.read(name, "gradients")));
  return { machine, model, parameters, value, gradients, lossNow, emissions: Array.from(await plan.read("emissions")) };
}

describe("a tagger", () => {
  test("has the parts that its page names", () => {
    const names = [...namedParameters(sequenceTagger({ vocabularySize, ...full })).keys()];
    expect(names.filter((name) => !name.includes("rnn."))).toEqual([
      ...["embedding.weight", "characters.embedding.weight", "head.weight", "head.bias"],
      ...["field.transitions", "field.start", "field.end", "intent.weight", "intent.bias"],
    ]);
    expect(names.filter((name) => name.startsWith("characters.rnn."))).toHaveLength(8);
  });

  test("a projected state is that of words and of characters, and the config says so", async () => {
    const projected = { cell: { name: "lstm", options: { projection: true } }, projectionSize: 2 } as const;
    const model = sequenceTagger({ vocabularySize, ...full, ...projected });
    const shapes = Object.fromEntries([...namedParameters(model)].map(([name, { shape }]) => [name, shape]));
    expect(shapes["rnn.weight_hr_l0"]).toEqual([2, 3]);
    expect(shapes["characters.rnn.weight_hr_l0"]).toEqual([2, 2]);
    expect(shapes["rnn.weight_ih_l0"]).toEqual([12, 3 + 2 * 2]);
    expect(shapes["head.weight"]).toEqual([3, 2 * 2]);
    expect(model.config).toMatchObject(projected);
    expect(sequenceTaggerFromConfig(JSON.parse(JSON.stringify(model.config))).config).toEqual(model.config);
    const [alone, together] = [await run(projected, [1], 1), await run(projected, [0, 1, 2], 4)];
    expect(difference(together.emissions.slice(tags.length, 2 * tags.length), alone.emissions)).toBeLessThan(1e-12);
    expect(sequenceTagger({ vocabularySize, ...full }).config).not.toHaveProperty("projectionSize");
  });

  test.each(["crf", "softmax"] as const)("padding and neighbours change nothing (%s)", async (head) => {
    const alone = await Promise.all([0, 1, 2].map((k) => run({ head }, [k], truth[k]!.length)));
    const together = await run({ head }, [0, 1, 2], 5);
    const C = tags.length;
    for (const [b, one] of alone.entries())
      for (const [t] of truth[b]!.entries())
        expect(
          difference(
            together.emissions.slice((t * 3 + b) * C, (t * 3 + b + 1) * C),
            one.emissions.slice(t * C, (t + 1) * C),
          ),
        ).toBeLessThan(1e-12);
    // Tags are a mean over tokens, intents one over sentences: without intents means add up.
    const tokens = truth.map(({ length }) => length);
    const bare = await Promise.all([0, 1, 2].map((k) => run({ head, intents: undefined }, [k], tokens[k]!)));
    const mean = bare.reduce((sum, { value }, k) => sum + (value * tokens[k]!) / 6, 0);
    expect((await run({ head, intents: undefined }, [0, 1, 2], 4)).value).toBeCloseTo(mean, 12);
  });

  test("gradients of all its parameters are those of central differences", async () => {
    const { parameters, gradients, lossNow } = await run({}, [0, 1, 2], 4);
    for (const [name, gradient] of gradients) {
      const values = Float64Array.from(await parameters.read(name));
      // A few of each: every run of the reference machine takes its time.
      const some = [...values.keys()].filter((k) => k % Math.ceil(values.length / 4) === 0);
      const slopes: number[] = [];
      const h = 1e-4;
      for (const k of some) {
        const value = values[k]!;
        const at = async (d: number): Promise<number> => {
          parameters.write(name, values.with(k, value + d));
          return lossNow();
        };
        slopes.push(((await at(h)) - (await at(-h))) / (2 * h));
      }
      parameters.write(name, values);
      const derived = some.map((k) => gradient[k]!);
      expect(difference(derived, slopes), name).toBeLessThan(1e-6);
    }
  });

  test("what is read and what is given are dropped apart", async () => {
    const emissions = async (options: Partial<SequenceTaggerOptions>) => (await run(options, [0], 3)).emissions;
    const none = await emissions({});
    expect(await emissions({ dropout: 0.5, inputDropout: 0, outputDropout: 0 })).toEqual(none);
    const [read, given] = [await emissions({ inputDropout: 0.5 }), await emissions({ outputDropout: 0.5 })];
    expect(read).not.toEqual(none);
    expect(given).not.toEqual(none);
    expect(given).not.toEqual(read);
  });

  test("tags that the scheme forbids have probability 0, all others together 1", async () => {
    const machine = openReference();
    const model = sequenceTagger({ vocabularySize, ...full });
    const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 3 });
    const tagger = new Tagger({ model, machine, parameters, tokenizer });
    const [reading] = await tagger.read([["ab", "c"]], { likelihood: true });
    const of = (first: number) => [0, 1, 2].map((second) => reading!.logLikelihood([first, second]));
    expect([...of(2), of(0)[2]]).toEqual(new Array(4).fill(Number.NEGATIVE_INFINITY));
    expect([...of(0), ...of(1)].reduce((sum, log) => sum + Math.exp(log), 0)).toBeCloseTo(1, 12);
    tagger.close();
    machine.close();
  });

  test("of long words as many characters at the beginning as at the end are read; unknown ones are 0", () => {
    const reader = new SentenceReader({ characters: ["a", "b", "c"], wordLength: 4 }, tokenizer);
    const { characters, lengths, words } = reader.read(["abccab", "a😀", "a b"]);
    expect(Array.from(characters!)).toEqual([1, 2, 1, 2, 1, 0, 0, 0, 1, 0, 2, 0]);
    expect(Array.from(lengths)).toEqual([4, 2, 3]);
    // No words of their own: the first is new, the last is two.
    expect([words[0], words[2]]).toEqual([0, 0]);
  });

  test("is made again of its config", () => {
    const { config } = sequenceTagger({
      vocabularySize,
      ...full,
      cell: "gru",
      writtenScheme: "bmes",
      inputDropout: 0.25,
    });
    const again = sequenceTaggerFromConfig(JSON.parse(JSON.stringify(config)));
    expect(again.config).toEqual(config);
    expect([...namedParameters(again)].map(([name, { shape }]) => [name, shape])).toEqual(
      [...namedParameters(sequenceTagger({ vocabularySize, ...full, cell: "gru" }))].map(([name, { shape }]) => [
        name,
        shape,
      ]),
    );
  });

  test.each<[string, object, string]>([
    ["another kind", { kind: "language-model" }, "unknown-choice"],
    ["a name that is none", { tag: ["a"] }, "unknown-option"],
    ["one tag", { tags: ["O"] }, "bad-option"],
    ["a tag twice", { tags: ["O", "O"] }, "bad-option"],
    ["characters that are none", { characters: [1] }, "bad-config"],
    ["a direction that is a word", { bidirectional: "yes" }, "bad-option"],
    ["a scheme that is none", { scheme: "iob" }, "unknown-choice"],
    ["words of no length", { wordLength: 0 }, "out-of-range"],
    ["a rate that drops all", { outputDropout: 1 }, "out-of-range"],
    ["no cell", { cell: 3 }, "bad-config"],
  ])("refuses a config with %s", (_, change, code) => {
    const { config } = sequenceTagger({ vocabularySize, ...full });
    expect(() => sequenceTaggerFromConfig({ ...config, ...change })).toThrow(expect.objectContaining({ code }));
  });
});
