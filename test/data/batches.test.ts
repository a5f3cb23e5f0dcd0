import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BucketedBatchesOptions, bucketedBatches } from "../../src/data/bucketed-batches.ts";
import { bucketedOrder } from "../../src/data/bucketed-order.ts";
import { carriedBatches, fitWindows } from "../../src/data/carried-batches.ts";
import { padSequences } from "../../src/data/pad-sequences.ts";
import { shuffle } from "../../src/data/shuffle.ts";

describe("carried batches", () => {
  const shape = fc.record({
    n: fc.integer({ min: 2, max: 400 }),
    streams: fc.integer({ min: 1, max: 9 }),
    steps: fc.integer({ min: 1, max: 20 }),
    partial: fc.boolean(),
  });

  test("stream b read over all windows is its piece of the text, the targets one token later", () => {
    fc.assert(
      fc.property(shape, ({ n, streams, steps, partial }) => {
        const tokens = Int32Array.from({ length: n }, (_, i) => i);
        const length = Math.floor((n - 1) / streams);
        fc.pre(length >= (partial ? 1 : steps));
        const batches = carriedBatches({ tokens, streams, steps, partial });
        const used = partial ? length : Math.floor(length / steps) * steps;
        expect(batches.tokensPerEpoch).toBe(used * streams);
        const windows = Array.from({ length: batches.batchesPerEpoch }, (_, k) => batches.batch(3, k));
        for (let b = 0; b < streams; b++) {
          const column = (of: "tokens" | "targets") =>
            windows.flatMap(({ inputs, steps: T }) =>
              Array.from({ length: T! }, (_, t) => inputs[of]![t * streams + b]!),
            );
          const expected = Array.from({ length: used }, (_, i) => b * length + i);
          expect(column("tokens")).toEqual(expected);
          expect(column("targets")).toEqual(expected.map((token) => token + 1));
        }
        windows.forEach((window, k) => {
          expect(window).toMatchObject({ first: k === 0, rows: streams, weight: streams * window.steps! });
          expect(window.steps).toBe(k < windows.length - 1 || !partial ? steps : used - k * steps);
          expect(batches.batch(0, k)).toEqual(window);
        });
      }),
    );
  });

  test("time-major, by hand", () => {
    const batches = carriedBatches({
      tokens: Uint8Array.of(10, 11, 12, 13, 14, 20, 21, 22, 23, 24, 30),
      streams: 2,
      steps: 2,
    });
    const [first, second] = [0, 1].map((k) => batches.batch(0, k).inputs);
    expect(first).toEqual({ tokens: Int32Array.of(10, 20, 11, 21), targets: Int32Array.of(11, 21, 12, 22) });
    expect(second!.tokens).toEqual(Int32Array.of(12, 22, 13, 23));
  });

  test("the recipe for tinyshakespeare", () => {
    const batches = carriedBatches({ tokens: new Uint8Array(1_003_854), streams: 50, steps: 50 });
    expect(batches.batchesPerEpoch).toBe(401);
    expect(batches.tokensPerEpoch).toBe(401 * 2500);
  });

  test("too few tokens: the message says what would do", () => {
    const tokens = new Int32Array(101);
    expect(() => carriedBatches({ tokens, streams: 20, steps: 10 })).toThrow(/at least 201.*got 101; with 10 streams/);
    expect(carriedBatches({ tokens, streams: 10, steps: 10 }).batchesPerEpoch).toBe(1);
    for (const length of [0, 1]) {
      const none = new Int32Array(length);
      expect(() => carriedBatches({ tokens: none, streams: 1, steps: 1 })).toThrow(
        expect.objectContaining({ code: "too-few-tokens" }),
      );
      expect(() => fitWindows(length, { streams: 1, steps: 1 })).toThrow(
        expect.objectContaining({ code: "too-few-tokens" }),
      );
    }
    expect(() => carriedBatches({ tokens, streams: 0, steps: 10 })).toThrow(
      expect.objectContaining({ code: "out-of-range" }),
    );
    expect(() => carriedBatches({ tokens, streams: 1, steps: 0.5 })).toThrow(
      expect.objectContaining({ code: "not-an-integer" }),
    );
    expect(() => carriedBatches({ tokens, streams: 1, steps: 10 }).batch(0, 10)).toThrow(
      expect.objectContaining({ code: "out-of-range" }),
    );
  });

  test("what fitWindows proposes fits, and is what was wanted where that fits", () => {
    fc.assert(
      fc.property(shape, fc.integer({ min: 1, max: 5 }), ({ n, streams, steps }, windows) => {
        const fitted = fitWindows(n, { streams, steps, windows });
        const found = carriedBatches({ tokens: new Int32Array(n), ...fitted }).batchesPerEpoch;
        if (n - 1 >= windows) expect(found).toBeGreaterThanOrEqual(windows);
        if (Math.floor((n - 1) / streams) >= steps * windows) expect(fitted).toEqual({ streams, steps });
      }),
    );
  });
});

describe("padded batches", () => {
  test("hold the sequences, and nothing but padding beyond them", () => {
    const sequences = fc.array(fc.array(fc.integer({ min: 1, max: 99 }), { maxLength: 8 }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(sequences, fc.nat(3), (all, more) => {
        const longest = Math.max(...all.map((sequence) => sequence.length));
        fc.pre(longest > 0);
        for (const channels of [1, 3])
          for (const side of ["end", "start"] as const) {
            const given = all.map((sequence) =>
              sequence.flatMap((token) => Array.from({ length: channels }, (_, d) => token + d / 4)),
            );
            const padded = padSequences(given, { steps: longest + more, channels, side, value: 7 });
            const { x, lengths, mask, steps, rows } = padded;
            expect([steps, rows]).toEqual([longest + more, all.length]);
            expect([...lengths]).toEqual(all.map((sequence) => sequence.length));
            for (let t = 0; t < steps; t++) {
              for (let b = 0; b < rows; b++) {
                const at = side === "end" ? t : t - (steps - lengths[b]!);
                const there = at >= 0 && at < lengths[b]!;
                expect(mask[t * rows + b]).toBe(there ? 1 : 0);
                for (let d = 0; d < channels; d++)
                  expect(x[(t * rows + b) * channels + d]).toBe(there ? given[b]![at * channels + d] : 7);
              }
            }
          }
      }),
    );
  });

  test("without a token are an error", () => {
    for (const none of [[], [[], []]])
      expect(() => padSequences(none)).toThrow(expect.objectContaining({ code: "empty-batch" }));
    // Of a given length they are padding alone.
    expect(padSequences([[], []], { steps: 1, value: 7 })).toMatchObject({
      x: Float64Array.of(7, 7),
      mask: new Float64Array(2),
    });
    expect(() => padSequences([[]], { steps: 0 })).toThrow(expect.objectContaining({ code: "out-of-range" }));
    expect(() => padSequences([], { steps: 2 })).toThrow(expect.objectContaining({ code: "empty-batch" }));
    expect(() => padSequences([[1, 2]], { steps: 1 })).toThrow(expect.objectContaining({ code: "out-of-range" }));
    expect(() => padSequences([[1, 2, 3]], { channels: 2 })).toThrow(
      /a multiple of 2 numbers.*sequence 0 is an array of 3/,
    );
    expect(() => padSequences([3 as never])).toThrow(/sequence 0 is 3/);
    const nested = [
      [1, 2],
      [3, 4],
      [5, 6],
    ];
    expect(() => padSequences([[7], nested as never])).toThrow(
      /sequence 1 holds an array of 2 for a step; give it .flat/,
    );
    expect(padSequences([nested.flat()], { channels: 2 })).toMatchObject({
      steps: 3,
      x: Float64Array.of(1, 2, 3, 4, 5, 6),
    });
    expect(() => padSequences([[1]], { side: "left" as never })).toThrow(
      expect.objectContaining({ code: "unknown-choice" }),
    );
    expect([...padSequences([[1, 2], [3]], { value: 9 }).x]).toEqual([1, 3, 2, 9]);
  });
});

describe("order", () => {
  test("a shuffle is a permutation, a function of seed and epoch", () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(), fc.nat(20), (n, seed, epoch) => {
        const order = shuffle(n, seed, epoch);
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
        expect(shuffle(n, seed, epoch)).toEqual(order);
      }),
    );
    expect(shuffle(50, 1, 0)).not.toEqual(shuffle(50, 1, 1));
    expect(shuffle(50, 1, 0)).not.toEqual(shuffle(50, 2, 0));
  });

  test("batches by length have every example once, and little padding", () => {
    const lengths = shuffle(1000, 7, 0).map((i) => i % 97);
    const options = { lengths, batchSize: 16, bucket: 50, evenBatches: true, seed: 3, epoch: 2 };
    const padding = (batches: Uint32Array[]) =>
      batches.reduce((sum, batch) => {
        const own = [...batch].map((i) => lengths[i]!);
        return sum + own.length * Math.max(...own) - own.reduce((a, b) => a + b);
      }, 0);
    const batches = bucketedOrder(options);
    expect(batches.flatMap((batch) => [...batch]).sort((a, b) => a - b)).toEqual(Array.from(lengths, (_, i) => i));
    expect(batches.map((batch) => batch.length).filter((length) => length !== 16)).toEqual([12, 12]);
    expect(padding(batches)).toBeLessThan(0.1 * padding(bucketedOrder({ ...options, bucket: 1 })));
    expect(bucketedOrder(options)).toEqual(batches);
    expect(bucketedOrder({ ...options, epoch: 3 })).not.toEqual(batches);
    expect(bucketedOrder({ ...options, lengths: [] })).toEqual([]);
  });
});

test.each([
  [50, 16, 50, [16, 16, 9, 9]],
  [50, 16, 1, [16, 16, 9, 9]],
  [33, 16, 2, [16, 9, 8]],
  [17, 16, 50, [9, 8]],
  [48, 16, 2, [16, 16, 16]],
  [5, 16, 50, [5]],
])("no batch of a few is left at the end: %i in batches of %i, buckets of %i", (n, batchSize, bucket, sizes) => {
  const lengths = Array.from({ length: n }, (_, k) => k % 7);
  const options = { lengths, batchSize, bucket, evenBatches: true, seed: 1, epoch: 0 };
  const sizesOf = (batches: Uint32Array[]) => batches.map(({ length }) => length).sort((a, b) => b - a);
  const batches = bucketedOrder(options);
  expect(sizesOf(batches)).toEqual(sizes);
  expect(batches.flatMap((batch) => [...batch]).sort((a, b) => a - b)).toEqual([...lengths.keys()]);
  // As PyTorch's DataLoader has it.
  const full: number[] = new Array(Math.floor(n / batchSize)).fill(batchSize);
  const rest = n % batchSize > 0 ? [n % batchSize] : [];
  expect(sizesOf(bucketedOrder({ ...options, evenBatches: false }))).toEqual([...full, ...rest]);
});

describe("batches of examples of different length", () => {
  const lengths = shuffle(101, 7, 0).map((i) => i % 40);
  const batches = (options: Partial<BucketedBatchesOptions> = {}) =>
    bucketedBatches({ lengths, batchSize: 8, inputs: (chosen, steps) => ({ chosen, steps: [steps] }), ...options });

  test("have every example once in each epoch, by their place alone", async () => {
    const source = batches();
    expect(source.batchesPerEpoch).toBe(13);
    const read = async (epoch: number) => {
      const all: number[] = [];
      for (let index = 0; index < 13; index++)
        all.push(...Array.from((await source.batch(epoch, index)).inputs.chosen!));
      return all;
    };
    const first = await read(0);
    expect([...first].sort((a, b) => a - b)).toEqual(Array.from(lengths, (_, i) => i));
    expect(await read(1)).not.toEqual(first);
    expect(await read(0)).toEqual(first);
    expect((await source.batch(2, 12)).inputs).toEqual((await batches().batch(2, 12)).inputs);
    expect((await batches({ seed: 1 }).batch(2, 12)).inputs).not.toEqual((await batches().batch(2, 12)).inputs);
  });

  test("are padded to few lengths, at most a quarter more than needed", async () => {
    const source = batches({ bucket: 3 });
    const seen = new Set<number>();
    for (let epoch = 0; epoch < 5; epoch++)
      for (let index = 0; index < 13; index++) {
        const { inputs, rows, steps, weight } = await source.batch(epoch, index);
        const longest = Math.max(1, ...Array.from(inputs.chosen!, (i) => lengths[i]!));
        expect([rows, steps, weight]).toEqual([inputs.chosen!.length, inputs.steps![0], undefined]);
        expect(steps).toBeGreaterThanOrEqual(longest);
        expect(steps).toBeLessThanOrEqual(Math.min(39, longest * 1.25));
        seen.add(steps!);
      }
    expect(seen.size).toBeLessThanOrEqual(21);
  });

  test("say who they are, and what is wrong", () => {
    expect(batches({ identity: { file: "a.csv" } }).identity).toMatchObject({
      file: "a.csv",
      examples: 101,
      batchSize: 8,
    });
    // Checkpoints from before batches were even know nothing of it: what it does not change is told like before.
    expect(batches().identity).toHaveProperty("evenBatches", true);
    expect(batches({ evenBatches: false }).identity).not.toHaveProperty("evenBatches");
    expect(batches({ batchSize: 101 }).identity).not.toHaveProperty("evenBatches");
    expect(() => batches({ lengths: [] })).toThrow(expect.objectContaining({ code: "no-examples" }));
    expect(() => batches({ lengths: [1, -1] })).toThrow(/lengths\[1\]/);
    expect(() => batches({ batchSize: 0 })).toThrow(expect.objectContaining({ code: "out-of-range" }));
  });
});
