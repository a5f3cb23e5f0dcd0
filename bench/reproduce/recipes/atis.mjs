import { readSentenceRows } from "../../../dist/index.js";
import { defineRecipe } from "../recipe.mjs";
import { parts, tag, wordsOnly } from "../tag.mjs";

export const recipe = defineRecipe({
  about: "slots and intents of questions on flights, ATIS, learned together; epochs chosen on the validation part",
  data: { train: "slots/atis.train.tsv.gz", validation: "slots/atis.valid.tsv.gz", test: "slots/atis.test.tsv.gz" },
  variants: {
    parity: { ...wordsOnly, batchSize: 16, epochs: 12, words: { minCount: 1 } },
    ours: {},
  },
  reach: { parity: "slots 93.5 ± .2, intents 95.3 (PyTorch 1.13)", ours: "slots 94.5, intents 95.5" },
  run: async ({ data, ...given }) =>
    tag({ ...given, ...(await parts(data, (file) => readSentenceRows(file, { tokens: 1, tags: 2, intent: 3 }))) }),
});
