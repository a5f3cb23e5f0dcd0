import fc from "fast-check";
import { expect, test } from "vitest";
import { RandomStream } from "../../src/shared/random.ts";
import { ngramBaselines } from "../../src/text/ngram.ts";
import { PairCounts } from "../../src/text/pair-counts.ts";

test("pair counts are those of a Map", () => {
  const pair = fc.tuple(fc.nat(2 ** 26 - 1), fc.nat(2 ** 26 - 1));
  const pairs = fc.oneof(
    fc.array(pair, { maxLength: 200 }),
    fc.array(fc.tuple(fc.nat(90), fc.nat(90)), { minLength: 4000, maxLength: 6000 }),
  );
  fc.assert(
    fc.property(pairs, (all) => {
      const counts = new PairCounts(2 ** 26);
      const expected = new Map<string, number>();
      for (const [a, b] of all) {
        counts.add(a, b);
        expected.set(`${a} ${b}`, (expected.get(`${a} ${b}`) ?? 0) + 1);
      }
      expect(counts.size).toBe(expected.size);
      for (const [a, b] of all) expect(counts.get(a, b)).toBe(expected.get(`${a} ${b}`));
      const seen = new Map<string, number>();
      counts.forEach((a, b, times) => {
        seen.set(`${a} ${b}`, times);
      });
      expect(seen).toEqual(expected);
      expect(counts.get(2 ** 26 - 1, 2 ** 26 - 2)).toBe(expected.get(`${2 ** 26 - 1} ${2 ** 26 - 2}`) ?? 0);
    }),
    { numRuns: 20 },
  );
});

test("unigram: add-one by hand", () => {
  // c = (3, 1, 0), N = 4, V = 3: p = (4, 2, 1) / 7. Predicted are tokens 1, 2, 0.
  const { unigram } = ngramBaselines(Int32Array.of(0, 0, 1, 0), Int32Array.of(0, 1, 2, 0), 3);
  expect(unigram).toBeCloseTo(-(Math.log(2 / 7) + Math.log(1 / 7) + Math.log(4 / 7)) / 3, 12);
});

test("of independent tokens both come to the entropy", () => {
  const n = 40_000;
  const probabilities = [0.5, 0.25, 0.125, 0.125];
  const draw = (purpose: string) =>
    new RandomStream(1, purpose).uniform(n).map((u) => (u < 0.5 ? 0 : u < 0.75 ? 1 : u < 0.875 ? 2 : 3));
  const entropy = -probabilities.reduce((sum, p) => sum + p * Math.log(p), 0);
  const found = ngramBaselines(Int32Array.from(draw("train")), Int32Array.from(draw("validation")), 4);
  expect(Math.abs(found.unigram - entropy)).toBeLessThan(0.01);
  expect(Math.abs(found.bigram - entropy)).toBeLessThan(0.01);
});

test("of a Markov chain the bigram comes to the entropy rate, the unigram does not", () => {
  const n = 40_000;
  const chain = (purpose: string) => {
    let state = 0;
    return Int32Array.from(new RandomStream(2, purpose).uniform(n), (u) => {
      state = u < 0.9 ? (state + 1) % 5 : Math.floor((u - 0.9) * 50) % 5;
      return state;
    });
  };
  // From each state: 0.92 to the next one, 0.02 to each of the four others.
  const rate = -(0.92 * Math.log(0.92) + 0.08 * Math.log(0.02));
  const found = ngramBaselines(chain("train"), chain("validation"), 5);
  expect(found.unigram).toBeCloseTo(Math.log(5), 2);
  expect(Math.abs(found.bigram - rate)).toBeLessThan(0.015);
});

test("each distribution sums to one", () => {
  const train = Int32Array.from({ length: 300 }, (_, i) => (i * i + (i >> 3)) % 7);
  const V = 9;
  for (const context of [0, 1, 2, 8]) {
    let unigram = 0;
    let bigram = 0;
    for (let w = 0; w < V; w++) {
      const found = ngramBaselines(train, Int32Array.of(context, w), V);
      unigram += Math.exp(-found.unigram);
      bigram += Math.exp(-found.bigram);
    }
    expect(unigram).toBeCloseTo(1, 12);
    expect(bigram).toBeCloseTo(1, 12);
  }
});

test("a large vocabulary costs memory by pairs, and tokens never seen have a probability", () => {
  const V = 2 ** 26;
  const found = ngramBaselines(Int32Array.of(1, 2, 3, 1, 2, 3, 1, 2), Int32Array.of(1, 2, V - 1), V);
  expect(found.bigram).toBeGreaterThan(0);
  expect(found.bigram).toBeLessThan(Number.POSITIVE_INFINITY);
});

test("only the first maxTokens are counted", () => {
  const train = Int32Array.from({ length: 1000 }, (_, i) => (i < 500 ? i % 2 : 2));
  const validation = Int32Array.of(0, 1, 0, 1, 0, 1);
  const all = ngramBaselines(train, validation, 3);
  const half = ngramBaselines(train, validation, 3, { maxTokens: 500 });
  expect(half.trainTokens).toBe(500);
  expect(half.unigram).toBeLessThan(all.unigram);
});

test("bad input", () => {
  const two = Int32Array.of(0, 1);
  expect(() => ngramBaselines(Int32Array.of(0), two, 2)).toThrow(expect.objectContaining({ code: "too-few-tokens" }));
  expect(() => ngramBaselines(two, Int32Array.of(), 2)).toThrow(expect.objectContaining({ code: "too-few-tokens" }));
  expect(() => ngramBaselines(two, Int32Array.of(0, 2), 2)).toThrow(
    expect.objectContaining({ code: "token-out-of-range" }),
  );
  expect(() => ngramBaselines(Int32Array.of(0, -1), two, 2)).toThrow(
    expect.objectContaining({ code: "token-out-of-range" }),
  );
  expect(() => ngramBaselines(two, two, 2, { add: 0 })).toThrow(expect.objectContaining({ code: "out-of-range" }));
});
