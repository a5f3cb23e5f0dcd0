import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packRun } from "../../src/checkpoint/packed-run.ts";
import { readRun } from "../../src/checkpoint/read-run.ts";
import { type Saveable, saveRun } from "../../src/checkpoint/run-folder.ts";
import { readSafetensors, writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import type { Machine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { timeSeriesSet } from "../../src/data/time-series-set.ts";
import { loadClassifier } from "../../src/run/load-classifier.ts";
import { loadForecaster } from "../../src/run/load-forecaster.ts";
import { loadRun } from "../../src/run/load-run.ts";
import { loadTagger } from "../../src/run/load-tagger.ts";
import { quantize } from "../../src/run/quantize.ts";
import { trainClassifier } from "../../src/train/train-classifier.ts";
import { trainForecaster } from "../../src/train/train-forecaster.ts";
import { trainTagger } from "../../src/train/train-tagger.ts";
import { partsOf, tinyRun } from "../support/tiny-run.ts";

let machine: Machine;
const root = mkdtempSync(path.join(tmpdir(), "longshort-packed-"));
beforeAll(async () => {
  machine = await openMachine("wasm");
});
afterAll(() => {
  machine.close();
  rmSync(root, { recursive: true, force: true });
});

const model = { hiddenSize: 4, embeddingSize: 4 };
const epochs = 1;

/** Each kind of answering model, and what it answers. */
const kinds = {
  async classifier() {
    const examples = { inputs: ["a b", "b c", "a a", "c c"], labels: ["x", "y", "x", "y"] };
    const { classifier } = await trainClassifier({ machine, examples, model, epochs, validation: 0 });
    const ask = (one: typeof classifier) => one.predict(["a b c", "c"]);
    return {
      saved: classifier,
      expected: await ask(classifier),
      again: async (at: Source) => ask(await loadClassifier(at, { machine })),
    };
  },
  async tagger() {
    const sentences = {
      tokens: [
        ["Ada", "sat"],
        ["Bob", "ran"],
      ],
      tags: [
        ["N", "V"],
        ["N", "V"],
      ],
    };
    const { tagger } = await trainTagger({ machine, sentences, model, epochs, validation: 0 });
    const ask = (one: typeof tagger) => one.predict([["Ada", "ran"]], { probabilities: true });
    return {
      saved: tagger,
      expected: await ask(tagger),
      again: async (at: Source) => ask(await loadTagger(at, { machine })),
    };
  },
  async forecaster() {
    const y = Array.from({ length: 60 }, (_, t) => Math.sin(t));
    const data = timeSeriesSet({ targets: ["y"], series: [{ values: { y } }] });
    const { forecaster } = await trainForecaster({
      machine,
      data,
      horizon: 2,
      context: 5,
      epochs,
      model: { hiddenSize: 4 },
    });
    const ask = (one: typeof forecaster) => one.forecast(data);
    return {
      saved: forecaster,
      expected: await ask(forecaster),
      again: async (at: Source) => ask(await loadForecaster(at, { machine })),
    };
  },
};
type Source = Parameters<typeof loadRun>[0];

describe("what answers is saved as it is, and answers the same", () => {
  for (const [kind, make] of Object.entries(kinds)) {
    test(kind, async () => {
      const { saved, expected, again } = await make();
      const folder = path.join(root, kind);
      await saveRun(folder, saved);
      const bytes = await packRun(saved);
      const file = path.join(root, `${kind}.safetensors`);
      writeFileSync(file, bytes);
      const url = pathToFileURL(folder);
      const sources = [
        folder,
        `${folder}/`,
        url,
        new URL(`${url}/`),
        bytes,
        new Blob([bytes]),
        bytes.slice().buffer,
        file,
        pathToFileURL(file),
      ];
      for (const source of sources) expect(await again(source)).toEqual(expected);
    });
  }
});

describe("packRun", () => {
  test("keeps notes, tokenizer, weights of 8 bits and half numbers; other readers find the tensors", async () => {
    const run = await tinyRun(machine);
    const config = { model: run.model.config, seed: 3 };
    const half = await loadRun(await packRun({ config, ...partsOf(run) }, { dtype: "F16" }), { machine });
    expect(half.config).toEqual(config);
    expect(half.tokenizer.toJSON()).toEqual(run.tokenizer.toJSON());
    const [exact, rounded] = [await run.parameters.read("head.weight"), await half.parameters.read("head.weight")];
    expect(rounded).not.toEqual(exact);
    for (const [k, value] of exact.entries())
      expect(Math.abs(rounded[k]! - value)).toBeLessThanOrEqual(Math.abs(value) / 2048);
    await quantize(partsOf(run));
    const bytes = await packRun({ config, ...partsOf(run) });
    expect(run.parameters.quantized!.size).toBeGreaterThan(2);
    expect((await loadRun(bytes, { machine })).parameters.quantized).toEqual(run.parameters.quantized);
    expect(readSafetensors(bytes).tensors.get("head.weight")!.dtype).toBe("I8");
  });

  test("what is altered, of no run or of another task is refused by name", async () => {
    const run = await tinyRun(machine);
    const saved: Saveable = {
      config: { model: run.model.config },
      tokenizer: run.tokenizer,
      parameters: run.parameters,
    };
    const bytes = await packRun(saved);
    const altered = bytes.slice();
    altered[altered.length - 1]! ^= 1;
    await expect(loadRun(altered, { machine })).rejects.toThrow(
      "the given bytes: the weights are not those that were saved",
    );
    await expect(loadTagger(bytes, { machine })).rejects.toMatchObject({ code: "other-task" });
    const plain = writeSafetensors(new Map(readSafetensors(bytes).tensors));
    await expect(loadRun(plain, { machine })).rejects.toMatchObject({ code: "not-a-run" });
    await expect(readRun(new Uint8Array(3))).rejects.toMatchObject({ code: "bad-safetensors" });
    await expect(readRun(7 as never)).rejects.toThrow("run: expected the path or URL of its folder");
    await expect(packRun({ ...saved, tokenizer: undefined })).rejects.toThrow("this model reads tokens");
    await expect(saveRun(path.join(root, "x"), { ...saved, tokenizer: undefined })).rejects.toMatchObject({
      code: "missing-option",
    });
    await expect(packRun(saved, { dtype: "F8" as never })).rejects.toMatchObject({ code: "unknown-choice" });
    await expect(packRun({ ...saved, tokeniser: 1 } as never)).rejects.toMatchObject({ code: "unknown-option" });
    await expect(packRun(undefined as never)).rejects.toMatchObject({ code: "bad-option" });
  });
});
