import { language } from "../language.mjs";
import { defineRecipe } from "../recipe.mjs";

export const recipe = defineRecipe({
  about: "words of the Penn Treebank, the small model of Zaremba, Sutskever & Vinyals 2014 (arXiv:1409.2329)",
  data: { train: "lm/ptb.train.txt.gz", validation: "lm/ptb.valid.txt.gz", test: "lm/ptb.test.txt.gz" },
  variants: {
    parity: {
      ...{ tokenizer: { kind: "word", segmentation: "space" }, batchSize: 20, sequenceLength: 20, epochs: 13 },
      model: { embeddingSize: 200, hiddenSize: 200, numLayers: 2 },
      uniform: 0.1,
      // There the loss is summed over the 20 steps, with rate 1 and gradients of norm 5 at most; ours is the mean over them.
      ...{ rate: { first: 20, flat: 4, factor: 0.5 }, clipNorm: 5 / 20 },
    },
  },
  reach: { parity: "117 (115.91 in TensorFlow's models repository, 114.5 in the paper)" },
  run: language,
});
