import { expect, test, vi } from "vitest";
import { casesNamed, operationsOf, streamBytes } from "../../src/cli/bench/cases.ts";
import { type MeasureOptions, measure } from "../../src/cli/bench/measure.ts";
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
  expect(quantile([1, 3, 2], 1)).toBe(3);
  expect(median([])).toBeNaN();
  expect(spread([8, 10, 11])).toBeCloseTo(0.3);
});

test("results that differ, are missing or are no numbers do not agree", () => {
  expect(disagreement([1, 2], [1, 2.0001])).toBeCloseTo(5e-5, 6);
  expect(disagreement([1, 3], [1, 2])).toBeCloseTo(0.5);
  expect(disagreement([5, 1], [10, -1])).toBeCloseTo(0.5);
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
  expect(short.cpuMs).not.toBeNull();
  expect(calls).toBeGreaterThan(short.together * short.count);
  const waiting = await measure(() => new Promise((resolve) => setTimeout(resolve, 3)), { seconds: 0.01, warmup: 0 });
  expect(waiting.medianMs).toBeGreaterThan(2);
  expect(waiting.count).toBeGreaterThanOrEqual(3);
});

test("times by a clock of its own: warm-up, windows of two milliseconds, the middle, the least, the spread and the p99", async () => {
  let [time, calls] = [0, 0];
  const clock = vi.spyOn(performance, "now").mockImplementation(() => time);
  /** What is measured of work that takes so many milliseconds, in turn. */
  const of = (takes: readonly number[], options: MeasureOptions) => {
    calls = 0;
    const run = (): void => {
      time += takes[calls++ % takes.length]!;
    };
    return measure(run, options);
  };
  try {
    const alone = { medianMs: 5, fastestMs: 5, p99Ms: 5, within: 0, count: 200, together: 1 };
    expect(await of([5], { warmup: 0.1 })).toMatchObject(alone);
    expect(calls).toBe(1 + 20 + 200);
    expect(await of([5], { warmup: 0, seconds: 0.5 })).toMatchObject({ ...alone, count: 100 });
    expect(await of([5], { seconds: 0.25 })).toMatchObject({ ...alone, p99Ms: null, count: 50 });
    expect(calls).toBe(1 + 80 + 50);
    expect(await of([5], { seconds: 0, warmup: 0 })).toMatchObject({ ...alone, p99Ms: null, count: 3 });
    const short = { medianMs: 0.5, fastestMs: 0.5, within: 0, together: 4 };
    expect(await of([0.5], { warmup: 0 })).toMatchObject({ ...short, p99Ms: null, count: 500 });
    expect(await of([0.5], { warmup: 0, seconds: 0.5, singles: true })).toMatchObject({
      ...short,
      p99Ms: 0.5,
      count: 250,
    });
    expect(calls).toBe(1 + 4 * 250 + 500);
    expect(await of([0.5], { warmup: 0, seconds: 0.02, singles: true })).toMatchObject({ p99Ms: 0.5, count: 10 });
    expect(calls).toBe(1 + 4 * 10 + 200);
    const promised = async () => {
      calls++;
      time += 0.5;
    };
    calls = 0;
    expect(await measure(promised, { warmup: 0, seconds: 0.02 })).toMatchObject({ ...short, count: 10 });
    expect(calls).toBe(1 + 4 * 10);
    expect(await of([4, 6], { warmup: 0 })).toMatchObject({ medianMs: 6, fastestMs: 4, within: 2 / 6, count: 200 });
    expect(await of([3000.5], {})).toMatchObject({
      medianMs: 3000.5,
      fastestMs: 3000.5,
      p99Ms: null,
      within: 0,
      count: 1,
    });
    expect(calls).toBe(1);
    expect(await of([3000], { warmup: 0 })).toMatchObject({ medianMs: 3000, count: 3 });
  } finally {
    clock.mockRestore();
  }
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
  expect(operationsOf({ kind: "sequence", H: 5, B: 2, T: 3 })).toBe(3 * 2 * (2 * 4 * 5 * 10));
  expect(operationsOf({ kind: "gemm", m: 2, k: 3, n: 5 })).toBe(60);
  const rnn = { kind: "train", cell: "rnn", V: 99, E: 4, H: 6, L: 1, B: 1, T: 2 } as const;
  expect(operationsOf(rnn)).toBe(3 * 2 * (2 * 6 * (4 + 6) + 2 * 6 * 99));
  // W and U of four gates, four bytes a weight or one.
  expect([false, true].map((int8) => streamBytes({ kind: "stream", H: 8, int8 }))).toEqual([2048, 512]);
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
