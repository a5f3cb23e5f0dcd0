import { classify, readLabelledLines } from "../classify.mjs";
import { defineRecipe } from "../recipe.mjs";
import { sentenceParity, words } from "../words.mjs";

export const recipe = defineRecipe({
  about: "whether a sentence of a film review speaks well or ill (whole sentences only)",
  data: { train: "text/sst2.train.txt.gz", validation: "text/sst2.dev.txt.gz", test: "text/sst2.test.txt.gz" },
  variants: {
    parity: { ...sentenceParity, epochs: 5, learningRate: 1e-3 },
    ours: { tokenizer: words },
  },
  reach: { parity: "80.9 ± .5 (PyTorch 1.13)", ours: "81" },
  run: ({ data, settings, ...given }) =>
    classify({
      ...given,
      // The set has a validation part of its own.
      settings: settings.validation === 0 ? settings : { ...settings, validation: readLabelledLines(data.validation) },
      ...{ train: readLabelledLines(data.train), test: readLabelledLines(data.test) },
    }),
});
