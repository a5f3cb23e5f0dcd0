import { readLabelledLines } from "../classify.mjs";
import { classifyFew, drawn } from "../few.mjs";
import { defineRecipe } from "../recipe.mjs";
import { words } from "../words.mjs";

/** What both ways to begin have in common; chosen on the validation part of SST-2. */
const usual = { validation: 0, epochs: 40, batchSize: 16 };

export const recipe = defineRecipe({
  about:
    "film reviews as in sst-2, but 200 labelled sentences, drawn by the seed; a language model has read the training sentences and those of Subj without labels",
  data: {
    train: "text/sst2.train.txt.gz",
    validation: "text/sst2.dev.txt.gz",
    test: "text/sst2.test.txt.gz",
    more: "text/subj.txt.gz",
  },
  variants: { ours: { ...usual, pretrainedRate: 0.3 }, scratch: { ...usual, tokenizer: words } },
  run({ data, seed, ...given }) {
    const trimmed = (file) => readLabelledLines(file).inputs.map((text) => text.trim());
    // No sentence of the validation or test part is read before.
    const held = new Set([data.validation, data.test].flatMap(trimmed));
    return classifyFew({
      ...{ ...given, seed, test: readLabelledLines(data.test) },
      train: drawn(readLabelledLines(data.train), { count: 200, ofEach: 100, seed }),
      language: {
        name: "sst-2-few",
        lines: [data.more, data.train].flatMap(trimmed).filter((text) => !held.has(text)),
        tokenizer: { ...words, minCount: 3 },
        model: { embeddingSize: 128, hiddenSize: 128, dropout: 0.4, tied: true },
        training: { epochs: 10, learningRate: 0.004, schedule: "cosine", batchSize: 32, sequenceLength: 32 },
      },
    });
  },
});
