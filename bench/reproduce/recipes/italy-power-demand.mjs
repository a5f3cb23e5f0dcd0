import { maximumOverTime, seriesRecipe, small } from "../series.mjs";

export const recipe = seriesRecipe("ItalyPowerDemand", {
  about: "winter or summer by the power demand of a day, 24 steps",
  variants: {
    parity: maximumOverTime,
    defaults: {},
    ours: small,
  },
  reach: { parity: "94.7 ± .4 (PyTorch 1.13)", ours: "95.5" },
});
