import { asPyTorch, classify } from "../classify.mjs";
import { defineRecipe } from "../recipe.mjs";
import { surnames } from "../surnames.mjs";

/** What PyTorch was measured with. */
const parity = asPyTorch({
  ...{ validation: 0, batchSize: 64, epochs: 8, learningRate: 2e-3, clipNorm: 1, tokenizer: { kind: "character" } },
  model: { embeddingSize: 32, hiddenSize: 128, bidirectional: false, pooling: "last", dropout: 0 },
});

export const recipe = defineRecipe({
  about: "the language of a surname, 18 classes, letter by letter",
  data: { names: "text/names.tsv.gz", split: "text/names.split.json" },
  variants: {
    parity,
    defaults: { tokenizer: { kind: "grapheme" } },
    // Small networks that know all of the training part err in different places; five of them cost about what two of our defaults do.
    ours: { ...parity, networks: 5 },
  },
  reach: { parity: "83.7 ± .1 (PyTorch 1.13)", ours: "84.5" },
  async run({ settings, seed, data, log }) {
    const { train, test } = await surnames(data);
    return classify({ settings, seed, train, test, log });
  },
});
