import { forecast } from "../forecast.mjs";
import { defineRecipe } from "../recipe.mjs";

export const recipe = defineRecipe({
  about:
    "eight exchange rates by day, each for itself, 7 days ahead; the last fifth is measured, the tenth before chooses the epoch, all else are defaults",
  data: { file: "forecast/exchange_rate.txt.gz" },
  variants: {
    ours: { columns: { targets: ["1", "2", "3", "4", "5", "6", "7", "8"] }, horizon: 7, test: 0.2, apart: true },
  },
  reach: { ours: "75 to 85 % within the interval of 80 %" },
  run: ({ settings, seed, data, log }) => forecast({ settings, seed, file: data.file, log }),
});
