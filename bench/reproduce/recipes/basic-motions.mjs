import { maximumOverTime, seriesRecipe } from "../series.mjs";

export const recipe = seriesRecipe("BasicMotions", {
  about: "four activities by accelerometer and gyroscope, 6 channels, 100 steps",
  variants: {
    parity: maximumOverTime,
    defaults: {},
    // Right in all of five folds of the training part, with two seeds.
    ours: maximumOverTime,
  },
  reach: { parity: "100 (PyTorch 1.13)", ours: "100" },
});
