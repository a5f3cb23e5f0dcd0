import { asPyTorch } from "../classify.mjs";
import { seriesRecipe } from "../series.mjs";

export const recipe = seriesRecipe("JapaneseVowels", {
  about: "nine speakers told apart by two vowels, 12 channels, series of different length",
  variants: {
    parity: asPyTorch({
      ...{ validation: 0, scaling: "none", batchSize: 27, epochs: 60, learningRate: 1e-3, clipNorm: 1 },
      model: { hiddenSize: 100, bidirectional: false, pooling: "last", dropout: 0 },
    }),
    ours: {},
  },
  reach: { parity: "93.2 ± .6 (PyTorch 1.13)", ours: "96" },
});
