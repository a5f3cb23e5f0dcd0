import { readTokenColumns } from "../../../dist/index.js";
import { defineRecipe } from "../recipe.mjs";
import { parts, tag, wordsOnly } from "../tag.mjs";

export const recipe = defineRecipe({
  about: "eight kinds of entities in Chinese résumés, character by character; epochs chosen on the development part",
  data: {
    train: "tagging/resume-zh.train.bmes.gz",
    validation: "tagging/resume-zh.dev.bmes.gz",
    test: "tagging/resume-zh.test.bmes.gz",
  },
  variants: {
    parity: {
      ...{ ...wordsOnly, encoding: "bmes", batchSize: 16, epochs: 8, words: { minCount: 1 } },
      model: { ...wordsOnly.model, embeddingSize: 50 },
    },
    ours: {},
  },
  reach: { parity: "88.5 ± .2 (PyTorch 1.13)", ours: "92" },
  run: async ({ data, ...given }) =>
    tag({ ...given, ...(await parts(data, (file) => readTokenColumns(file, { token: 1, tag: 2 }))) }),
});
