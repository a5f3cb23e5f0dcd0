import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { candidates, choose, draw, type SampleOptions, sampleUniform } from "../../src/run/sample.ts";

/** The plain definition: softmax of logits / temperature, then keep what the options say, then divide by what is left. */
function plainly(logits: readonly number[], { temperature = 1, topK, topP = 1, exclude = [] }: SampleOptions) {
  const weight = logits.map((x, v) => (exclude.includes(v) ? 0 : Math.exp(x / temperature)));
  const total = weight.reduce((a, b) => a + b, 0);
  let left = weight.map((w, token) => ({ token, p: w / total })).filter(({ p }) => p > 0);
  left = left.sort((a, b) => b.p - a.p || a.token - b.token).slice(0, topK ?? logits.length);
  const kept = left.reduce((a, { p }) => a + p, 0);
  // The smallest number of tokens whose probability, of those that topK left, is at least topP.
  for (let n = 1; n <= left.length; n++) {
    const reached = left.slice(0, n).reduce((a, { p }) => a + p, 0);
    if (reached / kept >= topP - 1e-12 && topP < 1) left = left.slice(0, n);
  }
  const sum = left.reduce((a, { p }) => a + p, 0);
  return left.map(({ token, p }) => ({ token, probability: p / sum }));
}

describe("candidates", () => {
  // Multiples of 1/8, so that equal logits occur; topP is never exactly a sum of probabilities.
  const logits = fc
    .array(fc.integer({ min: -40, max: 40 }), { minLength: 1, maxLength: 12 })
    .map((x) => x.map((n) => n / 8));
  const options = fc.record(
    {
      temperature: fc.constantFrom(0.3, 0.8, 1, 2),
      topK: fc.integer({ min: 1, max: 14 }),
      topP: fc.constantFrom(0.05123, 0.31234, 0.61234, 0.912345, 1),
    },
    { requiredKeys: [] },
  );

  test("are those of the plain definition", () => {
    fc.assert(
      fc.property(logits, options, (x, o) => {
        const found = candidates(x, o);
        const expected = plainly(x, o);
        expect(found.map((c) => c.token)).toEqual(expected.map((c) => c.token));
        found.forEach((c, k) => {
          expect(c.probability).toBeCloseTo(expected[k]!.probability, 12);
        });
      }),
      { numRuns: 300 },
    );
  });

  test("by hand: [0.5, 0.3, 0.15, 0.05]", () => {
    const x = [0.15, 0.5, 0.05, 0.3].map(Math.log);
    const tokens = (o: SampleOptions) => candidates(x, o).map((c) => c.token);
    expect(tokens({})).toEqual([1, 3, 0, 2]);
    expect(tokens({ topK: 2 })).toEqual([1, 3]);
    expect(tokens({ topP: 0.7 })).toEqual([1, 3]);
    expect(tokens({ topP: 0.4 })).toEqual([1]);
    expect(tokens({ topP: 0.9 })).toEqual([1, 3, 0]);
    expect(tokens({ temperature: 0, topK: 3 })).toEqual([1]);
    expect(tokens({ exclude: [1], topK: 1 })).toEqual([3]);
    // topP counts within what topK left: 0.5 / 0.8 = 0.625.
    expect(tokens({ topK: 2, topP: 0.62 })).toEqual([1]);
    expect(candidates(x, { exclude: [1] })[0]!.probability).toBeCloseTo(0.6, 12);
  });

  test("the greedy choice among equals is the first token", () => {
    expect(candidates([1, 3, 3, 2], { temperature: 0 })).toEqual([{ token: 1, probability: 1 }]);
  });

  test("logits far from 0 neither overflow nor vanish", () => {
    expect(candidates([1e300, 1e300 - 1e290, -1e300], { temperature: 0.1 }).map((c) => c.probability)).toEqual([
      1, 0, 0,
    ]);
    expect(candidates([-1000, -1001]).map((c) => c.probability)[0]).toBeCloseTo(1 / (1 + Math.exp(-1)), 12);
    expect(candidates([0, Number.NEGATIVE_INFINITY])).toEqual([{ token: 0, probability: 1 }]);
  });

  test.each<[readonly number[], SampleOptions, string]>([
    [[1, Number.NaN], {}, "not-finite"],
    [[1, Number.POSITIVE_INFINITY], {}, "not-finite"],
    [[1, 2], { exclude: [0, 1] }, "out-of-range"],
    [[1, 2], { temperature: -1 }, "out-of-range"],
    [[1, 2], { temperature: Number.NaN }, "out-of-range"],
    [[1, 2], { topK: 0 }, "out-of-range"],
    [[1, 2], { topK: 1.5 }, "not-an-integer"],
    [[1, 2], { topP: 0 }, "out-of-range"],
    [[1, 2], { topP: 1.1 }, "out-of-range"],
  ])("%j with %j is refused", (x, o, code) => {
    expect(() => candidates(x, o)).toThrow(expect.objectContaining({ code }));
  });
});

test("drawing is choosing from the candidates, which it does not list", () => {
  const some = fc.array(fc.constantFrom(-2, -0, 0, 0.5, 1, 3, Number.NEGATIVE_INFINITY), { maxLength: 300 });
  const cuts = fc.record(
    {
      ...{ temperature: fc.constantFrom(0, 0.3, 2), topK: fc.integer({ min: 1, max: 250 }) },
      ...{ topP: fc.constantFrom(1e-9, 0.5, 0.95), minP: fc.constantFrom(0.2, 1), typicalP: fc.constantFrom(0.3, 0.9) },
      exclude: fc.constantFrom([1], [0, 7, 1000]),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(some, cuts, fc.double({ min: 0, max: 0.999999, noNaN: true }), (x, o, u) => {
      const logits = [...x, 0.25, 1];
      expect(draw(logits, o, u)).toBe(choose(candidates(logits, o), u));
    }),
    { numRuns: 500 },
  );
});

describe("choose", () => {
  test("divides [0, 1) in the order of the candidates", () => {
    const from = [
      { token: 7, probability: 0.5 },
      { token: 2, probability: 0.25 },
      { token: 4, probability: 0.25 },
    ];
    expect([0, 0.49, 0.5, 0.74, 0.75, 0.999999].map((u) => choose(from, u))).toEqual([7, 7, 2, 2, 4, 4]);
    // Probabilities that sum to a little less than 1 leave no gap.
    expect(choose([{ token: 3, probability: 0.1 }], 0.9999)).toBe(3);
  });

  test("draws follow the probabilities, and are a function of seed and position", () => {
    const from = candidates([Math.log(0.7), Math.log(0.2), Math.log(0.1)]);
    const counts = [0, 0, 0];
    for (let position = 0; position < 20_000; position++) counts[choose(from, sampleUniform(5, position))]!++;
    // Four standard deviations.
    [0.7, 0.2, 0.1].forEach((p, v) => {
      expect(Math.abs(counts[v]! / 20_000 - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / 20_000));
    });
    expect(sampleUniform(5, 17)).toBe(sampleUniform(5, 17));
    expect(new Set([sampleUniform(5, 17), sampleUniform(5, 18), sampleUniform(6, 17)]).size).toBe(3);
  });
});
