import { expect, test, vi } from "vitest";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { languageModel } from "../../src/models/language-model.ts";
import { generate } from "../../src/run/generate.ts";
import { openSession } from "../../src/run/session.ts";
import { openStreams } from "../../src/run/streams.ts";
import { surprisal } from "../../src/run/surprisal.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";
import { onMachines } from "../layers/on-machines.ts";

const tokenizer = await trainTokenizer("the cat sat on the mat.\n", { kind: "grapheme" });
const V = tokenizer.vocabularySize;
const model = languageModel({ vocabularySize: V, embeddingSize: 6, hiddenSize: 9, numLayers: 2 });
const prompts = ["the cat", "a", "on the mat. the", ""];

onMachines("streams as sessions", (opened) => {
  const machine = (): SynchronousMachine => opened() as SynchronousMachine;
  const open = async () => {
    const parameters = await createParameters({ machine: machine(), layout: layoutParameters(model), seed: 1 });
    const run = { model, parameters, machine: machine() };
    return { run, streams: await openStreams({ ...run, capacity: 6 }) };
  };
  const textOf = async (pieces: AsyncIterable<string>): Promise<string> => {
    let text = "";
    for await (const piece of pieces) text += piece;
    return text;
  };

  test("texts that are written at once are those of sessions of their own, in as many steps as the longest", async () => {
    const { run, streams } = await open();
    const alone = await openSession(run);
    const options = { tokenizer, length: 12, temperature: 1 };
    const expected: string[] = [];
    for (const [seed, prompt] of prompts.entries())
      expected.push(await textOf(generate({ ...options, session: alone, prompt, seed })));
    const [next, feed] = [vi.spyOn(streams, "next"), vi.spyOn(streams, "feed")];
    const written = await Promise.all(
      prompts.map((prompt, seed) => textOf(generate({ ...options, session: streams.session(), prompt, seed }))),
    );
    expect(written).toEqual(expected);
    const longest = Math.max(...prompts.map((prompt) => Math.max(1, prompt.length))) - 1 + 12;
    // One round more or less where they begin.
    expect(next.mock.calls.length + feed.mock.calls.length).toBeLessThanOrEqual(longest + 2);
    streams.close();
  });

  test("what is asked for happens in order: states out and in, copies, a fresh start", async () => {
    const { run, streams } = await open();
    const [alone, session, other] = [await openSession(run), streams.session(), streams.session()];
    for (const token of [1, 2, 3]) alone.feed([token]);
    const state = await alone.state();
    for (const token of [1, 2, 3]) session.feed([token]);
    expect(session.steps).toBe(3);
    const copied = session.state();
    const fork = session.fork();
    session.reset();
    const [afresh, later] = [session.next([4]), other.next([4])];
    expect(await copied).toEqual(state);
    expect(await afresh).toEqual(await later);
    await other.setState(state);
    expect(await (await fork).next([5])).toEqual(await other.next([5]));
    alone.setState(state);
    expect(await alone.next([5])).toEqual(await other.setState(state).then(() => other.next([5])));
    const surprises = async (from: Parameters<typeof surprisal>[0]["session"]) => {
      const nats: number[] = [];
      for await (const one of surprisal({ session: from, tokenizer, text: "the cat" })) nats.push(one.nats);
      return nats;
    };
    expect(await surprises(other)).toEqual(await surprises(alone));
    streams.close();
  });

  test("what is wrong is refused where it was asked, and harms no other stream", async () => {
    const { streams } = await open();
    const [a, b] = [streams.session(), streams.session()];
    expect(() => a.feed([V])).toThrow(expect.objectContaining({ code: "out-of-range" }));
    expect(() => a.next([0.5])).toThrow(/expected a whole number from 0 to/);
    expect(() => a.next([1, 2])).toThrow(/expected an array of one whole number/);
    expect(a.steps).toBe(0);
    const { c } = await a.state();
    await expect(a.setState({ h: [1], c })).rejects.toMatchObject({ code: "shape-mismatch" });
    const [waiting, fine] = [a.next([1]), b.next([1])];
    a.close();
    a.close();
    await expect(waiting).rejects.toMatchObject({ code: "closed" });
    expect((await fine).length).toBe(V);
    expect(() => a.feed([1])).toThrow(expect.objectContaining({ code: "closed" }));
    // Its place is free again, and begins from zero.
    const [again, zero] = [streams.session(), streams.session()];
    expect(await again.next([2])).toEqual(await zero.next([2]));
    const late = b.next([1]);
    streams.close();
    await expect(late).rejects.toThrow();
  });
});
