import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import { languageModel } from "../../src/models/language-model.ts";
import { beamSearch } from "../../src/run/beam-search.ts";
import { type GenerateTokensOptions, generate, generateTokens } from "../../src/run/generate.ts";
import { generateBatch } from "../../src/run/generate-batch.ts";
import { candidates, likeliest, logProbabilities, penalizeRepetition } from "../../src/run/sample.ts";
import { openSession } from "../../src/run/session.ts";
import { StopStrings } from "../../src/run/stop-strings.ts";
import { surprisal } from "../../src/run/surprisal.ts";
import { TextWriter, type WrittenToken } from "../../src/run/text-writer.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { type TrainTokenizerOptions, trainTokenizer } from "../../src/text/train-tokenizer.ts";

let machine: SynchronousMachine;
beforeAll(() => {
  machine = openReference();
});
afterAll(() => machine.close());

async function open(source = "abc de\n", options: TrainTokenizerOptions = { kind: "character" }) {
  const tokenizer = await trainTokenizer(source, options);
  const model = languageModel({ vocabularySize: tokenizer.vocabularySize, embeddingSize: 4, hiddenSize: 6 });
  const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 2 });
  // Far from uniform, so that choices matter.
  const head = await parameters.read("head.weight");
  parameters.write(
    "head.weight",
    head.map((v) => 6 * v),
  );
  return { tokenizer, model, parameters, machine, session: await openSession({ model, parameters, machine }) };
}

async function written(options: GenerateTokensOptions): Promise<{ tokens: WrittenToken[]; text: string; end: string }> {
  const tokens: WrittenToken[] = [];
  const stream = generateTokens(options);
  for (;;) {
    const { done, value } = await stream.next();
    if (done) return { tokens, text: tokens.map((one) => one.text).join(""), end: value };
    tokens.push(value);
  }
}

test("damaged weights are said by whatever reads what the model expects", async () => {
  const run = await open();
  run.parameters.write("head.bias", (await run.parameters.read("head.bias")).fill(Number.NaN));
  const refused = expect.objectContaining({ code: "not-finite" });
  await expect(surprisal({ session: run.session, tokenizer: run.tokenizer, text: "ab" }).next()).rejects.toEqual(
    refused,
  );
  const { session, ...rest } = run;
  await expect(beamSearch({ ...rest, prompt: "ab", length: 2 })).rejects.toEqual(refused);
  await expect(written({ session, tokenizer: run.tokenizer, length: 2 })).rejects.toEqual(refused);
});

describe("sampling", () => {
  const logits = [2, 1, 0, -1, -4].map((x) => x / 1);
  const left = (options: object) => candidates(logits, options).map((one) => one.token);

  test("minP keeps what has that share of the likeliest one's probability", () => {
    expect(left({ minP: 0 })).toEqual([0, 1, 2, 3, 4]);
    expect(left({ minP: Math.exp(-1) - 1e-9 })).toEqual([0, 1]);
    expect(left({ minP: Math.exp(-1) + 1e-9 })).toEqual([0]);
    expect(left({ minP: 0.04 })).toEqual([0, 1, 2, 3]);
    expect(left({ minP: 1 })).toEqual([0]);
    expect(candidates(logits, { minP: 0.3 }).reduce((sum, one) => sum + one.probability, 0)).toBeCloseTo(1, 12);
  });

  test("typicalP keeps what is about as surprising as expected", () => {
    const p = logits.map((x) => Math.exp(x) / logits.reduce((sum, y) => sum + Math.exp(y), 0));
    const entropy = -p.reduce((sum, q) => sum + q * Math.log(q), 0);
    const nearest = p.map((q, token) => [Math.abs(-Math.log(q) - entropy), token] as const).sort((a, b) => a[0] - b[0]);
    expect(left({ typicalP: 0.01 })).toEqual([nearest[0]![1]]);
    const two = candidates(logits, { typicalP: p[nearest[0]![1]]! + 1e-6 });
    expect(two.map((one) => one.token).sort()).toEqual([nearest[0]![1], nearest[1]![1]].sort());
    expect(two.reduce((sum, one) => sum + one.probability, 0)).toBeCloseTo(1, 12);
    expect(left({ typicalP: 1 })).toEqual([0, 1, 2, 3, 4]);
  });

  test("a penalty makes tokens that were there less likely, whatever the sign of their logit", () => {
    expect(Array.from(penalizeRepetition(logits, [0, 3, 3], 2))).toEqual([1, 1, 0, -2, -4]);
    expect(penalizeRepetition(logits, [0], 1)).toBe(logits);
  });

  test("log probabilities are those of softmax, the likeliest come in order", () => {
    const own = logProbabilities([1000, 1001, 999]);
    expect(own.reduce((sum, x) => sum + Math.exp(x), 0)).toBeCloseTo(1, 12);
    expect(own[1]! - own[0]!).toBeCloseTo(1, 9);
    expect(likeliest(Float64Array.of(-2, -1, -3, -1), 3)).toEqual([1, 3, 0]);
    expect(likeliest(own, 0)).toEqual([]);
  });

  test.each([{ minP: -0.1 }, { minP: 1.1 }, { typicalP: 0 }, { typicalP: 2 }])("%o is refused", (options) => {
    expect(() => candidates(logits, options)).toThrow(expect.objectContaining({ code: "out-of-range" }));
  });
});

describe("stop strings", () => {
  test("end a text before them, wherever it is cut, and nothing of them goes out", () => {
    const text = "one two\n\nthree";
    for (const [expected, stop] of [
      ["one two", ["\n\n"]],
      ["one two", ["\n\nth"]],
      ["one ", ["zzz", "two\n\n"]],
      ["one two\n\n", ["three"]],
      [text, ["four"]],
      // One that begins later is complete before one that began, or at the same place.
      ["one t", ["two\n", "wo"]],
      ["one ", ["wo", "two"]],
    ] as const)
      for (const size of [1, 2, 3, 4, 5, text.length]) {
        const filter = new StopStrings(stop);
        let out = "";
        let stopped = false;
        for (let at = 0; at < text.length && !stopped; at += size) {
          const settled = filter.push(text.slice(at, at + size));
          out += settled.text;
          stopped = settled.stopped;
        }
        if (!stopped) out += filter.end();
        expect(out, `${stop} in pieces of ${size}`).toBe(expected);
      }
  });

  test("are found across tokens while text is written", async () => {
    const { session, tokenizer } = await open();
    const whole = await written({ session, tokenizer, length: 60, seed: 4 });
    expect(whole.end).toBe("length");
    const stop = whole.text.slice(20, 23);
    const short = await written({ session, tokenizer, length: 60, seed: 4, stop: ["never", stop] });
    expect(short).toMatchObject({ end: "stop", text: whole.text.slice(0, whole.text.indexOf(stop)) });
    let streamed = "";
    for await (const piece of generate({ session, tokenizer, length: 60, seed: 4, stop: [stop] })) {
      streamed += piece;
      expect(whole.text.slice(0, whole.text.indexOf(stop)).startsWith(streamed)).toBe(true);
    }
    expect(streamed).toBe(short.text);
    // A text that ends within the beginning of a stop string keeps it.
    const begun = await written({ session, tokenizer, length: 5, seed: 4, stop: [`${whole.text.slice(4, 5)}never`] });
    expect(begun.text).toBe(whole.text.slice(0, 5));
  });
});

describe("writing", () => {
  test("tells the model's own log probabilities and the likeliest tokens", async () => {
    const { session, tokenizer } = await open();
    const { tokens, text } = await written({
      session,
      tokenizer,
      prompt: "ab",
      length: 12,
      temperature: 3,
      topK: 4,
      alternatives: 3,
    });
    session.reset();
    session.feed([tokenizer.encode("a")[0]!]);
    let last = tokenizer.encode("b")[0]!;
    for (const one of tokens) {
      const own = logProbabilities(await session.next([last]));
      expect(one.logProbability).toBeCloseTo(own[one.token]!, 10);
      expect(one.alternatives.map((a) => a.token)).toEqual(likeliest(own, 3));
      expect(one.alternatives[0]!.probability).toBeCloseTo(Math.exp(Math.max(...own)), 10);
      last = one.token;
    }
    expect(tokenizer.decode(tokens.map((one) => one.token))).toBe(text);
    expect((await written({ session, tokenizer, length: 1 })).tokens[0]!.alternatives).toEqual([]);
  });

  test("repetition is penalised within the window", async () => {
    const { session, tokenizer } = await open();
    const greedy = { session, tokenizer, prompt: "ab", length: 30, temperature: 0 };
    const plain = (await written(greedy)).text;
    const penalized = (await written({ ...greedy, repetitionPenalty: 1000, repetitionWindow: 5 })).text;
    expect(penalized).not.toBe(plain);
    session.reset();
    const tokens = [...tokenizer.encode("ab")];
    session.feed([tokens[0]!]);
    while (tokens.length < 32) {
      const logits = await session.next([tokens.at(-1)!]);
      tokens.push(candidates(penalizeRepetition(logits, tokens.slice(-5), 1000), { temperature: 0 })[0]!.token);
    }
    expect(penalized).toBe(tokenizer.decode(tokens.slice(2)));
    expect((await written({ ...greedy, repetitionPenalty: 1000, repetitionWindow: 0 })).text).toBe(plain);
    expect((await written({ ...greedy, repetitionPenalty: 1 })).text).toBe(plain);
  });

  test("minP and typicalP reach the sampling", async () => {
    const { session, tokenizer } = await open();
    const same = { session, tokenizer, length: 40, temperature: 2, seed: 3 };
    const plain = (await written(same)).text;
    expect((await written({ ...same, minP: 1 })).text).toBe((await written({ ...same, temperature: 0 })).text);
    expect((await written({ ...same, typicalP: 0.2 })).text).not.toBe(plain);
  });

  test("a special token ends a text unless it is not meant to, and is never written", async () => {
    const { session, tokenizer } = await open("abc", { kind: "character", specialTokens: ["<|end|>", "<|pad|>"] });
    const same = { session, tokenizer, length: 200, temperature: 4, seed: 1 };
    const { tokens, text, end } = await written(same);
    expect(end).toBe("end-token");
    expect(Object.values(tokenizer.specialTokens)).toContain(tokens.at(-1)!.token);
    expect(text).toBe(tokenizer.decode(tokens.map((one) => one.token)));
    expect(await written({ ...same, endTokens: [] })).toMatchObject({ end: "length" });
    const one = await written({ ...same, endTokens: ["<|pad|>"] });
    expect(one.tokens.at(-1)!.token).toBe(tokenizer.specialTokens["<|pad|>"]);
    expect(one.tokens.map((t) => t.token)).not.toContain(tokenizer.specialTokens["<|end|>"]);
    expect(() => generate({ ...same, endTokens: ["<|edn|>"] })).toThrow(/did you mean "<\|end\|>"/);
  });

  test("a writer goes on where it was, and begins anew", async () => {
    const { session, tokenizer } = await open();
    const writer = new TextWriter({ session, tokenizer });
    const say = async (length: number): Promise<string> => {
      let text = "";
      for await (const one of writer.write({ length, seed: 7 })) text += one.text;
      return text;
    };
    await writer.read("ab");
    const parts = [await say(10), await say(15)];
    writer.reset();
    await writer.read("a");
    await writer.read("b");
    expect(await say(25)).toBe(parts.join(""));
    writer.reset();
    expect(await say(25)).not.toBe(parts.join(""));
    await writer.read("de");
    const after = await say(5);
    writer.reset();
    await writer.read("de");
    expect(await say(5)).not.toBe(after);
    await expect(writer.read("xyz")).rejects.toMatchObject({ code: "unknown-token" });
  });

  test("what cannot work is refused at once", async () => {
    const { session, tokenizer } = await open();
    const code = (options: object): unknown => {
      try {
        generate({ session, tokenizer, ...options });
      } catch (error) {
        return (error as { code: string }).code;
      }
      return undefined;
    };
    for (const stop of [[""], ["a", ""], "a", [5]]) expect(code({ stop }), String(stop)).toBe("bad-option");
    for (const repetitionPenalty of [0, -1, Number.NaN]) expect(code({ repetitionPenalty })).toBe("out-of-range");
    expect(code({ repetitionWindow: -1 })).toBe("out-of-range");
    expect(code({ endTokens: ["<x>"] })).toBe("unknown-special-token");
    expect(() => generateTokens({ session, tokenizer, alternatives: 0.5 })).toThrow(/alternatives/);
  });
});

describe("many prompts", () => {
  test("each is answered as alone, whatever its batch", async () => {
    const { session, ...run } = await open();
    const prompts = ["a", "", "abc de", "\n", "dd"];
    const how = { length: 12, temperature: 1.5, repetitionPenalty: 1.2, repetitionWindow: 4, stop: ["a\n"] };
    const alone: string[] = [];
    for (const [k, prompt] of prompts.entries())
      alone.push((await written({ ...run, session, ...how, prompt, seed: 5 + k })).text);
    for (const batchSize of [undefined, 1, 2, 8]) {
      const answers = await generateBatch({ ...run, ...how, prompts, seed: 5, batchSize });
      expect(answers.map((one) => one.text)).toEqual(alone);
      expect(answers.map((one) => one.prompt)).toEqual(prompts);
    }
    expect(await generateBatch({ ...run, prompts: [] })).toEqual([]);
    expect(await generateBatch({ ...run, prompts: ["a"], length: 0 })).toEqual([
      { prompt: "a", text: "", end: "length" },
    ]);
    await expect(generateBatch({ ...run, prompts: ["a", 5 as never] })).rejects.toThrow(
      /prompts\[1\]: expected a string, got 5/,
    );
  });
});

describe("beam search", () => {
  /** Every text of `length` tokens with its log probability, best first. */
  async function everyText(run: Awaited<ReturnType<typeof open>>, prompt: string, length: number) {
    const V = run.model.config.vocabularySize;
    const found: { tokens: number[]; logProbability: number }[] = [];
    for (let n = 0; n < V ** length; n++) {
      const tokens = Array.from({ length }, (_, k) => Math.floor(n / V ** k) % V);
      run.session.reset();
      let logProbability = 0;
      let logits: ArrayLike<number> = [];
      for (const token of run.tokenizer.encode(prompt)) logits = await run.session.next([token]);
      for (const token of tokens) {
        logProbability += logProbabilities(logits)[token]!;
        logits = await run.session.next([token]);
      }
      found.push({ tokens, logProbability });
    }
    return found.sort((a, b) => b.logProbability - a.logProbability);
  }

  test("with beams for everything it finds the likeliest texts there are", async () => {
    const run = await open("abc");
    const { session, ...rest } = run;
    const all = await everyText(run, "ab", 3);
    const found = await beamSearch({ ...rest, prompt: "ab", beams: 27, length: 3, count: 5 });
    expect(found.map((one) => one.tokens)).toEqual(all.slice(0, 5).map((one) => one.tokens));
    found.forEach((one, k) => {
      expect(one.logProbability).toBeCloseTo(all[k]!.logProbability, 9);
      expect(one.score).toBeCloseTo(one.logProbability / 3, 9);
      expect(one).toMatchObject({ end: "length", text: rest.tokenizer.decode(one.tokens) });
    });
  });

  test("one beam is what is likeliest step by step; more are never worse; the same again", async () => {
    const { session, ...run } = await open();
    const greedy = await written({ session, tokenizer: run.tokenizer, prompt: "ab", length: 20, temperature: 0 });
    const [one] = await beamSearch({ ...run, prompt: "ab", beams: 1, length: 20 });
    expect(one!.text).toBe(greedy.text);
    expect(one!.logProbability).toBeCloseTo(
      greedy.tokens.reduce((sum, t) => sum + t.logProbability, 0),
      9,
    );
    const wide = await beamSearch({ ...run, prompt: "ab", beams: 6, length: 20, count: 6 });
    expect(wide[0]!.score).toBeGreaterThanOrEqual(one!.score);
    expect(wide).toHaveLength(6);
    expect(await beamSearch({ ...run, prompt: "ab", beams: 6, length: 20, count: 6 })).toEqual(wide);
  });

  test("end tokens and stop strings end texts; the length penalty weighs short against long", async () => {
    const { session, ...run } = await open("abc", { kind: "character", specialTokens: ["<|end|>"] });
    const same = { ...run, beams: 8, count: 8, length: 10 };
    const byTotal = await beamSearch({ ...same, lengthPenalty: 0 });
    const byMean = await beamSearch({ ...same, lengthPenalty: 1 });
    expect(byTotal.some((one) => one.end === "end-token")).toBe(true);
    const mean = (texts: typeof byMean) => texts.reduce((sum, one) => sum + one.tokens.length, 0) / texts.length;
    expect(mean(byTotal)).toBeLessThan(mean(byMean));
    for (const one of byTotal) expect(one.text).not.toContain("<|");
    const unended = await beamSearch({ ...same, endTokens: [] });
    expect(unended.every((one) => one.end === "length" && one.tokens.length === 10)).toBe(true);
    const stopped = await beamSearch({ ...same, stop: ["b"], lengthPenalty: 0 });
    expect(stopped.some((one) => one.end === "stop")).toBe(true);
    for (const one of stopped) expect(one.text).not.toContain("b");
  });

  test("the last step counts as any other, however many texts have ended before", async () => {
    const { session, ...run } = await open("ab", { kind: "character", specialTokens: ["<|end|>"] });
    const { tokenizer, parameters } = run;
    const [a, end] = [tokenizer.encode("a")[0]!, tokenizer.specialTokens["<|end|>"]!];
    // Whatever stands before: a 0.36, the end 0.34, all others less. Each step makes the best text that ends a little better.
    const logits = new Float64Array(tokenizer.vocabularySize).fill(Math.log(0.3 / (tokenizer.vocabularySize - 2)));
    logits[a] = Math.log(0.36);
    logits[end] = Math.log(0.34);
    parameters.write("head.weight", (await parameters.read("head.weight")).fill(0));
    parameters.write("head.bias", logits);
    const found = await beamSearch({ ...run, beams: 2, count: 2, length: 6 });
    expect(found.map((one) => one.tokens)).toEqual([
      [a, a, a, a, a, a],
      [a, a, a, a, a, end],
    ]);
  });

  test("refuses in words", async () => {
    const { session, ...run } = await open();
    await expect(beamSearch({ ...run, beams: 0 })).rejects.toThrow(/beams: expected .* at least 1/);
    await expect(beamSearch({ ...run, beams: 2, count: 3 })).rejects.toThrow(/count: expected .* from 1 to 2/);
    await expect(beamSearch({ ...run, lengthPenalty: Number.NaN })).rejects.toThrow(/lengthPenalty/);
    await expect(beamSearch({ ...run, stop: [""] })).rejects.toMatchObject({ code: "bad-option" });
    await expect(beamSearch({ ...run, prompt: "xyz" })).rejects.toMatchObject({ code: "unknown-token" });
  });
});

describe("surprisal", () => {
  test("is −log p of each token, with its rank and what was expected", async () => {
    const { session, tokenizer } = await open();
    const found = [];
    for await (const one of surprisal({ session, tokenizer, text: "abc de", alternatives: 2 })) found.push(one);
    expect(found.map((one) => one.text).join("")).toBe("abc de");
    session.reset();
    let last = tokenizer.encode("\n")[0]!;
    for (const one of found) {
      const own = logProbabilities(await session.next([last]));
      expect(one.nats).toBeCloseTo(-own[one.token]!, 10);
      expect(one.rank).toBe(1 + [...own].filter((p) => p > own[one.token]!).length);
      expect(one.alternatives.map((a) => a.token)).toEqual(likeliest(own, 2));
      last = one.token;
    }
    await expect(surprisal({ session, tokenizer, text: "" }).next()).rejects.toMatchObject({ code: "text-empty" });
    await expect(surprisal({ session, tokenizer, text: "x" }).next()).rejects.toMatchObject({ code: "unknown-token" });
  });
});
