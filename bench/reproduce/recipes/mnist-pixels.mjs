import { asPyTorch } from "../classify.mjs";
import { digitsRecipe } from "../digits.mjs";

// Units that begin with memories of up to all steps, larger steps than by default and pulls that are clipped; the highest value over time tells more in a few epochs than the last state.
const ours = asPyTorch({
  ...{ resume: true, epochs: 12, learningRate: 3e-3, schedule: "cosine", clipNorm: 1 },
  model: { cell: "gru", bidirectional: false, dropout: 0, memorySteps: 784 },
});

export const recipe = digitsRecipe("pixels", {
  about:
    "digits read pixel by pixel, 784 steps of one number, 10,000 training images; settings chosen by four epochs of 2,500 of them, the epoch on a tenth",
  variants: {
    ours,
    hour: { ...ours, epochs: 80 },
  },
  reach: { ours: "8 minutes of one core", hour: "as far as one hour goes" },
});
