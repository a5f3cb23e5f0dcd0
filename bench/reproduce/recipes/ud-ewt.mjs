import { readTokenColumns } from "../../../dist/index.js";
import { defineRecipe } from "../recipe.mjs";
import { parts, tag, wordsOnly } from "../tag.mjs";

export const recipe = defineRecipe({
  about: "parts of speech (UPOS) of English web texts, UD English EWT; epochs chosen on the development part",
  data: {
    train: "tagging/ud-english-ewt.train.tsv.gz",
    validation: "tagging/ud-english-ewt.dev.tsv.gz",
    test: "tagging/ud-english-ewt.test.tsv.gz",
  },
  variants: {
    parity: { ...wordsOnly, batchSize: 32, epochs: 4 },
    ours: {},
  },
  reach: { parity: "87.5 ± .4 (PyTorch 1.13)", ours: "93" },
  run: async ({ data, ...given }) =>
    tag({ ...given, ...(await parts(data, (file) => readTokenColumns(file, { token: 1, tag: 2 }))) }),
});
