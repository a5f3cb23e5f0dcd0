import { asPyTorch } from "../classify.mjs";
import { digitsRecipe } from "../digits.mjs";

export const recipe = digitsRecipe("rows", {
  about: "digits read row by row, 28 steps of 28 pixels, 10,000 training images",
  variants: {
    parity: asPyTorch({
      ...{ validation: 0, scaling: "none", batchSize: 64, epochs: 6, learningRate: 1e-3, clipNorm: 1 },
      model: { hiddenSize: 128, bidirectional: false, pooling: "last", dropout: 0 },
    }),
    ours: asPyTorch({ scaling: "none", epochs: 15 }),
  },
  reach: { parity: "93.9 ± .3 (PyTorch 1.13)", ours: "96.5" },
});
