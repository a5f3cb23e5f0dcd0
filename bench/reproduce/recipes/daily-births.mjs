import { forecast } from "../forecast.mjs";
import { defineRecipe } from "../recipe.mjs";

export const recipe = defineRecipe({
  about:
    "births of girls a day in California in 1959, 7 days ahead; the last fifth is measured, the tenth before chooses the epoch, all else are defaults",
  data: { file: "forecast/daily-total-female-births.csv" },
  variants: { ours: { columns: { targets: ["Births"], time: "Date" }, horizon: 7, test: 0.2 } },
  reach: { ours: "75 to 85 % within the interval of 80 %" },
  run: ({ settings, seed, data, log }) => forecast({ settings, seed, file: data.file, log }),
});
