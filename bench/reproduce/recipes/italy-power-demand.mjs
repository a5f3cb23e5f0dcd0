import { seriesRecipe, small } from "../series.mjs";

export const recipe = seriesRecipe("ItalyPowerDemand", {
  about: "winter or summer by the power demand of a day, 24 steps",
  variants: {
    parity: {
      ...{ validation: 0, scaling: "none", batchSize: 16, epochs: 150, learningRate: 3e-3, clipNorm: 1 },
      model: { hiddenSize: 64, bidirectional: true, pooling: "maximum", dropout: 0 },
    },
    defaults: { epochs: 100 },
    ours: small,
  },
  reach: { parity: "94.7 ± .4 (PyTorch 1.13)", ours: "95.5" },
});
