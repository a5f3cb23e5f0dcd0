import type { Machine } from "../compute/machine.ts";
import { type Examples, type Series, targetsOf } from "../data/examples.ts";
import { BagOfTokens } from "../models/bag-of-tokens.ts";
import { type ClassificationScores, classificationScores } from "../run/classification-scores.ts";
import type { Classifier } from "../run/classifier.ts";
import {
  evaluateClassifier,
  evaluateRegression,
  numberScores,
  type RegressionScores,
} from "../run/evaluate-classifier.ts";
import { nearestNeighbour, timeWarpingCost } from "../run/nearest-neighbour.ts";
import { mostFrequent } from "../shared/tally.ts";
import { trainClassifier } from "./train-classifier.ts";

export interface BaselineOptions {
  readonly machine: Machine;
  /** The model that they stand beside: its classes, its tokenizer. */
  readonly classifier: Classifier;
  readonly train: Examples;
  /** What all are measured on. */
  readonly test: Examples;
  readonly seed?: number | undefined;
}

export interface Baseline {
  readonly name: string;
  /** Undefined with a reason: it would take too long. */
  readonly scores: ClassificationScores | RegressionScores | undefined;
  readonly why?: string;
}

/** Multiplications that a baseline may cost: about half a minute. */
const MOST_WORK = 2e10;

/**
 * What simple methods reach on the same examples: always the most frequent class (or the mean); for texts logistic (or linear)
 * regression on the counts of tokens, for series of classes the label of the nearest one by dynamic time warping.
 */
export async function classifierBaselines(options: BaselineOptions): Promise<Baseline[]> {
  const { classifier, train, test } = options;
  const { classes } = classifier.model.config;
  if (!classes) {
    const targets = targetsOf(train);
    const mean = targets.reduce((sum, value) => sum + value / targets.length, 0);
    const scores = numberScores(
      classifier,
      test,
      test.inputs.map(() => mean),
    );
    return [{ name: "always the mean", scores }, ...(classifier.tokenizer ? [await bagOfTokens(options)] : [])];
  }
  const frequent = mostFrequent(train.labels);
  const majority = classificationScores(
    test.labels,
    test.labels.map(() => frequent),
    classes,
  );
  return [
    { name: `always ${JSON.stringify(frequent)}`, scores: majority },
    classifier.tokenizer ? await bagOfTokens(options) : nearest(options, classes),
  ];
}

async function bagOfTokens({ machine, classifier, train, test, seed }: BaselineOptions): Promise<Baseline> {
  const { tokenizer, model } = classifier;
  const regression = model.config.classes === undefined;
  const { trainer, classifier: bag } = await trainClassifier({
    ...{ machine, examples: train, validation: 0, tokenizer, regression, seed },
    ...{ model: (given) => new BagOfTokens(given), epochs: 10, learningRate: 0.02 },
  });
  try {
    await trainer.run();
    const scores = regression ? await evaluateRegression(bag, test) : await evaluateClassifier(bag, test);
    return { name: `${regression ? "linear" : "logistic"} regression on counts of tokens`, scores };
  } finally {
    trainer.close();
  }
}

function nearest({ train, test }: BaselineOptions, classes: readonly string[]): Baseline {
  const name = "nearest series by dynamic time warping";
  const [known, asked] = [train.inputs as readonly Series[], test.inputs as readonly Series[]];
  if (timeWarpingCost(known, asked) > MOST_WORK) return { name, scores: undefined, why: "would take too long here" };
  const predicted = asked.map((query) => nearestNeighbour(query, known, train.labels));
  return { name, scores: classificationScores(test.labels, predicted, classes) };
}
