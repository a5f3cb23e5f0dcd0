/** A recipe for a set of the UCR/UEA archive, beside 1-NN with dynamic time warping. */
import { readLabelledSeries } from "../../dist/index.js";
import { asPyTorch, classify, nearestAccuracy } from "./classify.mjs";
import { defineRecipe } from "./recipe.mjs";

/** For sets of some dozens of series: all of the training part, about a thousand updates of few examples, the last weights. */
export const small = asPyTorch({ validation: 0, batchSize: 8, epochs: 150 });

/** What PyTorch was measured with on small sets: the maximum over time of both directions. */
export const maximumOverTime = asPyTorch({
  ...{ validation: 0, scaling: "none", batchSize: 16, epochs: 150, learningRate: 3e-3, clipNorm: 1 },
  model: { hiddenSize: 64, bidirectional: true, pooling: "max", dropout: 0 },
});

export const seriesRecipe = (name, { about, ...rest }) =>
  defineRecipe({
    about,
    data: { train: `series/${name}_TRAIN.ts.gz`, test: `series/${name}_TEST.ts.gz` },
    ...rest,
    async run({ settings, seed, data, log }) {
      const [train, test] = [await readLabelledSeries(data.train), await readLabelledSeries(data.test)];
      const { measures, details } = await classify({ settings, seed, train, test, log });
      return { measures: { ...measures, "1-NN DTW": nearestAccuracy(train, test) }, details };
    },
  });
