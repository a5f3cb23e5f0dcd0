import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import { openSession } from "../../src/run/session.ts";
import { evaluateText, openTextEvaluator } from "../../src/train/evaluate-text.ts";
import { partsOf, type TinyRun, tinyRun } from "../support/tiny-run.ts";

let machine: SynchronousMachine;
let run: TinyRun;
let tokens: Int32Array;
beforeAll(async () => {
  machine = openReference();
  run = await tinyRun(machine, { dropout: 0.5 });
  tokens = run.tokens.subarray(0, 48);
});
afterAll(() => machine.close());

/** Token by token through a session: Σ −log softmax(logits)[next], from zero state. */
async function byHand(stream: Int32Array): Promise<number> {
  const session = await openSession({ ...partsOf(run), machine });
  let sum = 0;
  for (let t = 0; t + 1 < stream.length; t++) {
    const logits = await session.next([stream[t]!]);
    sum += Math.log(Array.from(logits).reduce((total, x) => total + Math.exp(x), 0)) - logits[stream[t + 1]!]!;
  }
  session.close();
  return sum;
}

describe("evaluateText", () => {
  test("is the mean of −log p of every token after the first", async () => {
    const expected = (await byHand(tokens)) / 47;
    // 47 is no multiple of 10: the last window is shorter, and nothing is left out.
    for (const sequenceLength of [1, 10, 47, 100]) {
      const score = await evaluateText({ ...run, machine, tokens, batchSize: 1, sequenceLength });
      expect(score.tokens).toBe(47);
      expect(score.loss).toBeCloseTo(expected, 12);
      expect(score.perplexity).toBeCloseTo(Math.exp(expected), 12);
      expect(score.bitsPerToken).toBeCloseTo(expected / Math.LN2, 12);
    }
  });

  test("of several streams is the mean over all of them, each from zero state", async () => {
    const streams = [0, 11, 22, 33].map((start) => tokens.subarray(start, start + 12));
    const sums = await Promise.all(streams.map(byHand));
    const score = await evaluateText({ ...run, machine, tokens, batchSize: 4, sequenceLength: 5 });
    expect(score.tokens).toBe(44);
    expect(score.loss).toBeCloseTo(sums.reduce((a, b) => a + b, 0) / 44, 12);
  });

  test("reads 32 streams by 64 steps where nothing else is asked for, fewer of a short text", async () => {
    const long = Int32Array.from({ length: 32 * 70 + 1 }, (_, k) => tokens[(7 * k) % tokens.length]!);
    const given = { ...run, machine, tokens: long };
    const asked = await evaluateText({ ...given, batchSize: 32, sequenceLength: 64 });
    expect(await evaluateText(given)).toEqual(asked);
    expect(await evaluateText({ ...given, batchSize: 16 })).not.toEqual(asked);
    // Of 48 tokens one stream has 47 steps.
    const short = await evaluateText({ ...run, machine, tokens });
    expect(short).toEqual(await evaluateText({ ...run, machine, tokens, batchSize: 1 }));
  });

  test("gives the same each time it runs, and stops when aborted", async () => {
    const evaluator = await openTextEvaluator({ ...run, machine, tokens });
    const first = await evaluator.run();
    expect(await evaluator.run()).toEqual(first);
    await expect(evaluator.run({ signal: AbortSignal.abort("enough") })).rejects.toBe("enough");
    expect(await evaluator.run()).toEqual(first);
    evaluator.close();
  });

  test("takes the numbers of any array", async () => {
    const of = async (own: ArrayLike<number>) => evaluateText({ ...run, machine, tokens: own });
    const scores = await of(tokens);
    expect(await of(Array.from(tokens))).toEqual(scores);
    expect(await of(Float32Array.from(tokens))).toEqual(scores);
  });

  test("refuses what cannot be measured", async () => {
    const code = (options: object) =>
      evaluateText({ ...run, machine, tokens, ...options }).then(
        () => undefined,
        (error) => error.code,
      );
    expect(await code({ tokens: tokens.subarray(0, 1) })).toBe("too-few-tokens");
    expect(await code({ batchSize: 48 })).toBe("too-few-tokens");
    expect(await code({ batchSize: 0 })).toBe("out-of-range");
    expect(await code({ sequenceLength: 0 })).toBe("out-of-range");
    for (const wrong of [[1, 2.5, 3], "123", [1n, 2n], new Float32Array([1, Number.NaN])])
      expect(await code({ tokens: wrong })).toBe("not-tokens");
    expect(await code({ tokens: Int32Array.of(0, 1, 5, 2) })).toBe("out-of-range");
    expect(await code({ machine: openReference() })).toBe("wrong-machine");
  });
});
