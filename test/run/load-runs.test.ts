import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { saveRun } from "../../src/checkpoint/run-folder.ts";
import { timeSeriesSet } from "../../src/data/time-series-set.ts";
import { languageModel } from "../../src/models/language-model.ts";
import { sequenceClassifier } from "../../src/models/sequence-classifier.ts";
import { sequenceTagger } from "../../src/models/sequence-tagger.ts";
import { loadClassifier } from "../../src/run/load-classifier.ts";
import { loadForecaster } from "../../src/run/load-forecaster.ts";
import { loadRun } from "../../src/run/load-run.ts";
import { loadTagger } from "../../src/run/load-tagger.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";
import { trainForecaster } from "../../src/train/train-forecaster.ts";
import { machineAndFolder } from "../support/machine-and-folder.ts";

const { machine, folder } = await machineAndFolder("reference");
const tokenizer = await trainTokenizer("a b c", { kind: "word" });
const { vocabularySize } = tokenizer;
const data = timeSeriesSet({
  ...{ targets: ["y"], known: ["x"], categories: ["shop"] },
  series: ["north", "south"].map((shop) => ({
    id: shop,
    values: { y: Float64Array.from({ length: 40 }, (_, n) => Math.sin(n)), x: new Float64Array(40) },
    categories: { shop },
  })),
});

/** A run of each kind, none of them trained. */
const save = {
  loadRun: languageModel({ vocabularySize, embeddingSize: 2, hiddenSize: 2 }),
  loadClassifier: sequenceClassifier({ vocabularySize, embeddingSize: 2, hiddenSize: 2, classes: ["x", "y"] }),
  loadTagger: sequenceTagger({ vocabularySize, embeddingSize: 2, hiddenSize: 2, tags: ["O", "B-X"] }),
};
const loaders = { loadRun, loadClassifier, loadTagger, loadForecaster };
const of = (name: string): string => join(folder, name);
for (const [name, model] of Object.entries(save)) {
  const parameters = await createParameters({ machine, layout: layoutParameters(model) });
  await saveRun(of(name), { model, tokenizer, parameters });
}
const { forecaster } = await trainForecaster({ machine, data, horizon: 2, context: 3, model: { hiddenSize: 2 } });
const { config, parameters } = forecaster;
await saveRun(of("loadForecaster"), { config, tokenizer: undefined, parameters });

test("each kind of run is loaded by its own function alone; any other says which one that is", async () => {
  for (const [name, load] of Object.entries(loaders))
    for (const kind of Object.keys(loaders)) {
      if (kind === name) await expect(load(of(kind), { machine })).resolves.toBeDefined();
      else
        await expect(load(of(kind), { machine })).rejects.toMatchObject({
          code: "other-task",
          message: expect.stringContaining(`or ${kind} in a program`),
        });
    }
});

test.each(Object.keys(save) as (keyof typeof save)[])("%s: a tokenizer of another model is refused", async (name) => {
  const file = join(of(name), "tokenizer.json");
  const own = readFileSync(file, "utf8");
  writeFileSync(file, JSON.stringify(await trainTokenizer("a b c d", { kind: "word" })));
  await expect(loaders[name](of(name), { machine })).rejects.toMatchObject({
    code: "bad-run",
    message: expect.stringMatching(/its tokenizer has \d+ tokens, its model \d+: these files do not belong to one run/),
  });
  writeFileSync(file, own);
  await expect(loaders[name](of(name), { machine })).resolves.toBeDefined();
});

test("a forecaster whose data are another's is refused", async () => {
  const file = join(of("loadForecaster"), "config.json");
  const own = JSON.parse(readFileSync(file, "utf8"));
  const others = [
    { horizon: 3 },
    { context: 4 },
    { targets: ["y", "x"] },
    { past: ["z"] },
    { known: [] },
    { categories: { shop: ["north"] } },
  ];
  for (const other of others) {
    writeFileSync(file, JSON.stringify({ ...own, data: { ...own.data, ...other } }));
    await expect(loadForecaster(of("loadForecaster"), { machine }), JSON.stringify(other)).rejects.toMatchObject({
      code: "bad-run",
      message: expect.stringContaining("do not belong to one run"),
    });
  }
  writeFileSync(file, JSON.stringify(own));
  await expect(loadForecaster(of("loadForecaster"), { machine })).resolves.toBeDefined();
});
