import { describe, expect, it } from "vitest";
import { openMachine } from "../../src/compute/open.ts";
import { languageModel } from "../../src/models/language-model.ts";
import { beamSearch } from "../../src/run/beam-search.ts";
import { generate } from "../../src/run/generate.ts";
import { generateBatch } from "../../src/run/generate-batch.ts";
import { openSession } from "../../src/run/session.ts";
import { openStreams } from "../../src/run/streams.ts";
import { surprisal } from "../../src/run/surprisal.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";

// A machine computes in the thread of its caller: work that takes long lets others have a turn, or no request would be answered, no page drawn
// and no signal arrive.

const LONG = 30_000;
const tokenizer = await trainTokenizer("abcdef", { kind: "character" });
const machine = await openMachine("wasm");
const model = languageModel({ vocabularySize: tokenizer.vocabularySize, hiddenSize: 64 });
const parameters = await createParameters({ machine, layout: layoutParameters(model), seed: 1 });
const loaded = { model, parameters, machine, tokenizer };

/** How many pieces come before a timer aborts. */
async function piecesOf(open: (signal: AbortSignal) => AsyncIterable<unknown>): Promise<number> {
  let pieces = 0;
  const signal = AbortSignal.timeout(60);
  try {
    for await (const _ of open(signal)) pieces++;
  } catch (error) {
    if (error !== signal.reason) throw error;
  }
  return pieces;
}

describe("what takes long is ended by a timer", () => {
  it("generate", async () => {
    using session = await openSession(loaded);
    const pieces = await piecesOf((signal) => generate({ session, tokenizer, prompt: "a", length: LONG, signal }));
    expect(pieces).toBeGreaterThan(0);
    expect(pieces).toBeLessThan(LONG);
  });

  it("generate, while it reads the prompt, also as one of many streams", async () => {
    const prompt = "abcdef".repeat(LONG / 6);
    using streams = await openStreams({ ...loaded, capacity: 2 });
    for (const session of [await openSession(loaded), streams.session()]) {
      expect(await piecesOf((signal) => generate({ session, tokenizer, prompt, signal }))).toBe(0);
      expect(session.steps).toBeLessThan(LONG - 1);
      session.close();
    }
  });

  it("surprisal", async () => {
    using session = await openSession(loaded);
    const text = "abcdef".repeat(LONG / 6);
    expect(await piecesOf((signal) => surprisal({ session, tokenizer, text, signal }))).toBeLessThan(text.length);
  });

  it("generateBatch", async () => {
    const [first] = await generateBatch({
      ...loaded,
      prompts: ["a", "b"],
      length: LONG,
      signal: AbortSignal.timeout(60),
    });
    expect(first!.text.length).toBeLessThan(LONG);
    expect(first!.end).toBe("aborted");
  });

  it("beamSearch, while it reads the prompt", async () => {
    const start = performance.now();
    const prompt = "abcdef".repeat(LONG);
    const search = beamSearch({ ...loaded, prompt, beams: 4, signal: AbortSignal.timeout(60) });
    await expect(search).rejects.toThrow(expect.objectContaining({ name: "TimeoutError" }));
    expect(performance.now() - start).toBeLessThan(3_000);
  });

  it("beamSearch", async () => {
    const search = beamSearch({ ...loaded, prompt: "a", beams: 4, length: LONG, signal: AbortSignal.timeout(60) });
    await expect(search).rejects.toThrow(expect.objectContaining({ name: "TimeoutError" }));
  });
});
