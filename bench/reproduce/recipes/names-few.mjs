import { readFileSync } from "node:fs";
import { pick } from "../../../dist/data/examples.js";
import { readLabelledTexts } from "../../../dist/index.js";
import { classifyFew, drawn } from "../few.mjs";
import { defineRecipe } from "../recipe.mjs";

/** Chosen on a fifth of the training part with seeds 0, 1 and 2. */
const usual = { validation: 0, epochs: 60, batchSize: 16 };

export const recipe = defineRecipe({
  about:
    "the language of a surname as in names, but 200 labelled ones, drawn by the seed; a language model has read the training part without labels",
  data: { names: "text/names.tsv.gz", split: "text/names.split.json" },
  variants: {
    // What a language model remembers after the last letter is what it knows of the name.
    ours: { ...usual, pretrainedRate: 0.1, model: { pooling: "last" } },
    scratch: { ...usual, tokenizer: { kind: "grapheme" } },
    "scratch-alike": {
      ...{ ...usual, tokenizer: { kind: "grapheme" } },
      model: { pooling: "last", bidirectional: false },
    },
  },
  async run({ data, seed, ...given }) {
    const all = await readLabelledTexts(data.names, { text: 2, label: 1 });
    const held = new Set(JSON.parse(readFileSync(data.split, "utf8")).test);
    const [train, test] = [false, true].map((wanted) =>
      pick(
        all,
        [...all.inputs.keys()].filter((k) => held.has(k) === wanted),
      ),
    );
    return classifyFew({
      ...{ ...given, seed, test, train: drawn(train, { count: 200, seed }) },
      language: {
        name: "names-few",
        lines: train.inputs,
        tokenizer: { kind: "grapheme", minCount: 2 },
        model: { embeddingSize: 64, hiddenSize: 128, dropout: 0.2 },
        training: { epochs: 12, learningRate: 0.004, schedule: "cosine", batchSize: 16, sequenceLength: 32 },
      },
    });
  },
});
