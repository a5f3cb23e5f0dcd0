import { readTokenColumns } from "../../../dist/index.js";
import { defineRecipe } from "../recipe.mjs";
import { parts, tag, wordsOnly } from "../tag.mjs";

export const recipe = defineRecipe({
  about: "names of persons, places, organisations and others, CoNLL-2003 English; epochs chosen on the validation part",
  data: {
    train: "tagging/conll2003.train.txt.gz",
    validation: "tagging/conll2003.valid.txt.gz",
    test: "tagging/conll2003.test.txt.gz",
  },
  variants: {
    // Tags as the file has them, which is IOB1: without a CRF it matters.
    parity: { ...wordsOnly, encoding: "iob1", batchSize: 32, epochs: 6, words: { minCount: 1 } },
    ours: {},
  },
  reach: { parity: "67.2 (PyTorch 1.13, one seed)", ours: "80" },
  run: async ({ data, ...given }) =>
    tag({ ...given, ...(await parts(data, (file) => readTokenColumns(file, { token: 1, tag: 4 }))) }),
});
