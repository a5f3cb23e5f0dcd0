import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { saveRun } from "../../src/checkpoint/run-folder.ts";
import type { TaggedSentences } from "../../src/data/tagged-sentences.ts";
import { evaluateTagger } from "../../src/run/evaluate-tagger.ts";
import { loadClassifier } from "../../src/run/load-classifier.ts";
import { loadTagger } from "../../src/run/load-tagger.ts";
import { Tagger } from "../../src/run/tagger.ts";
import { mostFrequentTags } from "../../src/train/tagger-baseline.ts";
import { type TrainTaggerOptions, trainTagger } from "../../src/train/train-tagger.ts";
import { machineAndFolder } from "../support/machine-and-folder.ts";

/** "run" is a verb behind "we" and a noun behind "the", however much stands between sentences. */
const context: TaggedSentences = (() => {
  const both = [
    [
      ["we", "run", "home"],
      ["PRON", "VERB", "NOUN"],
    ],
    [
      ["the", "run", "ends"],
      ["DET", "NOUN", "VERB"],
    ],
    [
      ["the", "run"],
      ["DET", "NOUN"],
    ],
    [
      ["we", "run"],
      ["PRON", "VERB"],
    ],
  ] as const;
  const rows = Array.from({ length: 60 }, (_, k) => both[k % 4]!);
  return {
    tokens: rows.map(([tokens]) => [...tokens]),
    tags: rows.map(([, tags]) => [...tags]),
    places: rows.map((_, k) => `sentence ${k + 1}`),
  };
})();

/** Names are what begins with a capital letter, whatever word it is; written as in IOB1. */
const names: TaggedSentences = (() => {
  const words = ["Ada", "Bob", "sees", "hears", "Cleo", "and"];
  const tokens = Array.from({ length: 80 }, (_, k) =>
    Array.from({ length: 1 + (k % 5) }, (_, t) => `${words[(k * 7 + t * 3) % 6]}${"xyz"[(k + t) % 3]}`),
  );
  const tags = tokens.map((own) => own.map((token) => (/^[A-Z]/.test(token) ? "I-NAME" : "O")));
  return { tokens, tags, places: tokens.map((_, k) => `line ${k + 1}`) };
})();

const intents: TaggedSentences = {
  ...context,
  intents: context.tokens.map(([first]) => (first === "we" ? "act" : "tell")),
};

const { machine, folder } = await machineAndFolder("wasm");
const small = { hiddenSize: 8, embeddingSize: 8, dropout: 0.1, characterHiddenSize: 6, characterEmbeddingSize: 6 };
const train = (options: Partial<TrainTaggerOptions>) =>
  trainTagger({
    machine,
    sentences: context,
    learningRate: 0.03,
    epochs: 8,
    ...options,
    model: { ...small, ...options.model },
  });

describe("trainTagger", () => {
  test.each(["crf", "softmax"] as const)(
    "context decides (%s), and a run that was saved answers the same",
    async (head) => {
      const { trainer, tagger, validation } = await train({ model: { head } });
      await trainer.run();
      const scores = await evaluateTagger(tagger, validation!);
      expect(scores).toMatchObject({ accuracy: 1, sentences: 6, tags: { macroF1: 1 } });
      expect(scores.spans).toBeUndefined();
      // A word's most frequent tag is right for half of what "run" is.
      expect(mostFrequentTags(tagger.model.config, context, context).accuracy).toBeLessThan(0.9);
      const sentences = [
        ["we", "run"],
        ["the", "run", "never", "ends"],
      ];
      const before = await tagger.predict(sentences, { probabilities: true });
      expect(before.map(({ tags }) => tags[1])).toEqual(["VERB", "NOUN"]);
      for (const { probabilities } of before)
        for (const row of probabilities!) expect(Object.values(row).reduce((a, b) => a + b)).toBeCloseTo(1, 4);
      // What stands beside a sentence in its batch changes nothing.
      expect((await tagger.predict([sentences[0]!], { probabilities: true }))[0]).toEqual(before[0]);
      const { model, tokenizer, parameters } = tagger;
      await saveRun(join(folder, head), { model, tokenizer, parameters });
      const loaded = await loadTagger(join(folder, head), { machine });
      expect(await loaded.predict(sentences, { probabilities: true })).toEqual(before);
      await expect(loadClassifier(join(folder, head), { machine })).rejects.toThrow(
        /expected a run of a classifier, this one is of a tagger; for it there are the commands predict, .*loadTagger/,
      );
      loaded.close();
      await trainer.close();
    },
  );

  test.each(["crf", "softmax"] as const)("the likelihood of tags (%s) is told where it was asked for", async (head) => {
    const { trainer, tagger } = await train({ model: { head } });
    const [asked] = await tagger.read([["we", "run"]], { likelihood: true });
    const C = tagger.model.config.tags.length;
    let whole = 0;
    for (let a = 0; a < C; a++) for (let b = 0; b < C; b++) whole += Math.exp(asked!.logLikelihood([a, b]));
    expect(whole).toBeCloseTo(1, 4);
    expect(() => asked!.logLikelihood([0])).toThrow("expected 2 tags, one a token of the sentence, got 1");
    expect(() => asked!.logLikelihood([0, C])).toThrow(`numbers of tags from 0 to ${C - 1}, tag 1 is ${C}`);
    const [plain] = await tagger.read([["we", "run"]]);
    if (head === "softmax") expect(plain!.logLikelihood([0, 1])).toBe(asked!.logLikelihood([0, 1]));
    else
      expect(() => plain!.logLikelihood([0, 1])).toThrow(
        expect.objectContaining({ code: "no-likelihood", message: expect.stringContaining("{ likelihood: true }") }),
      );
    await trainer.close();
  });

  test("words that nothing to learn from has say nothing", async () => {
    const { trainer, tagger } = await train({ epochs: 1, words: { minCount: 1 } });
    const { model, parameters, tokenizer } = tagger;
    expect(() => new Tagger({ model, machine, parameters, tokenizer, batchSize: 0 })).toThrow(
      /batchSize: expected a whole number/,
    );
    await trainer.run();
    const table = (await tagger.parameters.toTensors()).get("embedding.weight")!.data;
    const [unknown] = tagger.tokenizer.encode("never-before");
    expect(Array.from(table).slice(8 * unknown!, 8 * unknown! + 8)).toEqual(new Array(8).fill(0));
    await trainer.close();
  });

  test("spans are learned in one scheme and answered in another; characters know new words", async () => {
    const { trainer, tagger } = await train({ sentences: names, words: { minCount: 9 }, epochs: 10 });
    const metrics: unknown[] = [];
    await trainer.run({ epoch: (event) => metrics.push(event.metrics) });
    expect(metrics.at(-1)).toMatchObject({ f1: 1, score: 1, accuracy: 1 });
    expect(tagger.model.config).toMatchObject({ scheme: "bioes", writtenScheme: "iob1" });
    const [found] = await tagger.predict([["Adaz", "hearsx", "Bobx"]]);
    expect(found).toMatchObject({
      tags: ["I-NAME", "O", "I-NAME"],
      spans: [
        { label: "NAME", start: 0, end: 1 },
        { label: "NAME", start: 2, end: 3 },
      ],
    });
    await trainer.close();
  });

  test("what decides which epoch is kept is one of what these sentences are measured by", async () => {
    const monitorOf = async (options: Partial<TrainTaggerOptions>) => {
      const { trainer } = await train({ epochs: 1, ...options });
      for await (const event of trainer) if (event.type === "start") return event.monitor?.metric;
    };
    expect(await monitorOf({})).toBe("score");
    expect(await monitorOf({ monitor: "loss" })).toBe("loss");
    expect(await monitorOf({ sentences: names, monitor: "f1" })).toBe("f1");
    expect(await monitorOf({ sentences: intents, monitor: "intentAccuracy" })).toBe("intentAccuracy");
    expect(await monitorOf({ validation: 0 })).toBeUndefined();
    await expect(train({ monitor: "f1" })).rejects.toThrow(/monitor: expected one of "loss", "accuracy", "score", got/);
    await expect(train({ monitor: "intentAccuracy" })).rejects.toThrow(
      /expected one of "loss", "accuracy", "score", got/,
    );
  });

  test("intents are learned beside tags", async () => {
    const { trainer, tagger, validation } = await train({ sentences: intents });
    await trainer.run();
    expect(await evaluateTagger(tagger, validation!)).toMatchObject({ accuracy: 1, intentAccuracy: 1 });
    const [found] = await tagger.predict([["the", "run"]]);
    expect(found!.intent).toBe("tell");
    expect(Object.keys(found!.intentProbabilities!)).toEqual(["act", "tell"]);
    await trainer.close();
  });

  test("the loss that is measured is the one that is trained: −log p a token, of tags that the model has", async () => {
    const { trainer, tagger } = await train({
      validation: 0,
      epochs: 1,
      model: { dropout: 0 },
      learningRate: 1e-12,
      batchSize: 60,
    });
    const { trainLoss } = await new Promise<{ trainLoss: number }>((resolve) => {
      void trainer.run({ epoch: resolve });
    });
    const { loss, accuracy } = await evaluateTagger(tagger, context);
    expect(loss).toBeCloseTo(trainLoss, 4);
    const strange = { ...context, tags: context.tags.map((own, k) => (k === 0 ? own.map(() => "X") : own)) };
    const scores = await evaluateTagger(tagger, strange);
    expect(Number.isFinite(scores.loss)).toBe(true);
    expect(scores.accuracy).toBeLessThanOrEqual(accuracy);
    await trainer.close();
  });

  test("a tag that is none of spans is refused where spans are measured, before training; new labels and other schemes are not", async () => {
    const spans = { ...context, tags: context.tags.map((own) => own.map((_, t): string => (t === 0 ? "B-X" : "O"))) };
    const tagged = (tag: string) => ({ ...spans, tags: spans.tags.with(1, spans.tags[1]!.with(0, tag)) });
    const wrong = {
      code: "wrong-scheme",
      message: expect.stringMatching(/sentence 2: .*as the model learned.*"PRON"/),
    };
    await expect(train({ sentences: spans, validation: tagged("PRON") })).rejects.toMatchObject(wrong);
    const { trainer, tagger } = await train({ sentences: spans, validation: tagged("U-NEW") });
    await expect(evaluateTagger(tagger, tagged("PRON"))).rejects.toMatchObject(wrong);
    await expect(evaluateTagger(tagger, { tokens: ["a b"] as never, tags: [["O"]] })).rejects.toThrow(
      'evaluateTagger: example 1: expected a list of tokens, got the string "a b"',
    );
    const { spans: found } = await evaluateTagger(tagger, tagged("U-NEW"));
    expect(found!.byLabel.find(({ label }) => label === "NEW")).toMatchObject({ expected: 1, correct: 0 });
    trainer.close();
  });

  test.each<[string, Partial<TrainTaggerOptions>, string, RegExp]>([
    ["no sentences", { sentences: { tokens: [], tags: [], places: [] } }, "no-examples", /got none/],
    [
      "validation that is no sentences",
      { validation: "abc" as never },
      "bad-option",
      /validation: expected \{ tokens, tags/,
    ],
    ["validation without tags", { validation: { tokens: [["a"]] } as never }, "bad-option", /validation: expected/],
    [
      "one tag",
      { sentences: { ...context, tags: context.tags.map((own) => own.map(() => "O")) } },
      "one-class",
      /one class "O"/,
    ],
    ["one intent", { sentences: { ...context, intents: context.tokens.map(() => "x") } }, "one-class", /one class "x"/],
    [
      "fewer tags than tokens",
      { sentences: { ...context, tags: context.tags.with(2, []) } },
      "tag-count",
      /sentence 3: .* 2 tokens and 0 tags/,
    ],
    ["tags that are no spans", { scheme: "iob2" }, "wrong-scheme", /sentence 1: .*as in iob2.*got "PRON"/],
    ["a scheme that is none", { encoding: "iob" as "iob2" }, "unknown-choice", /encoding/],
    ["a share that is too large", { validation: 0.9 }, "out-of-range", /validation/],
    ["a rate that drops all", { model: { dropout: 1 } }, "out-of-range", /dropout/],
  ])("refuses %s", async (_, options, code, message) => {
    await expect(train(options)).rejects.toThrow(expect.objectContaining({ code }));
    await expect(train(options)).rejects.toThrow(message);
  });

  test("refuses what is no sentence", async () => {
    const { trainer, tagger } = await train({});
    for (const bad of [[], "we run", [1]])
      await expect(tagger.predict([bad as unknown as string[]])).rejects.toThrow(
        expect.objectContaining({ code: "wrong-input" }),
      );
    await trainer.close();
  });
});

test("each word's most frequent tag, of words that did not occur the most frequent of all", () => {
  const train = { tokens: [["a", "b"], ["a", "b"], ["a"], ["c"]], tags: [["Y", "O"], ["X", "O"], ["X"], ["O"]] };
  const test = {
    tokens: [
      ["a", "b", "d"],
      ["c", "a"],
    ],
    tags: [
      ["X", "O", "O"],
      ["O", "Y"],
    ],
  };
  const { accuracy, tokens, sentences } = mostFrequentTags({ tags: ["O", "X", "Y"] }, train, test);
  expect({ accuracy, tokens, sentences }).toEqual({ accuracy: 4 / 5, tokens: 5, sentences: 2 });
});
