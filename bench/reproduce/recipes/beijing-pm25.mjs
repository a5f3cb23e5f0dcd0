import { forecast } from "../forecast.mjs";
import { defineRecipe } from "../recipe.mjs";

export const recipe = defineRecipe({
  about:
    "hourly PM2.5 in Beijing with the weather, 24 hours ahead; the last tenth is measured, the tenth before chooses the epoch, all else are defaults",
  data: { file: "forecast/beijing-pm25.csv.gz" },
  variants: {
    ours: {
      columns: { targets: ["pm2.5"], past: ["DEWP", "TEMP", "PRES", "Iws"], time: ["year", "month", "day", "hour"] },
      horizon: 24,
    },
  },
  reach: { ours: "MASE below the seasonal naive method; 75 to 85 % within the interval of 80 %" },
  run: ({ settings, seed, data, log }) => forecast({ settings, seed, file: data.file, log }),
});
