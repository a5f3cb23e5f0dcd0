import { expect, test } from "vitest";
import { openReference } from "../../src/compute/reference/machine.ts";
import { sequenceTagger } from "../../src/models/sequence-tagger.ts";
import { generate } from "../../src/run/generate.ts";
import { openSession } from "../../src/run/session.ts";
import { openStreams } from "../../src/run/streams.ts";
import { surprisal } from "../../src/run/surprisal.ts";
import { Tagger } from "../../src/run/tagger.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import type { Tokenizer } from "../../src/text/tokenizer.ts";
import { partsOf, tinyRun } from "../support/tiny-run.ts";

/* What is asked for before other work begins is as it was then, although it is awaited later. */

const machine = openReference();

test("the state of a session is that of one moment", async () => {
  const run = await tinyRun(machine, { cell: "lstm" });
  const session = await openSession({ ...partsOf(run), machine });
  session.feed([1]);
  const before = await session.state();
  const asked = session.state();
  const forked = session.fork();
  session.feed([2]);
  expect(await asked).toEqual(before);
  expect(await (await forked).state()).toEqual(before);
  expect(await session.state()).not.toEqual(before);
});

test("the state of a stream is that of one moment", async () => {
  const run = await tinyRun(machine, { cell: "lstm" });
  const streams = await openStreams({ ...partsOf(run), machine, capacity: 2 });
  const id = streams.open();
  streams.feed([id], [1]);
  const before = await streams.state(id);
  const asked = streams.state(id);
  streams.feed([id], [2]);
  expect(await asked).toEqual(before);
});

test("the parameters of a model are those of one moment", async () => {
  const { parameters } = await tinyRun(machine, { cell: "lstm" });
  const before = await parameters.toTensors();
  const asked = parameters.toTensors();
  for (const name of parameters.names)
    parameters.write(
      name,
      (before.get(name)?.data ?? []).map(() => 1),
    );
  expect(await asked).toEqual(before);
});

test("a tagger that is asked twice at once answers each", async () => {
  const model = sequenceTagger({ vocabularySize: 5, embeddingSize: 3, hiddenSize: 3, tags: ["a", "b", "c"] });
  const parameters = await createParameters({ machine, layout: layoutParameters(model) });
  const encode = (word: string): Int32Array => Int32Array.of(word.charCodeAt(0) - 97);
  const reader = new Tagger({ model, machine, parameters, tokenizer: { encode } as unknown as Tokenizer });
  const options = { probabilities: true };
  const [first, second] = [[["a", "b", "c"]], [["d", "e", "a"]]];
  const apart = [await reader.predict(first, options), await reader.predict(second, options)];
  expect(apart[0]).not.toEqual(apart[1]);
  reader.close();
  expect(await Promise.all([reader.predict(first, options), reader.predict(second, options)])).toEqual(apart);
});

test("a session that is used for two texts at once is refused to both, not mixed up", async () => {
  const run = await tinyRun(machine, { cell: "lstm" });
  const session = await openSession({ ...partsOf(run), machine });
  const options = { session, tokenizer: run.tokenizer, length: 3 };
  const write = async () => {
    let text = "";
    for await (const piece of generate(options)) text += piece;
    return text;
  };
  const alone = await write();
  for (const other of [write, async () => session.feed([1])]) {
    const [first] = await Promise.allSettled([write(), other()]);
    expect(first).toMatchObject({ status: "rejected", reason: { code: "busy" } });
  }
  const measured = async () => {
    for await (const _ of surprisal({ session, tokenizer: run.tokenizer, text: "abcab" }));
  };
  const [first] = await Promise.allSettled([measured(), measured()]);
  expect(first).toMatchObject({ status: "rejected", reason: { code: "busy" } });
  expect(await write()).toBe(alone);
});
