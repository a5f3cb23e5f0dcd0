import { forecast } from "../forecast.mjs";
import { defineRecipe } from "../recipe.mjs";

export const recipe = defineRecipe({
  about:
    "sunspots by month, 12 months ahead; the last fifth is measured, the tenth before chooses the epoch, all else are defaults",
  data: { file: "forecast/monthly-sunspots.csv.gz" },
  variants: { ours: { columns: { targets: ["Sunspots"], time: "Month" }, horizon: 12, test: 0.2 } },
  reach: { ours: "75 to 85 % within the interval of 80 %" },
  run: ({ settings, seed, data, log }) => forecast({ settings, seed, file: data.file, log }),
});
