import { forecast } from "../forecast.mjs";
import { defineRecipe } from "../recipe.mjs";

export const recipe = defineRecipe({
  about:
    "airline passengers by month, 12 months ahead; the last tenth is measured, the tenth before chooses the epoch, all else are defaults",
  data: { file: "forecast/airline-passengers.csv" },
  variants: { ours: { columns: { targets: ["Passengers"], time: "Month" }, horizon: 12 } },
  reach: { ours: "MASE below the seasonal naive method; 75 to 85 % within the interval of 80 %" },
  run: ({ settings, seed, data, log }) => forecast({ settings, seed, file: data.file, log }),
});
