import { forecast } from "../forecast.mjs";
import { defineRecipe } from "../recipe.mjs";

export const recipe = defineRecipe({
  about:
    "daily minimum temperatures, 7 days ahead; the last tenth is measured, the tenth before chooses the epoch, all else are defaults",
  data: { file: "forecast/daily-min-temperatures.csv.gz" },
  variants: { ours: { columns: { targets: ["Temp"], time: "Date" }, horizon: 7 } },
  reach: { ours: "MASE below the seasonal naive method; 75 to 85 % within the interval of 80 %" },
  run: ({ settings, seed, data, log }) => forecast({ settings, seed, file: data.file, log }),
});
