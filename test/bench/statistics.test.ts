import { expect, test } from "vitest";
import { casesNamed, operationsOf } from "../../src/cli/bench/cases.ts";
import { measure } from "../../src/cli/bench/measure.ts";
import { numbersOf } from "../../src/cli/bench/numbers.ts";
import { disagreement, median, quantile, spread } from "../../src/cli/bench/statistics.ts";

test("median, quantile and spread", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(3);
  expect(
    quantile(
      Array.from({ length: 100 }, (_, k) => k),
      0.99,
    ),
  ).toBe(99);
  expect(quantile([5], 0.99)).toBe(5);
  expect(median([])).toBeNaN();
  expect(spread([8, 10, 11])).toBeCloseTo(0.3);
});

test("results that differ, are missing or are no numbers do not agree", () => {
  expect(disagreement([1, 2], [1, 2.0001])).toBeCloseTo(5e-5, 6);
  expect(disagreement([1, 3], [1, 2])).toBeCloseTo(0.5);
  // Of systems that update in their own way only the first loss is there.
  expect(disagreement([1, 2, 3], [1])).toBe(0);
  expect(disagreement([], [1])).toBe(Number.POSITIVE_INFINITY);
  expect(disagreement([Number.NaN], [1])).toBe(Number.POSITIVE_INFINITY);
  expect(disagreement([0.5], [Number.NaN])).toBe(Number.POSITIVE_INFINITY);
  // Near zero the difference counts as it is, beside a thousandth.
  expect(disagreement([1e-9], [0])).toBeCloseTo(1e-6);
});

test("short work is timed together, long work once, and promises are waited for", async () => {
  let calls = 0;
  const short = await measure(() => calls++, { seconds: 0.02, warmup: 0.01, singles: true });
  expect(short.together).toBeGreaterThan(100);
  expect(short.medianMs).toBeLessThan(0.1);
  expect(short.p99Ms).toBeGreaterThan(0);
  expect(calls).toBeGreaterThan(short.together * short.count);
  const waiting = await measure(() => new Promise((resolve) => setTimeout(resolve, 3)), { seconds: 0.01, warmup: 0 });
  expect(waiting.medianMs).toBeGreaterThan(2);
  expect(waiting.count).toBeGreaterThanOrEqual(3);
});

test("names of groups, and work by the formula 2·G·H·(I + H)", () => {
  expect(casesNamed("stream")).toEqual([64, 128, 256, 512, 1024].map((H) => `stream-${H}`));
  expect(casesNamed("stream-int8")).toEqual([64, 128, 256, 512, 1024].map((H) => `stream-int8-${H}`));
  expect(casesNamed("gemm")).toContain("gemm-32x256x1024");
  expect(casesNamed("gemm")).toContain("gemm");
  expect(casesNamed("stream-64")).toEqual(["stream-64"]);
  for (const word of ["", "lstm", "stream-6"]) expect(casesNamed(word)).toEqual([]);
  expect(operationsOf({ kind: "stream", H: 64 })).toBe(2 * 4 * 64 * 128);
  expect(operationsOf({ kind: "regress", D: 7, H: 64, B: 32, T: 96 })).toBe(
    3 * 96 * 32 * (2 * 4 * 64 * 71 + 2 * 64 * 7),
  );
  // A table of 9 rows is multiplied once where a batch has 36 or more.
  const text = { kind: "train", cell: "gru", V: 9, E: 4, H: 6, L: 2, B: 3 } as const;
  const others = 2 * 3 * 6 * 18 + 2 * 6 * 9;
  expect(operationsOf({ ...text, T: 11 })).toBe(3 * 33 * (2 * 3 * 6 * 4 + others));
  expect(operationsOf({ ...text, T: 12 })).toBe(3 * (9 * 2 * 3 * 6 * 4 + 36 * others));
});

test("every run and system starts from the same numbers; a target is the token that follows", () => {
  const c = { kind: "train", cell: "gru", V: 9, E: 4, H: 4, L: 1, B: 3, T: 5 } as const;
  const [a, b] = [numbersOf(c, { "head.weight": [9, 4] }), numbersOf(c, { "head.weight": [9, 4] })];
  expect(a).toEqual(b);
  const [tokens, targets] = [a.tokens!.data, a.targets!.data];
  expect([...targets.subarray(0, 12)]).toEqual([...tokens.subarray(3)]);
  expect([...tokens.subarray(0, 3), ...targets.subarray(12)]).toEqual([0, 0, 0, 0, 0, 0]);
  for (const token of tokens.subarray(3)) expect(token >= 1 && token < 9).toBe(true);
});
