import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseCell } from "../../src/cells/parse-cell.ts";
import { saveRun } from "../../src/checkpoint/run-folder.ts";
import { timeSeriesSet } from "../../src/data/time-series-set.ts";
import { open } from "../../src/formats/open.ts";
import { languageModel } from "../../src/models/language-model.ts";
import { loadClassifier } from "../../src/run/load-classifier.ts";
import { loadForecaster } from "../../src/run/load-forecaster.ts";
import { loadRun } from "../../src/run/load-run.ts";
import { loadTagger } from "../../src/run/load-tagger.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { trainTokenizer } from "../../src/text/train-tokenizer.ts";
import { trainClassifier } from "../../src/train/train-classifier.ts";
import { trainForecaster } from "../../src/train/train-forecaster.ts";
import { trainTagger } from "../../src/train/train-tagger.ts";
import { machineAndFolder } from "../support/machine-and-folder.ts";

const { machine, folder } = await machineAndFolder("reference");
const cell = parseCell("h = tanh(W_h x + U_h h[t-1])");
const model = { cell, hiddenSize: 3 };

describe("a run whose cell was written as text opens with nothing but the run", () => {
  test("of a language model, also as arrays", async () => {
    const tokenizer = await trainTokenizer("abc", { kind: "grapheme" });
    const language = languageModel({ ...model, vocabularySize: tokenizer.vocabularySize });
    const parameters = await createParameters({ machine, layout: layoutParameters(language), seed: 1 });
    const place = join(folder, "text");
    await saveRun(place, { model: language, tokenizer, parameters });
    expect((await loadRun(place, { machine })).model.cell.next.h).toBe(cell.next.h);
    using arrays = await open(place, { machine });
    const { logits } = await arrays.run({
      tokens: { shape: [2, 1], data: [0, 1] },
      h: { shape: [1, 1, 3], data: [0, 0, 0] },
    });
    expect(logits!.shape).toEqual([2, 1, tokenizer.vocabularySize]);
  });

  test("of a classifier", async () => {
    const examples = { inputs: ["a b", "b a", "a b", "b a"], labels: ["x", "y", "x", "y"] };
    const { classifier } = await trainClassifier({ machine, examples, validation: 0, model });
    await saveRun(join(folder, "classes"), classifier);
    const loaded = await loadClassifier(join(folder, "classes"), { machine });
    expect(await loaded.predict(["a b"])).toEqual(await classifier.predict(["a b"]));
  });

  test("of a tagger", async () => {
    const sentences = {
      tokens: [
        ["a", "b"],
        ["b", "a"],
      ],
      tags: [
        ["X", "Y"],
        ["Y", "X"],
      ],
    };
    const { tagger } = await trainTagger({ machine, sentences, validation: 0, model });
    await saveRun(join(folder, "tags"), tagger);
    const loaded = await loadTagger(join(folder, "tags"), { machine });
    expect(await loaded.predict([["a", "b"]])).toEqual(await tagger.predict([["a", "b"]]));
  });

  test("of a forecaster", async () => {
    const data = timeSeriesSet({
      targets: ["y"],
      series: [{ values: { y: Array.from({ length: 60 }, (_, n) => n % 5) } }],
    });
    const { forecaster } = await trainForecaster({ machine, data, horizon: 2, model });
    await saveRun(join(folder, "series"), forecaster);
    const loaded = await loadForecaster(join(folder, "series"), { machine });
    expect(await loaded.forecast(data)).toEqual(await forecaster.forecast(data));
  });
});
