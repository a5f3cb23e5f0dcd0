import { readSentenceRows } from "../../../dist/index.js";
import { defineRecipe } from "../recipe.mjs";
import { parts, tag } from "../tag.mjs";

export const recipe = defineRecipe({
  about:
    "slots and intents of requests to a voice assistant, Snips, learned together; epochs chosen on the validation part",
  data: {
    train: "slots/snips.train.tsv.gz",
    validation: "slots/snips.valid.tsv.gz",
    test: "slots/snips.test.tsv.gz",
  },
  variants: { ours: {} },
  run: async ({ data, ...given }) =>
    tag({ ...given, ...(await parts(data, (file) => readSentenceRows(file, { tokens: 1, tags: 2, intent: 3 }))) }),
});
