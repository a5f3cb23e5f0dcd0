import { forecast } from "../forecast.mjs";
import { defineRecipe } from "../recipe.mjs";

const ALL = ["HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT"];
/** Months of 30 days: 12 to learn from, 4 to validate, 4 to measure; scaled by the first 12. */
const split = { steps: 20 * 720, validation: 4 * 720, test: 4 * 720 };
const of = (targets, horizon) => ({ columns: { targets, time: "date" }, ...split, horizon });
/** What PyTorch was measured with at 24 hours: the last 96 minus the last one, no calendar, no linear map. */
const parity = (horizon) => ({
  ...of(["OT"], horizon),
  ...{ context: 96, anchor: "last", calendar: [], head: "point", linear: false, model: { hiddenSize: 64 } },
  ...{ epochs: 4, learningRate: 1e-3, clipNorm: 1, batchSize: 32 },
});
/** Points by the squared error, as the tables count, added to a linear map of the last 336 hours; no calendar. The context and the epochs were chosen on the validation part (24 hours, seed 0). */
const ours = (targets, horizon) => ({
  ...of(targets, horizon),
  apart: targets.length > 1,
  ...{ context: 336, calendar: [], head: "point", epochs: 2, learningRate: 1e-3 },
});

export const recipe = defineRecipe({
  about:
    "ETTh1 as in the tables of Informer (arXiv:2012.07436): every hour of the last 4 of 20 months is an origin; the epoch is chosen on the 4 months before",
  data: { file: "forecast/ETTh1.csv.gz" },
  variants: {
    parity: parity(24),
    "parity-48": parity(48),
    "parity-168": parity(168),
    ours: ours(["OT"], 24),
    "univariate-48": ours(["OT"], 48),
    "univariate-168": ours(["OT"], 168),
    "multivariate-24": ours(ALL, 24),
    // An epoch of the seven columns is as long as seven of one: one of them.
    "multivariate-48": { ...ours(ALL, 48), epochs: 1 },
    "multivariate-168": { ...ours(ALL, 168), epochs: 1 },
  },
  reach: {
    parity: "PyTorch: MSE .0287, MAE .127 (one seed); repeating the last value: .0343",
    "parity-48": "repeating the last value .0501",
    "parity-168": "repeating the last value .0872",
    ours: "repeating the last value .0343, LSTMa .114/.272, DeepAR .107/.280, which copying beats",
    "univariate-48": "repeating the last value .0501, LSTMa .193/.358, DeepAR .162/.327, which copying beats",
    "univariate-168": "repeating the last value .0872, LSTMa .236/.392, DeepAR .239/.422, which copying beats",
    "multivariate-24": "repeating yesterday .424, LSTMa .650/.624, Informer .577/.549, which copying beats",
    "multivariate-48": "repeating yesterday .465, LSTMa .702/.675, Informer .685/.625, which copying beats",
    "multivariate-168": "repeating yesterday .571, LSTMa 1.212/.867, Informer .931/.752, which copying beats",
  },
  run: ({ settings, seed, data, log }) => forecast({ settings, seed, file: data.file, log }),
});
