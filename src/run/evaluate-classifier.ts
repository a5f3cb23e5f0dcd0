import { type Examples, expectExamples, targetsOf } from "../data/examples.ts";
import { expectOptions } from "../shared/options.ts";
import type { Abortable } from "../shared/signal.ts";
import { varies } from "../shared/varies.ts";
import { type ClassificationScores, classificationScores } from "./classification-scores.ts";
import { type Classifier, type ClassPrediction, targetUnits } from "./classifier.ts";
import { expectedCalibrationError } from "./fit-calibration.ts";

/** Scores of a classifier on examples. */
export interface ClassifierScores extends ClassificationScores {
  /** Mean of −log p(true class), over the examples whose class the model knows. */
  readonly loss: number;
  /**
   * The expected calibration error over the same examples, from 0: how far the probability of the most likely class is from the share in
   * which that is right, in 15 bins of equal width (Guo et al. 2017, arXiv:1706.04599).
   */
  readonly calibrationError: number;
}

/** Scores of a regression on examples; errors in the units of the labels. */
export interface RegressionScores {
  readonly examples: number;
  /** Mean squared error in standardized units: about 1 for predicting the mean. */
  readonly loss: number;
  readonly rmse: number;
  readonly mae: number;
  /** R², the share of the variance that is explained; NaN if there is none. */
  readonly r2: number;
}

/**
 * Evaluates a classifier on labelled examples.
 * @throws UsageError "no-examples", "bad-option", "not-a-classifier", "wrong-input"; the reason of `signal`
 */
export async function evaluateClassifier(
  classifier: Classifier,
  { inputs, labels }: Pick<Examples, "inputs" | "labels">,
  options: Abortable = {},
): Promise<ClassifierScores> {
  expectOptions("evaluateClassifier", options, { signal: 1 });
  expectExamples("evaluateClassifier", { inputs, labels });
  return classifierScores(classifier, labels, await classifier.predict(inputs, options));
}

/** Scores of the predictions for examples with these labels. */
export function classifierScores(
  classifier: Classifier,
  labels: readonly string[],
  predictions: readonly ClassPrediction[],
): ClassifierScores {
  const classes = classifier.model.config.classes!;
  const known = predictions.flatMap(({ logProbabilities, probabilities }, k) => {
    const log = Object.hasOwn(logProbabilities, labels[k]!) ? logProbabilities[labels[k]!]! : undefined;
    return log === undefined ? [] : [{ log, likeliest: Math.max(...Object.values(probabilities)), own: Math.exp(log) }];
  });
  const predicted = predictions.map(({ label }) => label);
  return {
    loss: known.reduce((sum, { log }) => sum - log, 0) / known.length,
    calibrationError: expectedCalibrationError(
      known.map(({ likeliest }) => likeliest),
      known.map(({ likeliest, own }) => own === likeliest),
    ),
    ...classificationScores(labels, predicted, classes),
  };
}

/**
 * Evaluates a regression on labelled examples.
 * @throws UsageError "no-examples", "bad-option", "not-a-regression", "wrong-input", "not-a-number"; the reason of `signal`
 */
export async function evaluateRegression(
  classifier: Classifier,
  examples: Examples,
  options: Abortable = {},
): Promise<RegressionScores> {
  expectOptions("evaluateRegression", options, { signal: 1 });
  expectExamples("evaluateRegression", examples);
  return numberScores(classifier, examples, await classifier.predictNumbers(examples.inputs, options));
}

/** Scores of the numbers that a regression predicted. */
export const numberScores = (
  classifier: Classifier,
  examples: Examples,
  predicted: ArrayLike<number>,
): RegressionScores => regressionScores(targetsOf(examples), predicted, targetUnits(classifier.model).deviation);

/** @param deviation what errors are divided by in `loss` */
export function regressionScores(
  targets: ArrayLike<number>,
  predicted: ArrayLike<number>,
  deviation: number,
): RegressionScores {
  const n = targets.length;
  let [squares, absolute, mean, spread] = [0, 0, 0, 0];
  for (let k = 0; k < n; k++) {
    const error = predicted[k]! - targets[k]!;
    squares += error * error;
    absolute += Math.abs(error);
    mean += targets[k]! / n;
  }
  for (let k = 0; k < n; k++) spread += (targets[k]! - mean) ** 2;
  return {
    examples: n,
    loss: squares / n / deviation ** 2,
    rmse: Math.sqrt(squares / n),
    mae: absolute / n,
    r2: varies(Math.sqrt(spread / n), mean) ? 1 - squares / spread : Number.NaN,
  };
}
