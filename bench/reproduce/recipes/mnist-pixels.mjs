import { digitsRecipe } from "../digits.mjs";

export const recipe = digitsRecipe("pixels", {
  about: "digits read pixel by pixel, 784 steps of one number, 10,000 training images",
  variants: {
    ours: { scaling: "none", resume: true, epochs: 20, clipNorm: 1, model: { memorySteps: 784 } },
  },
  reach: { ours: "as far as one hour goes" },
});
