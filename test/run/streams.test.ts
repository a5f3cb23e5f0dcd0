import fc from "fast-check";
import { expect, test } from "vitest";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import { languageModel } from "../../src/models/language-model.ts";
import { quantize } from "../../src/run/quantize.ts";
import { openSession } from "../../src/run/session.ts";
import { openStreams } from "../../src/run/streams.ts";
import { mapValues } from "../../src/shared/records.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { onMachines } from "../layers/on-machines.ts";

const V = 11;
const capacity = 5;
const model = languageModel({ vocabularySize: V, embeddingSize: 6, hiddenSize: 9, numLayers: 2 });
const tokenOf = (stream: number, t: number): number => (3 * stream + 7 * t + t * t) % V;

onMachines("streams of different ages", (opened) => {
  const machine = (): SynchronousMachine => opened() as SynchronousMachine;
  const open = async (quantizes = false) => {
    const parameters = await createParameters({ machine: machine(), layout: layoutParameters(model), seed: 1 });
    if (quantizes) await quantize({ model, parameters });
    return { parameters, streams: await openStreams({ model, parameters, machine: machine(), capacity }) };
  };

  test.each([false, true])(
    "every stream gets the bits it would get alone, whoever steps beside it (8 bits: %s)",
    async (eight) => {
      const { parameters, streams } = await open(eight);
      const alone = await openSession({ model, parameters, machine: machine() });
      const expected = async (history: readonly number[]): Promise<number[]> => {
        alone.reset();
        for (const token of history.slice(0, -1)) alone.feed([token]);
        return Array.from(await alone.next([history.at(-1)!]));
      };
      const ids = Array.from({ length: capacity }, () => streams.open());
      const histories = ids.map((): number[] => []);
      const subsets = fc.array(
        fc.subarray(
          ids.map((_, k) => k),
          { minLength: 1 },
        ),
        { minLength: 1, maxLength: 6 },
      );
      await fc.assert(
        fc.asyncProperty(subsets, async (rounds) => {
          for (const some of rounds) {
            const turned = some.toReversed();
            const tokens = turned.map((k) => tokenOf(k, histories[k]!.length));
            for (const [i, k] of turned.entries()) histories[k]!.push(tokens[i]!);
            const logits = new Float64Array(turned.length * V);
            streams.step(
              turned.map((k) => ids[k]!),
              tokens,
              logits,
            );
            const [first] = turned;
            expect(Array.from(logits.subarray(0, V))).toEqual(await expected(histories[first!]!));
          }
        }),
        { numRuns: 6 },
      );
      for (const one of [alone, streams, parameters]) one.close();
    },
  );

  test("reset, fork, release and states", async () => {
    const { parameters, streams } = await open();
    const a = streams.open();
    const start = await streams.state(a);
    expect(Object.values(start).every((s) => s.every((v) => v === 0))).toBe(true);
    streams.feed([a], [4]);
    const b = streams.fork(a);
    expect(await streams.state(b)).toEqual(await streams.state(a));
    const [x, y] = [await streams.next([a], [2]), await streams.next([b], [2])];
    expect(y).toEqual(x);
    streams.reset(a);
    expect(await streams.state(a)).toEqual(start);
    expect(await streams.state(b)).not.toEqual(start);
    streams.setState(a, await streams.state(b));
    expect(await streams.next([a, b], [1, 1])).toSatisfy(
      (both: Float32Array) => both.subarray(0, V).join() === both.subarray(V).join(),
    );
    streams.release(a);
    expect(() => streams.feed([a], [1])).toThrow(/no open stream/);
    const after = streams.open();
    expect(await streams.state(after)).toEqual(start);
    // It has the place of the one that was released, not its number: who still holds that does not step on the new one.
    expect(after).not.toBe(a);
    for (const use of [() => streams.feed([a], [1]), () => streams.release(a), () => streams.fork(a)])
      expect(use).toThrow(/no open stream/);
    expect(await streams.state(after)).toEqual(start);
    for (const wrong of [-1, 0.5, Number.NaN, 1000]) expect(() => streams.reset(wrong)).toThrow(/no open stream/);
    for (const one of [streams, parameters]) one.close();
  });

  test("what does not fit is refused", async () => {
    const elsewhere = await createParameters({ machine: openReference(), layout: layoutParameters(model) });
    await expect(openStreams({ model, parameters: elsewhere, machine: machine(), capacity })).rejects.toThrow(
      "parameters: they are on another machine than the one given",
    );
    const { parameters, streams } = await open();
    const ids = Array.from({ length: capacity }, () => streams.open());
    expect(() => streams.open()).toThrow(/all 5 streams/);
    expect(() => streams.feed([ids[0]!, ids[0]!], [1, 2])).toThrow(/twice/);
    expect(() => streams.feed([ids[0]!], [1, 2])).toThrow(/a token for each/);
    expect(() => streams.feed([ids[0]!], [V])).toThrow(/whole number from 0 to 10/);
    expect(() => streams.feed([ids[0]!], [0.5])).toThrow(/whole number/);
    const before = await streams.state(ids[0]!);
    const ones = mapValues(before, ({ length }) => new Array<number>(length).fill(1));
    expect(() => streams.setState(ids[0]!, { ...ones, h: [1] })).toThrow(/numbers/);
    expect(() => streams.setState(ids[0]!, { ...ones, c: [1] })).toThrow(/numbers/);
    const bad = [...ones.c.slice(1), Number.POSITIVE_INFINITY];
    expect(() => streams.setState(ids[0]!, { ...ones, c: bad })).toThrow(/got Infinity at/);
    // @ts-expect-error: an LSTM has c, too
    expect(() => streams.setState(ids[0]!, { h: ones.h })).toThrow(/expected one called "c"/);
    // @ts-expect-error: and nothing else
    expect(() => streams.setState(ids[0]!, { ...ones, x: [] })).toThrow(/no "x"/);
    expect(await streams.state(ids[0]!)).toEqual(before);
    for (const one of [streams, parameters]) one.close();
  });
});
